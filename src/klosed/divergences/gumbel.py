"""KL from a Gumbel distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Gumbel
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special import digamma, digamma_difference, lgamma_bregman, lgamma_difference, psi

__all__ = ["kl_gumbel_gumbel"]


@register_kl(Gumbel, Gumbel)
def kl_gumbel_gumbel(q: Gumbel, p: Gumbel) -> Array:
    r"""KL of two Gumbel distributions, in nats: a sum of three nonnegative terms.

    .. math::
        \mathrm{KL} = \psi\bigl(w + \log\Gamma(1 + r)\bigr) + (r - 1 - \log r)
        + B_{\log\Gamma}(1 + r, 2), \qquad
        r = \beta_q / \beta_p, \quad w = (\mu_p - \mu_q) / \beta_p

    with ψ(x) = exp(x) − 1 − x and the Bregman divergence B of log Γ.

    Notes
    -----
    Bauckhage (2013), "Computing the Kullback–Leibler divergence between two Weibull
    distributions", arXiv:1310.3713, gives −log r + γ(r − 1) + Γ(1 + r) exp(w) − 1 − w for the
    logarithms of Weibull variables; this is the same, regrouped so that nothing cancels.
    The divergence is conditioned as exp(w) Γ(1 + r) is: its relative error grows with
    |w| + log Γ(1 + r), by about one unit of the last place each.
    """
    t, w, log_gamma = _pieces(q, p)
    return psi(w + log_gamma) + (
        (q.core.scale / p.core.scale).excess + lgamma_bregman(2.0 + t, 2.0, t)
    )


@kl_gumbel_gumbel.gradient
def _grad_gumbel_gumbel(q: Gumbel, p: Gumbel) -> tuple[Gradients, Gradients]:
    t, w, log_gamma = _pieces(q, p)
    xp = namespace(t)
    r = (q.core.scale / p.core.scale).value
    pull = xp.expm1(w + log_gamma)
    slope = p.core.scale.divide(pull)

    def of_log_scale(x: Array) -> Array:
        # with x = 0: −1 + γr + r ψ(1 + r)(1 + pull), from which ψ(2) = 1 − γ is taken out
        slack = t + r * digamma_difference(2.0 + t, 2.0, t)
        weight = r * digamma(2.0 + t) + x
        return slack + xp.where(weight == 0, 0.0, weight * pull)

    return (
        {"loc": -slope, "log_scale": lambda: of_log_scale(xp.zeros_like(w))},
        {"loc": slope, "log_scale": lambda: -of_log_scale(w)},
    )


def _pieces(q: Gumbel, p: Gumbel) -> tuple[Array, Array, Array]:
    """Return r − 1, w and log Γ(1 + r)."""
    t = (q.core.scale / p.core.scale).minus_one
    t = namespace(t).clip(t, max=float(namespace(t).finfo(t.dtype).max))
    return t, p.core.scale.divide(p.core.loc - q.core.loc), lgamma_difference(2.0 + t, 2.0, t)
