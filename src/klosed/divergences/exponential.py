"""KL from an exponential distribution. Imports only distributions and below."""

from __future__ import annotations

import math

from klosed._arrays import Array, namespace
from klosed.distributions import Exponential, Gamma, Gumbel, Normal
from klosed.distributions._base import Gradients
from klosed.distributions._parameters import Ratio
from klosed.divergences._gamma import TwoGammas, fixed
from klosed.divergences._registry import register_kl
from klosed.divergences._to_normal import ToNormal
from klosed.special import psi

__all__ = [
    "kl_exponential_exponential",
    "kl_exponential_gamma",
    "kl_exponential_gumbel",
    "kl_exponential_normal",
]


@register_kl(Exponential, Exponential)
def kl_exponential_exponential(q: Exponential, p: Exponential) -> Array:
    r"""KL of two exponential distributions, in nats.

    .. math:: \mathrm{KL} = r - 1 - \log r, \qquad r = \lambda_p / \lambda_q

    Notes
    -----
    Kullback (1959), "Information theory and statistics", ch. 4. Measured: within 4 units of the
    last place, near-equal or not; 6e-14 relative for logarithms of rates within ±345.
    """
    return (p.core.rate / q.core.rate).excess


@kl_exponential_exponential.gradient
def _grad_exponential_exponential(q: Exponential, p: Exponential) -> tuple[Gradients, Gradients]:
    t = (p.core.rate / q.core.rate).minus_one
    return {"log_rate": -t}, {"log_rate": t}


@register_kl(Exponential, Gamma)
def kl_exponential_gamma(q: Exponential, p: Gamma) -> Array:
    r"""KL of an exponential from a gamma distribution, in nats; q is Gamma(1, rate).

    .. math:: \mathrm{KL} = \mathrm{KL}(\mathrm{Gamma}(1, \lambda_q) \,\|\, p)

    Notes
    -----
    See `kl_gamma_gamma`.
    """
    return _as_gamma(q, p).value()


@kl_exponential_gamma.gradient
def _grad_exponential_gamma(q: Exponential, p: Gamma) -> tuple[Gradients, Gradients]:
    of_q, of_p = _as_gamma(q, p).gradients()
    return {"log_rate": of_q["log_rate"]}, of_p


def _as_gamma(q: Exponential, p: Gamma) -> TwoGammas:
    one = fixed(1.0, beside=p.core.concentration, of=q)
    return TwoGammas(one, q.core.rate, p.core.concentration, p.core.rate)


@register_kl(Exponential, Normal)
def kl_exponential_normal(q: Exponential, p: Normal) -> Array:
    r"""KL of an exponential from a normal distribution, in nats: a sum of four nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12 (r - 1)^2 + \tfrac12 z^2
        + \tfrac12(\log 2\pi - 1), \qquad
        r = \frac{1}{\lambda\sigma}, \quad z = \frac{1/\lambda - \mu}{\sigma}

    Notes
    -----
    From the entropy 1 − log λ, the mean and the variance. It is at least ½(log 2π − 1) = 0.419.
    The gradient in log λ is accurate relative to the sizes of r² − 1 and zr, which may cancel.
    Measured against mpmath, at the extremes too: 4 ulp.
    """
    return _to_normal(q, p).value(0.5 * (math.log(2.0 * math.pi) - 1.0))


@kl_exponential_normal.gradient
def _grad_exponential_normal(q: Exponential, p: Normal) -> tuple[Gradients, Gradients]:
    parts = _to_normal(q, p)
    return {"log_rate": -(parts.of_spread + parts.z * parts.ratio.value)}, parts.of_p


def _to_normal(q: Exponential, p: Normal) -> ToNormal:
    mean = q.core.rate.inverse
    return ToNormal(mean.value - p.core.loc, mean, p)


@register_kl(Exponential, Gumbel)
def kl_exponential_gumbel(q: Exponential, p: Gumbel) -> Array:
    r"""KL of an exponential from a Gumbel distribution, in nats.

    .. math::
        \mathrm{KL} = \psi(X) + \bigl(r - \log r - \log(1 + r)\bigr), \qquad
        r = \frac{1}{\lambda\beta}, \quad X = \frac\mu\beta - \log(1 + r)

    with ψ(x) = exp(x) − 1 − x. Both terms are nonnegative, the second at least 0.174.

    Notes
    -----
    From the entropy, the mean and the moment generating function of q. The gradient in log λ and
    log β is accurate relative to the sizes of its terms, which may cancel.
    Measured against mpmath, at the extremes too: 9 ulp, of logarithms 15.
    """
    ratio, inner = _beside_gumbel(q, p)
    r = _finite(ratio.value)
    return psi(inner) + (r - ratio.log - namespace(r).log1p(r))


@kl_exponential_gumbel.gradient
def _grad_exponential_gumbel(q: Exponential, p: Gumbel) -> tuple[Gradients, Gradients]:
    ratio, inner = _beside_gumbel(q, p)
    r = _finite(ratio.value)
    xp = namespace(r)
    pull = xp.expm1(inner)
    share = 1.0 / (1.0 + 1.0 / r)  # r/(1 + r)
    loc = p.core.scale.divide(p.core.loc)

    def of_log_ratio() -> Array:
        return share * (r - pull) - 1.0

    def of_log_scale() -> Array:
        return -of_log_ratio() - xp.where(loc == 0, 0.0, loc * pull)

    return (
        {"log_rate": lambda: -of_log_ratio()},
        {"loc": lambda: p.core.scale.divide(pull), "log_scale": of_log_scale},
    )


def _beside_gumbel(q: Exponential, p: Gumbel) -> tuple[Ratio, Array]:
    """Return r and X."""
    ratio = q.core.rate.inverse / p.core.scale
    r = _finite(ratio.value)
    return ratio, p.core.scale.divide(p.core.loc) - namespace(r).log1p(r)


def _finite(x: Array) -> Array:
    return namespace(x).clip(x, max=float(namespace(x).finfo(x.dtype).max))
