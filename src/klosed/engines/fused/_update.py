"""What is done with a tile of gradient while it is in the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._rows import OPTIONS
from klosed.engines.fused._tables import Real, Rule

__all__ = ["update"]


@njit(**OPTIONS)
def _without_denormals(x: Any) -> Any:
    # Moments of weights whose gradient stays zero decay into numbers on which processors are slow.
    real = type(x)
    tiny = real(1.1754943508222875e-38) if size_of(x) == 4 else real(2.2250738585072014e-308)
    return real(0) if abs(x) < tiny else x


@njit(**OPTIONS)
def update(
    rule: Any,
    weights: Any,
    grads: Any,
    slot_1: Any,
    slot_2: Any,
    n: Any,
    step: Any,
    reals: Any,
    one: Any,
) -> None:
    """Move n numbers along their gradients; `step` counts from 1."""
    real = type(one)
    w, g = view(weights, n, one), view(grads, n, one)
    a = view(slot_1, n, one)
    rate = reals[Real.LEARNING_RATE]
    if rule == Rule.ADAM:
        v = view(slot_2, n, one)
        beta_1, beta_2 = reals[Real.FIRST], reals[Real.SECOND]
        b1, c1, b2, c2 = real(beta_1), real(1 - beta_1), real(beta_2), real(1 - beta_2)
        correction = real(1 / math.sqrt(1 - beta_2**step))
        size = real(rate / (1 - beta_1**step))
        epsilon = real(reals[Real.EPSILON])
        for j in range(n):
            first = _without_denormals(b1 * a[j] + c1 * g[j])
            second = _without_denormals(b2 * v[j] + c2 * (g[j] * g[j]))
            a[j], v[j] = first, second
            w[j] -= size * (first / (np.sqrt(second) * correction + epsilon))
    elif rule == Rule.SGD:
        momentum, alpha = real(reals[Real.FIRST]), real(rate)
        for j in range(n):
            a[j] = _without_denormals(momentum * a[j] - alpha * g[j])
            w[j] += a[j]
    else:
        alpha, epsilon = real(rate), real(reals[Real.EPSILON])
        for j in range(n):
            a[j] += g[j] * g[j]
            w[j] -= alpha * g[j] / (np.sqrt(a[j]) + epsilon)
