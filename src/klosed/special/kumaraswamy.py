"""The expectation that KL from a Kumaraswamy to a beta distribution needs, by quadrature.

Imports floor 0 only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from klosed._arrays import Array, like, namespace
from klosed.special._evaluate import evaluate, is_single, scalar_form
from klosed.special.elementary import _psi
from klosed.special.gamma import lgamma
from klosed.special.gamma_differences import lgamma_difference

__all__ = [
    "divergence_from_beta",
    "log_complement_ratio",
    "log_complement_slopes",
    "mean_log_complement",
]

# of the trapezoidal rule, for integrals in (a, b) and in all four parameters
_POINTS, _MORE_POINTS = 128, 256


def log_complement_ratio(a: Array, b: Array) -> Array:
    r"""Return E log((1 − Xᵃ)/(1 − X)) for X of the Kumaraswamy distribution (a, b).

    .. math:: U(a, b) = \int_0^\infty (1 - e^{-\tau})^b
       \left(\frac{c}{e^{c\tau} - 1} - \frac{1}{e^\tau - 1}\right) d\tau, \qquad c = \frac1a

    Parameters
    ----------
    a, b : array
        Positive, broadcastable.

    Returns
    -------
    array
        Of the broadcast shape, with the sign of a − 1; 0 where a = 1.

    Notes
    -----
    With τ = −a log X: E log(1 − Xᵃ) is −1/b, and −E log(1 − X) = Σ b B(1 + m/a, b)/m (Nalisnick
    and Smyth, 2017, "Stick-breaking variational autoencoders", arXiv:1605.06197, appendix) is
    the integral of (1 − exp(−τ))ᵇ c/(exp(cτ) − 1). Their sum is integrated by the double
    exponential rule of Takahasi and Mori (1974), doi:10.2977/prims/1195192451, in a variable in
    which both factors are smooth at every a and b.

    Examples
    --------
    >>> from klosed.special.kumaraswamy import log_complement_ratio
    >>> round(float(log_complement_ratio(3.0, 1.0)), 12)  # 1/2 + 1/3
    0.833333333333
    """
    return evaluate(_RATIO, a=a, b=b)


def mean_log_complement(a: Array, b: Array) -> Array:
    r"""Return −E log(1 − X) for X of the Kumaraswamy distribution (a, b), in nats.

    .. math:: J(a, b) = \int_0^\infty (1 - e^{-\tau})^b \frac{c}{e^{c\tau} - 1}\,d\tau
       = U(a, b) + \frac1b, \qquad c = \frac1a

    Parameters
    ----------
    a, b : array
        Positive, broadcastable.

    Returns
    -------
    array
        > 0, of the broadcast shape.

    Notes
    -----
    As `log_complement_ratio`. For a < 1 it may be far smaller than 1/b.

    Examples
    --------
    >>> from klosed.special.kumaraswamy import mean_log_complement
    >>> round(float(mean_log_complement(3.0, 1.0)), 12)  # 1 + 1/2 + 1/3
    1.833333333333
    """
    return evaluate(_MEAN, a=a, b=b)


def log_complement_slopes(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Return (∂J/∂ log a, ∂U/∂b, ∂J/∂b): the first, which is also ∂U/∂ log a, is > 0.

    Examples
    --------
    >>> from klosed.special.kumaraswamy import log_complement_slopes
    >>> of_log_a, of_b, of_b_whole = log_complement_slopes(1.0, 2.0)
    >>> round(float(of_log_a), 12), float(of_b), round(float(of_b_whole), 12)
    (0.5, 0.0, -0.25)
    """
    return evaluate(_SLOPE_A, a=a, b=b), evaluate(_SLOPE_B, a=a, b=b), evaluate(_MEAN_B, a=a, b=b)


