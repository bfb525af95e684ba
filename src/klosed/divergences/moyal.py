"""KL from a Moyal distribution. Imports only distributions and below."""

from __future__ import annotations

import math

from klosed._arrays import Array, namespace
from klosed.distributions import Moyal
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special import digamma, digamma_difference, lgamma_bregman, lgamma_difference, psi

__all__ = ["kl_moyal_moyal"]

_LOG_2 = math.log(2.0)


@register_kl(Moyal, Moyal)
def kl_moyal_moyal(q: Moyal, p: Moyal) -> Array:
    r"""KL of two Moyal distributions, in nats: a sum of three nonnegative terms.

    .. math::
        \mathrm{KL} = \tfrac12\psi(w + L) + (r - 1 - \log r)
        + \tfrac12 B_{\log\Gamma}\left(r + \tfrac12, \tfrac32\right), \qquad
        r = \sigma_q / \sigma_p, \quad w = (\mu_p - \mu_q) / \sigma_p,

    with L = log(2^r Γ(r + ½)/√π), ψ(x) = exp(x) − 1 − x and the Bregman divergence B of log Γ.

    Notes
    -----
    exp(−z) of a Moyal variable is χ² with one degree of freedom, so E exp(−rz) = exp(L) and
    KL = −log r + ½(E[rz − w − z] + exp(w + L) − 1); this is the same, regrouped so that nothing
    cancels. As for the Gumbel distribution, its relative error grows with |w| + L.
    Measured: 3 units of the last place near-equal, 10 for |w| ≤ 12 and r ≤ 4, 8e-14 relative at
    the extremes. The gradients in the scales are accurate relative to the sizes of their terms.
    """
    t, w, log_tail = _pieces(q, p)
    excess = (q.core.scale / p.core.scale).excess
    return 0.5 * psi(w + log_tail) + (excess + 0.5 * lgamma_bregman(1.5 + t, 1.5, t))


@kl_moyal_moyal.gradient
def _grad_moyal_moyal(q: Moyal, p: Moyal) -> tuple[Gradients, Gradients]:
    t, w, log_tail = _pieces(q, p)
    xp = namespace(t)
    r = (q.core.scale / p.core.scale).value
    pull = 0.5 * xp.expm1(w + log_tail)
    slope = p.core.scale.divide(pull)

    def of_log_scale(x: Array) -> Array:
        slack = t + 0.5 * r * digamma_difference(1.5 + t, 1.5, t)
        weight = r * (digamma(1.5 + t) + _LOG_2) + x
        return slack + xp.where(weight == 0, 0.0, weight * pull)

    return (
        {"loc": -slope, "log_scale": lambda: of_log_scale(xp.zeros_like(w))},
        {"loc": slope, "log_scale": lambda: -of_log_scale(w)},
    )


def _pieces(q: Moyal, p: Moyal) -> tuple[Array, Array, Array]:
    """Return r − 1, w and L."""
    t = (q.core.scale / p.core.scale).minus_one
    t = namespace(t).clip(t, max=float(namespace(t).finfo(t.dtype).max))
    log_tail = t * _LOG_2 + lgamma_difference(1.5 + t, 1.5, t)
    return t, p.core.scale.divide(p.core.loc - q.core.loc), log_tail
