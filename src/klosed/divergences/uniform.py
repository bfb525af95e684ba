"""KL from a uniform distribution. Imports only distributions and below."""

from __future__ import annotations

import math

from klosed._arrays import Array, namespace
from klosed.distributions import Exponential, Gamma, Gumbel, Normal, Pareto, Uniform
from klosed.distributions._base import Gradients
from klosed.distributions._parameters import PositiveValue, Ratio
from klosed.divergences._registry import register_kl
from klosed.divergences._to_gamma import ToGamma
from klosed.divergences._to_normal import ToNormal
from klosed.special import (
    bd0,
    langevin,
    log1mexp,
    log_mean_gap,
    log_ratio,
    log_sinhc,
    phi,
    psi,
)

__all__ = [
    "kl_uniform_exponential",
    "kl_uniform_gamma",
    "kl_uniform_gumbel",
    "kl_uniform_normal",
    "kl_uniform_pareto",
    "kl_uniform_uniform",
]


@register_kl(Uniform, Uniform)
def kl_uniform_uniform(q: Uniform, p: Uniform) -> Array:
    r"""KL of two uniform distributions, in nats; q's interval lies in p's.

    .. math::
        \mathrm{KL} = \log\frac{w_p}{w_q}, \quad w = b - a, \quad
        w_p - w_q = (b_p - b_q) + (a_q - a_p)

    Notes
    -----
    The difference of the widths is a sum of two nonnegative numbers.
    """
    wider = (p.core.high - q.core.high) + (q.core.low - p.core.low)
    return log_ratio(p.width, q.width, wider)


@kl_uniform_uniform.gradient
def _grad_uniform_uniform(q: Uniform, p: Uniform) -> tuple[Gradients, Gradients]:
    slope_q, slope_p = 1.0 / q.width, 1.0 / p.width
    return {"low": slope_q, "high": -slope_q}, {"low": -slope_p, "high": slope_p}


@register_kl(Uniform, Normal)
def kl_uniform_normal(q: Uniform, p: Normal) -> Array:
    r"""KL of a uniform from a normal distribution, in nats: a sum of four nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12 (r - 1)^2 + \tfrac12 z^2
        + \tfrac12\log\frac{\pi e}6, \qquad
        r = \frac{b - a}{\sqrt{12}\,\sigma}, \quad z = \frac{a + b - 2\mu}{2\sigma}

    Notes
    -----
    From the entropy log(b − a), the mean and the variance. It is at least ½ log(πe/6) = 0.176.
    The gradient is accurate relative to the sizes of z/(2σ) and (r² − 1)/(b − a), which may
    cancel.
    """
    return _to_normal(q, p).value(0.5 * (math.log(math.pi / 6.0) + 1.0))


@kl_uniform_normal.gradient
def _grad_uniform_normal(q: Uniform, p: Normal) -> tuple[Gradients, Gradients]:
    parts = _to_normal(q, p)
    shift, stretch = 0.5 * parts.of_mean, parts.of_spread / q.width
    return {"low": shift - stretch, "high": shift + stretch}, parts.of_p


def _to_normal(q: Uniform, p: Normal) -> ToNormal:
    offset = 0.5 * (q.core.low - p.core.loc) + 0.5 * (q.core.high - p.core.loc)
    spread = PositiveValue(q.width / math.sqrt(12.0), 1.0, given_as_log=False)
    return ToNormal(offset, spread, p)


@register_kl(Uniform, Gumbel)
def kl_uniform_gumbel(q: Uniform, p: Gumbel) -> Array:
    r"""KL of a uniform from a Gumbel distribution, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = \psi(X) + \bigl(1 + S(h) - \log 2h\bigr), \qquad
        X = S(h) - z, \quad h = \frac{b - a}{2\beta}, \quad z = \frac{a + b - 2\mu}{2\beta}, \quad
        S(h) = \log\frac{\sinh h}h

    with ψ(x) = exp(x) − 1 − x; the second term is at least 0.207.

    Notes
    -----
    From the entropy, the mean and the moment generating function of q. Its relative error grows
    with the terms of X, whose exponential it contains. The gradient is accurate relative to the
    sizes of its terms, which may cancel.
    """
    parts = _BesideGumbel(q, p)
    return psi(parts.inner) + (1.0 + log_sinhc(parts.half) - parts.ratio.log)


