"""Differences and Bregman divergences of log Γ, none of which subtracts near-equal numbers.

All stand on Δ(x) = log Γ(x) − [(x − ½) log x − x + ½ log 2π], written for x ≥ 1 as a sum of
simple poles Σ c/(x + b): differences of 1/(x + b) are products. Imports floor 0 only.
"""

from __future__ import annotations

from collections.abc import Callable

from klosed._arrays import Array, namespace
from klosed.special._evaluate import at_most, choose, evaluate_difference, is_single, scalar_form
from klosed.special._tables import STIRLING_POLES
from klosed.special.elementary import _log_ratio, _phi_ratio
from klosed.special.gamma import digamma, trigamma, trigamma_minus_reciprocal

__all__ = [
    "digamma_difference",
    "digamma_minus_log_difference",
    "gamma_shape_bregman",
    "lgamma_bregman",
    "lgamma_difference",
    "stirling_bregman",
]


def lgamma_difference(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return log Γ(y) − log Γ(x), to the last digits also where x and y nearly agree.

    .. math:: \log\frac{\Gamma(y)}{\Gamma(x)}, \qquad \partial_y = \psi(y), \quad
       \partial_x = -\psi(x)

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the broadcast shape. Digits are lost only where ψ changes sign between x and y, so
        that the difference itself vanishes.

    Notes
    -----
    With X = x + 1, Y = y + 1, d = y − x: −log(y/x) + (Y − ½) log(Y/X) + d(log X − 1) +
    Δ(Y) − Δ(X). Named algdiv in Didonato and Morris (1992), doi:10.1145/131766.131776.
    Measured error: 4 ulp in float64 and float32 outside (1, 2), from 1e-8 to 1e8 and near-equal.

    Examples
    --------
    >>> from klosed.special import digamma, lgamma_difference
    >>> float(lgamma_difference(5.0, 5.0, 1e-20)), 1e-20 * float(digamma(5.0))
    (1.506117668431...e-20, 1.506117668431...e-20)
    """
    return evaluate_difference(_LGAMMA_DIFFERENCE, diff, y=y, x=x)


def digamma_difference(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return ψ(y) − ψ(x), to the last digits also where x and y nearly agree.

    .. math:: \psi(y) - \psi(x) = \frac{d}{x y} + \log\frac YX + \frac{d}{2 X Y}
       + \Delta'(Y) - \Delta'(X), \qquad X = x + 1,\ Y = y + 1,\ d = y - x

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the broadcast shape, with the sign of y − x: all four terms have it.

    Notes
    -----
    Measured error: 4 ulp in float64 and float32, from 1e-8 to 1e8 and near-equal.

    Examples
    --------
    >>> from klosed.special import digamma_difference, trigamma
    >>> float(digamma_difference(5.0, 5.0, 1e-20) / trigamma(5.0))
    1e-20
    """
    return evaluate_difference(_DIGAMMA_DIFFERENCE, diff, y=y, x=x)


def digamma_minus_log_difference(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return (ψ(y) − log y) − (ψ(x) − log x), protected: the slope of `gamma_shape_bregman`.

    .. math:: \frac{d}{x y} + \frac{d}{2 X Y} - \log\frac{y X}{x Y} + \Delta'(Y) - \Delta'(X),
       \qquad X = x + 1,\ Y = y + 1,\ d = y - x

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the broadcast shape, with the sign of y − x.

    Notes
    -----
    Measured error: 7 ulp in float64 and float32, from 1e-8 to 1e8 and near-equal.

    Examples
    --------
    >>> from klosed.special import digamma_minus_log_difference
    >>> float(digamma_minus_log_difference(1e20, 1e20, 1.0))
    5e-41
    """
    return evaluate_difference(_DIGAMMA_MINUS_LOG_DIFFERENCE, diff, y=y, x=x)


def lgamma_bregman(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return the Bregman divergence of log Γ: log Γ(y) − log Γ(x) − (y − x)ψ(x).

    .. math:: \varphi\!\left(\tfrac dx\right) + (Y - \tfrac12)\,\varphi\!\left(-\tfrac dY\right)
       + \frac{d^2}{2 X Y} + B_\Delta(Y, X) \ge 0, \qquad X = x + 1,\ Y = y + 1,\ d = y - x

    .. math:: \partial_y = \psi(y) - \psi(x), \qquad \partial_x = -d\,\psi'(x)

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        In nats, of the broadcast shape; 0 where x = y, inf where y = 0 < x.

    Notes
    -----
    KL of Gammas with equal rate: x the shape of q, y that of p. All terms are nonnegative.
    Measured error: 5 ulp in float64 and float32, from 1e-8 to 1e8 and near-equal.

    Examples
    --------
    >>> from klosed.special import lgamma_bregman, trigamma
    >>> float(lgamma_bregman(5.0, 5.0, 1e-20)), 0.5 * 1e-40 * float(trigamma(5.0))
    (1.1066147786855...e-41, 1.1066147786855...e-41)
    """
    return evaluate_difference(_LGAMMA_BREGMAN, diff, y=y, x=x)


def gamma_shape_bregman(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return the Bregman divergence of R(x) = log Γ(x) − x log x + x.

    .. math:: R(y) - R(x) - (y - x) R'(x)
       = \tfrac12 \varphi\!\left(\tfrac dx\right) + B_\Delta(y, x) \ge 0

    .. math:: B_\Delta(y, x) = (y + \tfrac12)\,\varphi\!\left(\tfrac{d}{xY}\right)
       - \frac{d^2}{2 x X Y} + B_\Delta(Y, X)

    .. math:: X = x + 1,\ Y = y + 1,\ d = y - x; \qquad
       \partial_y = R'(y) - R'(x), \quad \partial_x = -d \left(\psi'(x) - \tfrac1x\right)

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        In nats, of the broadcast shape; 0 where x = y.

    Notes
    -----
    KL of Gammas with equal mean: x the shape of q, y that of p. In general, for
    q = Gamma(a, b), p = Gamma(c, d), KL = c φ(ad/(bc) − 1) + gamma_shape_bregman(c, a).
    It is what remains of `lgamma_bregman` after its largest part: lgamma_bregman(y, x) =
    bd0(y, x) + gamma_shape_bregman(y, x).
    Measured error: 6 ulp in float64 and float32, from 1e-8 to 1e8 and near-equal.

    Examples
    --------
    >>> from klosed.special import gamma_shape_bregman
    >>> float(gamma_shape_bregman(1e8 + 1.0, 1e8))
    2.4999999916666...e-17
    """
    return evaluate_difference(_GAMMA_SHAPE_BREGMAN, diff, y=y, x=x)


def stirling_bregman(y: Array, x: Array, diff: Array | None = None) -> Array:
    r"""Return the Bregman divergence of Stirling's remainder Δ.

    .. math:: \Delta(y) - \Delta(x) - (y - x)\Delta'(x), \qquad
       \Delta(x) = \log\Gamma(x) - (x - \tfrac12) \log x + x - \tfrac12 \log 2\pi

    Parameters
    ----------
    y, x : array
        Positive, broadcastable.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        ≥ 0 up to rounding, of the broadcast shape.

    Notes
    -----
    The smallest part of `gamma_shape_bregman`, and accurate to 4e-16 of that whole; of its own
    size to 2e-14 up to 30.

    Examples
    --------
    >>> from klosed.special import stirling_bregman
    >>> float(stirling_bregman(1.0, 2.0))
    0.0193579253784...
    """
    return evaluate_difference(_STIRLING_BREGMAN, diff, y=y, x=x)


def _lgamma_difference(y: Array, x: Array, diff: Array) -> Array:
    X, Y = x + 1.0, y + 1.0
    main = (Y - 0.5) * _phi_ratio(X, Y, -diff) + diff * (namespace(x).log(X) - 0.5 / Y)
    return (main - diff / X / Y * _pole_value(Y, X)) - _log_ratio(y, x, diff)


def _digamma_difference(y: Array, x: Array, diff: Array) -> Array:
    X, Y = x + 1.0, y + 1.0
    product = diff / X / Y
    small = product * (0.5 + (1.0 / X + 1.0 / Y) * _pole_slope(Y, X))
    return small + _log_ratio(Y, X, diff) + diff / x / y


def _digamma_minus_log_difference(y: Array, x: Array, diff: Array) -> Array:
    X, Y = x + 1.0, y + 1.0
    product = diff / X / Y
    small = product * (0.5 + (1.0 / X + 1.0 / Y) * _pole_slope(Y, X))
    return small + (diff / x / y - _log_ratio(y / Y, x / X, product))


def _steps(y: Array, x: Array, diff: Array, step: Callable[..., Array]) -> tuple[Array, ...]:
    """Return Y, X and what step(y, x, diff) adds where Γ's recurrence is used once, so X = x + 1.

    The poles hold from 1 on and are best from 1.2 on: it is used below 1.25.
    """
    small = (x < 1.25) | (y < 1.25)
    one = namespace(x).astype(small, x.dtype)
    added = choose(
        small, step, lambda y, x, diff: 0.0 * x, y, x, diff,
        then_at=(1.0, 1.0, 0.0), otherwise_at=(1.0, 1.0, 0.0),
    )  # fmt: skip
    return y + one, x + one, added


def _lgamma_bregman(y: Array, x: Array, diff: Array) -> Array:
    Y, X, added = _steps(y, x, diff, _phi_ratio)
    small = diff / X * (diff / Y) * (0.5 + _pole_bregman(Y, X) / X)
    return small + (Y - 0.5) * _phi_ratio(X, Y, -diff) + added


def _gamma_shape_bregman(y: Array, x: Array, diff: Array) -> Array:
    return 0.5 * _phi_ratio(y, x, diff) + _stirling_bregman(y, x, diff)


def _stirling_bregman(y: Array, x: Array, diff: Array) -> Array:
    Y, X, added = _steps(y, x, diff, _stirling_step)
    return diff / X * (diff / Y) / X * _pole_bregman(Y, X) + added


def _stirling_step(y: Array, x: Array, diff: Array) -> Array:
    X, Y = x + 1.0, y + 1.0
    half = 0.5 * (diff / X) * (diff / Y) / x
    return (y + 0.5) * _phi_ratio(y / Y, x / X, diff / X / Y) - half


def _bounded(x: Array) -> Array:
    # The sums below tend to constants; their powers of x would overflow first.
    return at_most(x, 1e6 if is_single(x) else 1e15)


def _pole_value(y: Array, x: Array) -> Array:
    """Return (Δ(x) − Δ(y)) x y/(y − x): Σ c/((x + b)(y + b)), times x y."""
    x, y = _bounded(x), _bounded(y)
    real, pairs = STIRLING_POLES[is_single(x)]
    total = sum(c / ((x + b) * (y + b)) for b, c in real)
    for beta, g, c, k in pairs:
        p, q = x + beta, y + beta
        total = total + (c * (p * q - g) + k * (p + q)) / ((p * p + g) * (q * q + g))
    return x * y * total


def _pole_slope(y: Array, x: Array) -> Array:
    """Return (Δ'(y) − Δ'(x)) x²y²/(y² − x²): Σ c (p + q)/(pq)², scaled, p = x + b, q = y + b."""
    x, y = _bounded(x), _bounded(y)
    real, pairs = STIRLING_POLES[is_single(x)]
    sides, product = x + y, x * y
    total = 0.0
    for b, c in real:
        below = b * sides + product + b * b  # p q
        total = total + c * (sides + 2.0 * b) / (below * below)
    for beta, g, c, k in pairs:
        s = sides + 2.0 * beta
        r = beta * sides + product + (beta * beta - g)
        first, second = r * r, g * (s * s)
        a, below = first - second, first + second  # (p² + g)(q² + g)
        above = c * s * (a + 4.0 * g * r) - 2.0 * k * (a - r * (s * s))
        total = total + above / below / below
    return product * product / sides * total


def _pole_bregman(y: Array, x: Array) -> Array:
    """Return B_Δ(y, x) x²y/(y − x)²: Σ c/((x + b)²(y + b)), times x²y."""
    x, y = _bounded(x), _bounded(y)
    real, pairs = STIRLING_POLES[is_single(x)]
    total = sum(c / ((x + b) * (x + b) * (y + b)) for b, c in real)
    for beta, g, c, k in pairs:
        p, q = x + beta, y + beta
        square = p * p
        below = square + g
        above = (square - g) * (c * q + k) + p * ((2.0 * k) * q - 2.0 * c * g)
        total = total + above / (below * below * (q * q + g))
    return x * x * y * total


_LGAMMA_DIFFERENCE = scalar_form(
    _lgamma_difference, lambda y, x, diff: (digamma(y), -digamma(x), None), arity=3
)
_DIGAMMA_DIFFERENCE = scalar_form(
    _digamma_difference, lambda y, x, diff: (trigamma(y), -trigamma(x), None), arity=3
)
_DIGAMMA_MINUS_LOG_DIFFERENCE = scalar_form(
    _digamma_minus_log_difference,
    lambda y, x, diff: (trigamma_minus_reciprocal(y), -trigamma_minus_reciprocal(x), None),
    arity=3,
)
_LGAMMA_BREGMAN = scalar_form(
    _lgamma_bregman,
    lambda y, x, diff: (digamma_difference(y, x, diff), -diff * trigamma(x), None),
    arity=3,
)
_GAMMA_SHAPE_BREGMAN = scalar_form(
    _gamma_shape_bregman,
    lambda y, x, diff: (
        digamma_minus_log_difference(y, x, diff),
        -diff * trigamma_minus_reciprocal(x),
        None,
    ),
    arity=3,
)
_STIRLING_BREGMAN = scalar_form(_stirling_bregman, None, arity=3)
