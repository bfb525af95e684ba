"""Quadrature rules for integrals over (0, ∞) that fall like an exponential. Floor of families."""

from __future__ import annotations

import math

from klosed._arrays import Array, like, namespace
from klosed.special._evaluate import is_single

__all__ = ["bounded", "integrate", "rule", "wide_rule"]

# Double exponential: τ = exp(u − exp(−u)), for integrands that fall like exp(−τ).
# Takahasi and Mori (1974), "Double exponential formulas for numerical integration",
# doi:10.2977/prims/1195192451.
_STEP, _FIRST = 0.2, -3.6
_U = tuple(_FIRST + _STEP * i for i in range(49))
_POINTS = tuple(math.exp(u - math.exp(-u)) for u in _U)
_WEIGHTS = tuple(_STEP * point * (1.0 + math.exp(-u)) for u, point in zip(_U, _POINTS, strict=True))
_WIDE = 128


def rule(scale: Array) -> tuple[Array, Array, Array]:
    """Return points t, 1 − exp(−t) and weights along the last axis, for a fall like exp(−t scale).

    `scale` has a last axis of length 1.
    """
    t = like(_POINTS, scale) / scale
    return t, -namespace(t).expm1(-t), like(_WEIGHTS, scale) / scale


def wide_rule(scale: Array, slow: Array) -> tuple[Array, Array, Array]:
    """Return such a rule for integrands that change at t = 1/scale but fall like exp(−t slow)."""
    xp = namespace(scale)
    step = (xp.log(40.0 * scale / slow) - _FIRST) / (_WIDE - 1)
    u = _FIRST + step * like(tuple(float(i) for i in range(_WIDE)), scale)
    left = xp.exp(-u)
    t = xp.exp(u - left) / scale
    return t, -xp.expm1(-t), step * t * (1.0 + left)


def integrate(integrand: Array, t: Array, weights: Array) -> Array:
    """Return the integral of integrand / t along the last axis."""
    return namespace(t).sum(integrand * (weights / t), axis=-1)


def bounded(mean: Array) -> Array:
    """Return the mean, or a bound from which the integrals have their limits to the last digit."""
    return namespace(mean).clip(mean, max=1e9 if is_single(mean) else 1e18)
