"""KL from a Gumbel distribution. Imports only distributions and below."""

from __future__ import annotations

import math

import numpy as np

from klosed._arrays import Array, namespace
from klosed.distributions import Gumbel, Normal
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.divergences._to_normal import ToNormal
from klosed.special import digamma, digamma_difference, lgamma_bregman, lgamma_difference, psi

__all__ = ["kl_gumbel_gumbel", "kl_gumbel_normal"]

_SPREAD = math.pi / math.sqrt(6.0)
_OWN = 0.5 * (math.log(2.0 * math.pi) + 1.0) + math.log(_SPREAD) - 1.0 - np.euler_gamma


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
    Measured: 4 units of the last place near-equal, 9 for |w| ≤ 12 and r ≤ 4, 8e-14 relative at
    the extremes. The gradients in the scales are accurate relative to the sizes of their terms.
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


@register_kl(Gumbel, Normal)
def kl_gumbel_normal(q: Gumbel, p: Normal) -> Array:
    r"""KL of a Gumbel from a normal distribution, in nats: a sum of four nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12 (r - 1)^2 + \tfrac12 z^2
        + \tfrac12\log\frac{\pi^3 e}{3} - 1 - \gamma, \qquad
        r = \frac{\pi\beta}{\sqrt6\,\sigma}, \quad z = \frac{\mu_q + \gamma\beta - \mu_p}{\sigma}

    Notes
    -----
    From the entropy 1 + γ + log β, the mean and the variance π²β²/6. It is at least 0.0906. The
    gradient in log β is accurate relative to the sizes of r² − 1 and γβz/σ, which may cancel.
    Measured against mpmath, scales of 1e-150 … 1e150 too: 3 ulp.
    """
    return _to_normal(q, p).value(_OWN)


@kl_gumbel_normal.gradient
def _grad_gumbel_normal(q: Gumbel, p: Normal) -> tuple[Gradients, Gradients]:
    parts = _to_normal(q, p)

    def of_log_scale() -> Array:
        return parts.of_spread + (np.euler_gamma / _SPREAD) * (parts.z * parts.ratio.value)

    of_q: Gradients = {
        "loc": parts.of_mean,
        "log_scale": of_log_scale,
        "scale": lambda: parts.of_scale(q.core.scale, _SPREAD, np.euler_gamma),
    }
    return of_q, parts.of_p


def _to_normal(q: Gumbel, p: Normal) -> ToNormal:
    offset = (q.core.loc - p.core.loc) + np.euler_gamma * q.core.scale.value
    return ToNormal(offset, q.core.scale.times(_SPREAD), p)