def divergence_from_beta(a: Array, b: Array, alpha: Array, beta: Array) -> Array:
    r"""Return KL from the Kumaraswamy (a, b) to the beta (α, β) distribution, integrated, in nats.

    .. math:: \mathrm{E}\left[e^\ell - 1 - \ell\right] \ge 0, \qquad \ell = \log\frac{p(X)}{q(X)}

    Parameters
    ----------
    a, b, alpha, beta : array
        Positive, broadcastable, and such that KL is below about 4, and a not far below 1 where β is
        far above: the rule's points follow q, not p.

    Returns
    -------
    array
        ≥ 0, of the broadcast shape.

    Notes
    -----
    E exp(ℓ) is 1. Unlike −E ℓ it has no terms that cancel, and an error in the constants of the
    densities acts only by its square.

    Examples
    --------
    >>> from klosed.special.kumaraswamy import divergence_from_beta
    >>> round(float(divergence_from_beta(2.0, 3.0, 2.0, 3.0)), 12)
    0.040186152773
    """
    return evaluate(_DIVERGENCE, a=a, b=b, alpha=alpha, beta=beta)


def _nodes(
    a: Array, left_rate: Array, cut: Array | float, rise: Array, reach: Array, points: int
) -> tuple[Array, Array, Array]:
    """Return τ, −log(1 − exp(−τ)) and the weights that include dκ, along a new last axis.

    The variable is κ = log(exp(τ) − 1): τ itself where large, log τ where small. Between the
    places where the integrand changes, from log a or the cut to log(1 + rise), κ goes with s;
    beyond them exponentially, as far as an integrand must go that falls as exp(left_rate · κ) and
    exp(−κ/reach).
    """
    xp = namespace(a)
    lowest = xp.clip(xp.log(a), max=0.0) + 0.0 * (left_rate + rise + reach)
    left = xp.clip(lowest, min=cut) - 0.5
    right = xp.log1p(rise) + 1.0
    start = left - xp.log(2.0 + 40.0 / left_rate)
    stop = right + xp.log(40.0 * xp.clip(reach, min=1.0))
    step = ((stop - start) / (points - 1))[..., None]
    s = start[..., None] + step * like(np.arange(points), a)
    up, down = xp.exp(s - right[..., None]), xp.exp(left[..., None] - s)
    kappa = s + up - down
    tail = xp.log1p(xp.exp(-xp.abs(kappa)))
    tau = xp.clip(kappa, min=0.0) + tail
    return tau, xp.clip(-kappa, min=0.0) + tail, step * (1.0 + up + down)


def _divergence(a: Array, b: Array, alpha: Array, beta: Array) -> Array:
    xp = namespace(a)
    rate = xp.minimum(b, beta)
    reach = xp.maximum(a, a / alpha)
    reach = reach + 0.0 * (b + beta)
    tau, minus_log, weights = _nodes(a, rate, -math.inf, b, reach, _MORE_POINTS)
    a, b, alpha, beta = (v[..., None] for v in (a, b, alpha, beta))
    c, step = 1.0 / a, (1.0 - a) / a
    log_q = xp.log(b) - b * minus_log - tau
    # log of (1 − exp(−cτ))/(1 − exp(−τ))
    close = xp.abs(step) < 0.5
    t = xp.clip(tau, min=_least(tau))
    change = xp.exp(-t) * xp.expm1(-xp.where(close, step, 0.0) * t) / xp.expm1(-t)
    ratio = xp.where(close, xp.log1p(change), xp.log(xp.expm1(-c * t) / xp.expm1(-t)))
    log_b = _log_beta(alpha, beta)
    ell = (beta - 1.0) * ratio - (alpha - a) * c * tau - (beta - b) * minus_log
    ell = ell - (xp.log(a) + xp.log(b) + log_b)
    large = ell > 1.0
    some = xp.where(large, 0.0, ell)
    surprise = xp.exp(log_q) * xp.where(large, -1.0 - ell, _psi(some))
    return xp.sum(weights * (surprise + xp.where(large, xp.exp(log_q + ell), 0.0)), axis=-1)


def _log_beta(alpha: Array, beta: Array) -> Array:
    low, high = namespace(alpha).minimum(alpha, beta), namespace(alpha).maximum(alpha, beta)
    return lgamma(low) - lgamma_difference(high + low, high, low)