@kl_uniform_gumbel.gradient
def _grad_uniform_gumbel(q: Uniform, p: Gumbel) -> tuple[Gradients, Gradients]:
    parts = _BesideGumbel(q, p)
    xp = namespace(parts.half)
    half, tail = parts.half, xp.exp(parts.inner)
    scale, pull = p.core.scale, xp.expm1(parts.inner)

    def of_low() -> Array:
        return 1.0 / q.width + scale.divide(0.5 * (1.0 - tail * (1.0 + langevin(half))))

    def of_high() -> Array:
        return -1.0 / q.width + scale.divide(0.5 * (1.0 - tail * parts.slack))

    def of_log_scale() -> Array:
        weight = parts.low_end + half * parts.slack
        return (1.0 - parts.z) + xp.where(weight == 0, 0.0, weight * tail)

    return (
        {"low": of_low, "high": of_high},
        {"loc": lambda: scale.divide(pull), "log_scale": of_log_scale},
    )


class _BesideGumbel:
    """The pieces of `kl_uniform_gumbel`: ratio is 2h, half h, low_end (a − μ)/β, inner X."""

    def __init__(self, q: Uniform, p: Gumbel) -> None:
        self.ratio: Ratio = PositiveValue(q.width, 1.0, given_as_log=False) / p.core.scale
        self.half = 0.5 * self.ratio.value
        self.low_end = p.core.scale.divide(q.core.low - p.core.loc)
        self.z = 0.5 * self.low_end + 0.5 * p.core.scale.divide(q.core.high - p.core.loc)
        xp = namespace(self.half)
        far = self.half > 1.0
        # far from 0, h and z may be large and near-equal
        from_end = log1mexp(xp.where(far, self.ratio.value, 2.0)) - self.low_end - self.ratio.log
        self.inner = xp.where(far, from_end, log_sinhc(xp.where(far, 0.0, self.half)) - self.z)

    @property
    def slack(self) -> Array:
        """Return 1 − S′(h)."""
        xp = namespace(self.half)
        far = self.half > 1.0
        safe = xp.where(far, self.half, 1.0)
        near = 1.0 - langevin(xp.where(far, 0.0, self.half))
        return xp.where(far, 1.0 / safe - 2.0 / xp.expm1(2.0 * safe), near)


@register_kl(Uniform, Gamma)
def kl_uniform_gamma(q: Uniform, p: Gamma) -> Array:
    r"""KL of a uniform from a gamma distribution, in nats.

    .. math::
        \mathrm{KL} = \left(c\log\frac cs + s - c\right) + (c - 1)J
        + \bigl(\log\Gamma(c) + c - c\log c\bigr) + \log\frac{a + b}{2(b - a)}, \qquad
        s = \beta\,\frac{a + b}2

    for p = Gamma(c, β), with J = log E x − E log x, which is ≥ 0.

    Notes
    -----
    From the entropy, the mean and E log x = (b log b − a log a)/(b − a) − 1. It is at least 0.17;
    where c is large, log Γ(c) and the width's logarithm cancel down to that. The gradient is
    accurate relative to the sizes of its terms.
    """
    return _to_gamma(q, p).value(_log_mean_over_width(q))


@kl_uniform_gamma.gradient
def _grad_uniform_gamma(q: Uniform, p: Gamma) -> tuple[Gradients, Gradients]:
    parts = _to_gamma(q, p)
    xp = namespace(parts.s)
    half_rate = p.core.rate.multiply(0.5 * xp.ones_like(parts.s))
    bent = parts.c - 1.0

    def of_low() -> Array:
        # E log(x/a) is infinite for a = 0, but p then may have a density that is bounded
        pull = xp.where(bent == 0, 0.0, bent * _log_above_low(q))
        return (1.0 - pull) / q.width + half_rate

    def of_high() -> Array:
        return -(1.0 + bent * _log_below_high(q)) / q.width + half_rate

    return {"low": of_low, "high": of_high}, parts.of_p


