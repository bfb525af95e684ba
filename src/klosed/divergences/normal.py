"""KL from a normal distribution. Imports only distributions and below."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, namespace
from klosed.distributions import Gumbel, Laplace, Normal
from klosed.distributions._base import Gradients
from klosed.distributions._parameters import Ratio
from klosed.divergences._registry import register_kl
from klosed.special import erf, psi

__all__ = ["kl_normal_gumbel", "kl_normal_laplace", "kl_normal_normal", "kl_standard_normal"]

Floats = NDArray[Any]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_HALF = math.sqrt(0.5)


@register_kl(Normal, Normal)
def kl_normal_normal(q: Normal, p: Normal) -> Array:
    r"""KL of two normal distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12\left((r - 1)^2 + z^2\right), \qquad
        r = \sigma_q / \sigma_p, \quad z = (\mu_q - \mu_p) / \sigma_p

    Notes
    -----
    Kullback (1959), "Information theory and statistics", ch. 9, example 1.4, regrouped so that
    nothing cancels. The gradient in log σ is r² − 1 for q and −(r² − 1) − z² for p.

    Measured against mpmath, near-equal parameters (1 … 1e-12) included: at most 4 ulp, gradients
    1e-13 relative, that in p's scale to the sizes of its two terms, which may cancel; scales of
    1e-150 … 1e150 and log scales of ±1000: 4 ulp. A scale against a log scale: log σ is known to 3
    units of 2⁻⁵², which costs about 6/|log r| ulp.
    """
    ratio = q.core.scale / p.core.scale
    t = ratio.minus_one
    z = p.core.scale.divide(q.core.loc - p.core.loc)
    # halving first keeps the squares from overflowing where their half does not
    return ratio.excess + ((0.5 * t) * t + (0.5 * z) * z)


@kl_normal_normal.gradient
def _grad_normal_normal(q: Normal, p: Normal) -> tuple[Gradients, Gradients]:
    ratio = q.core.scale / p.core.scale
    t = ratio.minus_one
    z = p.core.scale.divide(q.core.loc - p.core.loc)
    slope = p.core.scale.divide(z)

    def grad_scale_q() -> Array:
        # dividing first, because r² may overflow where (r² − 1)/σq does not
        return (t / q.core.scale.value) * (t + 2.0)

    def grad_scale_p() -> Array:
        return -((t + 2.0) * p.core.scale.divide(t) + z * slope)

    return (
        {"loc": slope, "log_scale": lambda: t * (t + 2.0), "scale": grad_scale_q},
        {"loc": -slope, "log_scale": lambda: -(t * (t + 2.0) + z * z), "scale": grad_scale_p},
    )


def kl_standard_normal(loc: Floats, log_variance: Floats) -> tuple[Floats, Floats, Floats]:
    r"""Return KL(N(loc, exp(log_variance)) ‖ N(0, 1)) of each element, in nats, and its gradient.

    .. math::
        \mathrm{KL} = \tfrac12\left(\psi(v) + \mu^2\right), \quad
        \partial_\mu = \mu, \quad \partial_v = \tfrac12 \operatorname{expm1}(v),
        \qquad \psi(v) = e^v - 1 - v

    Both terms are nonnegative, so nothing cancels as the posterior approaches the prior.

    Parameters
    ----------
    loc, log_variance : ndarray
        μ and v, the same shape and floating dtype. No checks: this is an engine's inner loop.

    Returns
    -------
    value, grad_loc, grad_log_variance : ndarray
        Each of the inputs' shape and dtype, unsummed.

    Notes
    -----
    Kingma and Welling (2014), "Auto-encoding variational Bayes", arXiv:1312.6114, appendix B.
    Their −½(1 + v − μ² − e^v) subtracts near-equal numbers; this is the same, regrouped.
    Measured against mpmath, |v| and |μ| of 1e-12 … 20: 2 ulp in float64 and in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from klosed.divergences.normal import kl_standard_normal
    >>> value, grad_loc, grad_log_variance = kl_standard_normal(np.array([1.0]), np.array([0.0]))
    >>> value.tolist(), grad_loc.tolist(), grad_log_variance.tolist()
    ([0.5], [1.0], [0.0])
    """
    half = loc.dtype.type(0.5)
    return half * (psi(log_variance) + loc * loc), loc, half * np.expm1(log_variance)


@register_kl(Normal, Gumbel)
def kl_normal_gumbel(q: Normal, p: Gumbel) -> Array:
    r"""KL of a normal from a Gumbel distribution, in nats: a sum of four nonnegative terms.

    .. math::
        \mathrm{KL} = \psi(X) + (r - 1 - \log r) + \tfrac12 (r - 1)^2
        + \bigl(1 - \tfrac12\log 2\pi\bigr), \qquad
        r = \sigma / \beta, \quad X = \tfrac12 r^2 - (\mu_q - \mu_p)/\beta

    with ψ(x) = exp(x) − 1 − x.

    Notes
    -----
    From the normal's entropy and its moment generating function. It is at least 0.081. Its
    relative error grows with the terms of X, whose exponential it contains. The gradient in
    log σ and log β is accurate relative to the sizes of its terms, which may cancel.
    Measured against mpmath: 11 ulp, 6e-14 at the extremes.
    """
    ratio, _, inner = _beside_gumbel(q, p)
    t = ratio.minus_one
    return psi(inner) + (ratio.excess + (0.5 * t) * t + (1.0 - _HALF_LOG_2PI))


@kl_normal_gumbel.gradient
def _grad_normal_gumbel(q: Normal, p: Gumbel) -> tuple[Gradients, Gradients]:
    ratio, z, inner = _beside_gumbel(q, p)
    xp = namespace(z)
    t, square = ratio.minus_one, _finite(ratio.value * ratio.value)
    pull = xp.expm1(inner)
    slope = p.core.scale.divide(pull)

    def of_log_scale(shift: Array) -> Array:
        weight = square - shift
        return t * (t + 2.0) + xp.where(weight == 0, 0.0, weight * pull)

    return (
        {"loc": -slope, "log_scale": lambda: of_log_scale(xp.zeros_like(z))},
        {"loc": slope, "log_scale": lambda: -of_log_scale(z)},
    )


def _beside_gumbel(q: Normal, p: Gumbel) -> tuple[Ratio, Array, Array]:
    """Return r, (μq − μp)/β and X."""
    ratio = q.core.scale / p.core.scale
    z = p.core.scale.divide(q.core.loc - p.core.loc)
    return ratio, z, _finite((0.5 * ratio.value) * ratio.value) - z


@register_kl(Normal, Laplace)
def kl_normal_laplace(q: Normal, p: Laplace) -> Array:
    r"""KL of a normal from a Laplace distribution, in nats: a sum of three nonnegative terms.

    .. math::
        \mathrm{KL} = (\rho - 1 - \log\rho) + \bigl(\tfrac12 - \log\tfrac\pi2\bigr)
        + \Bigl[ v \operatorname{erf}\frac{|z|}{\sqrt2} + \rho\,(e^{-z^2/2} - 1) \Bigr], \qquad
        \rho = \sqrt{\tfrac2\pi}\,\frac\sigma b, \quad z = \frac{\mu_q - \mu_p}\sigma, \quad
        v = \frac{|\mu_q - \mu_p|}b

    Notes
    -----
    From the normal's entropy and E|x − μp|; the bracket is what the shift adds. KL is at least
    0.048. The gradient in log σ and log b is accurate relative to the sizes of its terms, which
    may cancel.
    Measured against mpmath: 6 ulp; scales of 1e-150 … 1e150: 1 ulp, their logarithms 8e-14.
    """
    ratio = _mean_distance(q, p)
    return ratio.excess + (_from_shift(q, p) + (0.5 - math.log(0.5 * math.pi)))


@kl_normal_laplace.gradient
def _grad_normal_laplace(q: Normal, p: Laplace) -> tuple[Gradients, Gradients]:
    ratio = _mean_distance(q, p)
    z = q.core.scale.divide(q.core.loc - p.core.loc)
    slope = p.core.scale.divide(erf(z * _ROOT_HALF))

    def of_log_scale_q() -> Array:
        xp, width, fall = namespace(z), _finite(ratio.value), -0.5 * z * z
        near = ratio.minus_one + width * xp.expm1(fall)
        return xp.where(fall < -1.0, width * xp.exp(fall) - 1.0, near)

    return (
        {"loc": slope, "log_scale": of_log_scale_q},
        {"loc": -slope, "log_scale": lambda: -(ratio.minus_one + _from_shift(q, p))},
    )


def _mean_distance(q: Normal, p: Laplace) -> Ratio:
    """Return ρ: E|x − μq| over b."""
    return q.core.scale.times(math.sqrt(2.0 / math.pi)) / p.core.scale


def _from_shift(q: Normal, p: Laplace) -> Array:
    """Return (E|x − μp| − E|x − μq|)/b."""
    shift = namespace(q.core.loc).abs(q.core.loc - p.core.loc)
    xp = namespace(shift)
    z, v = q.core.scale.divide(shift), p.core.scale.divide(shift)
    gone = _finite(_mean_distance(q, p).value) * xp.expm1(-0.5 * z * z)
    return xp.where(z == 0, 0.0, v * erf(z * _ROOT_HALF)) + gone


def _finite(x: Array) -> Array:
    return namespace(x).clip(x, max=float(namespace(x).finfo(x.dtype).max))
