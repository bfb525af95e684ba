"""What is done with a tile of gradient while it is in the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from klosed.engines.fused._compile import OPTIONS, variants
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._tables import REALS, Real, Rule

__all__ = ["update"]

_DOUBLE = np.float64(0)
_ADAM, _SGD = int(Rule.ADAM), int(Rule.SGD)


@njit(**OPTIONS)
def _without_denormals(x: Any) -> Any:
    # Moments of weights whose gradient stays zero decay into numbers on which processors are slow.
    real = type(x)
    tiny = real(1.1754943508222875e-38) if size_of(x) == 4 else real(2.2250738585072014e-308)
    return real(0) if abs(x) < tiny else x


@variants()
def update(rule: int) -> Any:
    def update(
        weights: Any,
        grads: Any,
        slot_1: Any,
        slot_2: Any,
        n: Any,
        step: Any,
        reals: Any,
        lines: Any,
        stride: Any,
        one: Any,
    ) -> None:
        """Move n numbers in each of some lines along their gradients; `step` counts from 1.

        Lines of the gradient follow each other; those of the others begin so many numbers apart.
        """
        real, bytes_ = type(one), size_of(one)
        reals = view(reals, REALS, _DOUBLE)
        rate, epsilon = reals[Real.LEARNING_RATE], real(reals[Real.EPSILON])
        beta_1, beta_2 = reals[Real.FIRST], reals[Real.SECOND]
        b1, c1, b2, c2 = real(beta_1), real(1 - beta_1), real(beta_2), real(1 - beta_2)
        correction = real(1 / math.sqrt(1 - beta_2**step))
        size = real(rate / (1 - beta_1**step))
        for line in range(lines):
            g, place = view(grads + line * n * bytes_, n, one), line * stride * bytes_
            w, a = view(weights + place, n, one), view(slot_1 + place, n, one)
            v = view(slot_2 + place, n, one)
            if rule == _ADAM:
                for j in range(n):
                    first = _without_denormals(b1 * a[j] + c1 * g[j])
                    second = _without_denormals(b2 * v[j] + c2 * (g[j] * g[j]))
                    a[j], v[j] = first, second
                    w[j] -= size * (first / (np.sqrt(second) * correction + epsilon))
            elif rule == _SGD:
                for j in range(n):
                    a[j] = _without_denormals(b1 * a[j] - real(rate) * g[j])
                    w[j] += a[j]
            else:
                for j in range(n):
                    a[j] += g[j] * g[j]
                    w[j] -= real(rate) * g[j] / (np.sqrt(a[j]) + epsilon)

    return update