def _integrate(
    kernel: Callable[[Array, Array, Array, Array], Array], vanishing: float, a: Array, b: Array
) -> Array:
    """Integrate (1 − exp(−τ))ᵇ times a kernel that vanishes at 0 as τ to the power `vanishing`."""
    xp = namespace(a)
    # (1 − exp(−τ))ᵇ is below exp(−40) there, which a kernel that does not vanish may all lie in
    cut = xp.log1p((1.0 + b) / 40.0) - 40.0 / (1.0 + b) if vanishing else -math.inf
    tau, minus_log, weights = _nodes(a, vanishing + b, cut, b, a, _POINTS)
    wide = a[..., None]
    values = kernel(1.0 / wide, (1.0 - wide) / wide, tau, minus_log)
    return xp.sum(weights * xp.exp(-b[..., None] * minus_log) * values, axis=-1)


def _mean(a: Array, b: Array) -> Array:
    excess, whole = _integrate(_difference, 1.0, a, b), _integrate(_whole, 0.0, a, b)
    return namespace(a).where(excess * b > -0.5, excess + 1.0 / b, whole)


def _mean_by_b(a: Array, b: Array) -> Array:
    excess, whole = _integrate(_difference_by_b, 1.0, a, b), _integrate(_whole_by_b, 0.0, a, b)
    return namespace(a).where(excess * b * b < 0.5, excess - 1.0 / (b * b), whole)


def _whole(c: Array, _: Array, tau: Array, __: Array) -> Array:
    """Return (1 − exp(−τ)) c/(exp(cτ) − 1)."""
    xp = namespace(tau)
    # both factors tend to 0 or inf, their product to 1
    t = xp.clip(tau, min=_least(tau))
    return -xp.expm1(-t) * c / xp.expm1(c * t)


def _whole_by_b(c: Array, step: Array, tau: Array, minus_log: Array) -> Array:
    return -minus_log * _whole(c, step, tau, minus_log)


def _least(tau: Array) -> float:
    # far below the digits of 1 − exp(−τ), far above underflow
    return 1e-12 if is_single(tau) else 1e-30


def _difference(c: Array, step: Array, tau: Array, _: Array) -> Array:
    """Return (1 − exp(−τ)) (c/(exp(cτ) − 1) − 1/(exp(τ) − 1)), step = c − 1."""
    xp = namespace(tau)
    x, mass = c * tau, -xp.expm1(-tau)
    near = xp.abs(step) < 0.5
    far_x, near_x = xp.where(near, 1.0, x), xp.where(near, x, 1.0)
    near_step = xp.where(near, step, 0.0)
    close = -(near_step * _psi(-tau) + _psi(near_step * tau)) / xp.expm1(near_x)
    small = tau < 1.0
    low = mass / tau * (_shortfall(xp.where(small, tau, 1.0)) - _shortfall(far_x))
    high = c * mass / xp.expm1(far_x) - xp.exp(-tau)
    return xp.where(near, close, xp.where(small, low, high))


def _shortfall(x: Array) -> Array:
    """Return 1 − x/(exp(x) − 1)."""
    xp = namespace(x)
    small = x < 1.0
    y = xp.where(small, x, 1.0)
    return xp.where(small, _psi(y) / xp.expm1(y), 1.0 - x / xp.expm1(x))


def _difference_by_log_a(c: Array, _: Array, tau: Array, __: Array) -> Array:
    xp = namespace(tau)
    x = c * tau
    small = x < 1e-4
    y = xp.where(small, 1.0, x)
    slope = _psi(-y) / (xp.expm1(y) * -xp.expm1(-y))
    return -c * xp.expm1(-tau) * xp.where(small, 0.5 - x / 6.0, slope)


def _difference_by_b(c: Array, step: Array, tau: Array, minus_log: Array) -> Array:
    return -minus_log * _difference(c, step, tau, minus_log)


_DIVERGENCE = scalar_form(_divergence, None, arity=4)
_SLOPE_A = scalar_form(partial(_integrate, _difference_by_log_a, 0.0), None, arity=2)
_SLOPE_B = scalar_form(partial(_integrate, _difference_by_b, 1.0), None, arity=2)
_MEAN_B = scalar_form(_mean_by_b, None, arity=2)
_RATIO = scalar_form(
    partial(_integrate, _difference, 1.0),
    lambda a, b: (_SLOPE_A(a, b) / a, _SLOPE_B(a, b)),
    arity=2,
)
_MEAN = scalar_form(_mean, lambda a, b: (_SLOPE_A(a, b) / a, _MEAN_B(a, b)), arity=2)
