"""KL from an ordered logistic distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, broadcast, namespace
from klosed.distributions import OrderedLogistic
from klosed.distributions._base import Gradients
from klosed.distributions._categories_kl import divergence_of, grads_of
from klosed.divergences._registry import register_kl
from klosed.errors import ShapeError
from klosed.special import log1mexp, log1p, softplus_difference, two_sum
from klosed.special._evaluate import evaluate, scalar_form

__all__ = ["kl_ordered_logistic_ordered_logistic"]


def _share_classes(q: OrderedLogistic, p: OrderedLogistic) -> bool:
    sizes = q.core.cutpoints.shape[-1], p.core.cutpoints.shape[-1]
    if sizes[0] != sizes[1]:
        raise ShapeError(
            f"q and p must have the same number of cutpoints; got {sizes[0]} and {sizes[1]}."
        )
    return True


@register_kl(OrderedLogistic, OrderedLogistic, when=_share_classes)
def kl_ordered_logistic_ordered_logistic(q: OrderedLogistic, p: OrderedLogistic) -> Array:
    r"""KL of two ordered logistic distributions, in nats: that of categorical ones.

    .. math:: \mathrm{KL} = \sum_k q(k) \log\frac{q(k)}{p(k)}
       = \log\Big(1 + \sum_k q(k)\, \psi(\varepsilon_k)\Big), \qquad
       \varepsilon = \delta - \sum_k q(k) \delta_k, \quad \delta_k = \log\frac{p(k)}{q(k)}

    Notes
    -----
    δ is a sum of protected differences of softplus and of log(1 − exp(−gap)), taken from the
    differences of the parameters. Measured against mpmath, 2 to 6 classes: at most 24 ulp
    near-equal (1 … 1e-12) or not, gradients 3e-15 of the norm of the terms of the classes; gaps of
    1e-8 … 100 and predictors of ±300: 2e-14, gradients 5e-14; narrow classes that moved far
    keep the digits of their widths.
    """
    return divergence_of(q.log_probs, _log_growth(q, p), p.log_probs)


@kl_ordered_logistic_ordered_logistic.gradient
def _grad_ordered_logistic(q: OrderedLogistic, p: OrderedLogistic) -> tuple[Gradients, Gradients]:
    of_q, of_p = grads_of(q.log_probs, _log_growth(q, p), p.log_probs)
    return q.pull(of_q), p.pull(of_p)


def _log_growth(q: OrderedLogistic, p: OrderedLogistic) -> Array:
    """Return log p(k) − log q(k) for every class."""
    end_q, end_p = q.boundaries, p.boundaries
    xp = namespace(end_q)
    moved, rounding = two_sum(p.core.cutpoints, -q.core.cutpoints)
    shift, low = two_sum(p.core.predictor, -q.core.predictor)
    # classes that moved far are compared to the digits of their width
    change = (moved - shift[..., None]) + (rounding - low[..., None])
    zero = xp.zeros_like(change[..., :1])
    below = xp.concat([softplus_difference(-end_q, -end_p, change), zero], axis=-1)
    above = xp.concat([zero, softplus_difference(end_q, end_p, -change)], axis=-1)
    gaps = evaluate(
        _LOG1MEXP_DIFFERENCE,
        y=p.core.cutpoints[..., 1:] - p.core.cutpoints[..., :-1],
        x=q.core.cutpoints[..., 1:] - q.core.cutpoints[..., :-1],
        diff=(moved[..., 1:] - moved[..., :-1]) + (rounding[..., 1:] - rounding[..., :-1]),
    )
    between = broadcast(gaps, (*change.shape[:-1], change.shape[-1] - 1))
    return below + above + xp.concat([zero, between, zero], axis=-1)


def _log1mexp_difference(y: Array, x: Array, diff: Array) -> Array:
    xp = namespace(x)
    # log1mexp(y) − log1mexp(x) = log(1 + (1 − exp(−diff))/(exp(x) − 1))
    near = xp.abs(diff) <= 0.5 * xp.clip(x, max=1.0)
    safe = xp.where(near, diff, 0.0)
    return xp.where(near, log1p(-xp.expm1(-safe) / xp.expm1(x)), log1mexp(y) - log1mexp(x))


_LOG1MEXP_DIFFERENCE = scalar_form(
    _log1mexp_difference,
    lambda y, x, diff: (1.0 / namespace(y).expm1(y), -1.0 / namespace(x).expm1(x), None),
    arity=3,
)