@register_kl(Uniform, Exponential)
def kl_uniform_exponential(q: Uniform, p: Exponential) -> Array:
    r"""KL of a uniform from an exponential distribution, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = (s - 1 - \log s) + \left(1 + \log\frac{a + b}{2(b - a)}\right), \qquad
        s = \lambda\,\frac{a + b}2

    Notes
    -----
    `kl_uniform_gamma` for c = 1. It is at least 1 − log 2 = 0.307.
    """
    return kl_uniform_gamma.value(q, p)


kl_uniform_exponential.gradient(_grad_uniform_gamma)


@register_kl(Uniform, Pareto)
def kl_uniform_pareto(q: Uniform, p: Pareto) -> Array:
    r"""KL of a uniform from a Pareto distribution, in nats; a ≥ m.

    .. math::
        \mathrm{KL} = (s - 1 - \log s) + 1 + \log\frac{\ell}{e} + k, \qquad
        s = \alpha\ell, \quad \ell = \log\frac am + k, \quad e = \frac{b - a}a, \quad
        k = \operatorname{E}\log\frac xa = \frac{(1 + e)\log(1 + e) - e}e

    Notes
    -----
    From the entropy and E log x; ℓ is E log(x/m). It is at least 1 − log 2 = 0.307. The gradient
    in b is accurate relative to the sizes of its terms, which may cancel.
    """
    k, log_above = _beside_pareto(q, p)
    ratio = PositiveValue(log_above, 1.0, given_as_log=False) / p.core.alpha.inverse
    steps = q.width / q.core.low
    return ratio.excess + (1.0 + namespace(k).log(log_above / steps) + k)


@kl_uniform_pareto.gradient
def _grad_uniform_pareto(q: Uniform, p: Pareto) -> tuple[Gradients, Gradients]:
    k, log_above = _beside_pareto(q, p)
    alpha = p.core.alpha.value

    def of_high() -> Array:
        return ((alpha + 1.0) * _log_below_high(q) - 1.0) / q.width

    return (
        {"low": lambda: (1.0 + (alpha + 1.0) * k) / q.width, "high": of_high},
        {"log_scale": -alpha, "log_alpha": lambda: alpha * log_above - 1.0},
    )


def _beside_pareto(q: Uniform, p: Pareto) -> tuple[Array, Array]:
    """Return E log(x/a) and E log(x/m), which rounding must not make smaller."""
    k = _log_above_low(q)
    log = (PositiveValue(q.core.low, 1.0, given_as_log=False) / p.core.scale).log
    return k, namespace(k).clip(log, min=0.0) + k


def _to_gamma(q: Uniform, p: Gamma | Exponential) -> ToGamma:
    mean = PositiveValue(0.5 * q.core.low + 0.5 * q.core.high, 1.0, given_as_log=False)
    return ToGamma(q, mean, log_mean_gap(0.5 * q.width / mean.value), p)


def _log_mean_over_width(q: Uniform) -> Array:
    """Return log((a + b)/(2(b − a)))."""
    steps = 2.0 * q.core.low / q.width
    return namespace(steps).log1p(steps) - math.log(2.0)


def _log_above_low(q: Uniform) -> Array:
    """Return E log(x/a) = ((1 + e) log(1 + e) − e)/e, e = (b − a)/a; inf for a = 0."""
    low = q.core.low
    xp = namespace(low)
    steps = q.width / xp.where(low > 0, low, 1.0)
    return xp.where(low > 0, bd0(1.0 + steps, 1.0, steps) / steps, math.inf)


def _log_below_high(q: Uniform) -> Array:
    """Return log b − E log x = φ(e)/e, e = (b − a)/a; 1 for a = 0."""
    low = q.core.low
    xp = namespace(low)
    steps = q.width / xp.where(low > 0, low, 1.0)
    return xp.where(low > 0, phi(steps) / steps, 1.0)
