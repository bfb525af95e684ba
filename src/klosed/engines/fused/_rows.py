"""What happens to rows between the matrix products: gathering and activations.

Functions take addresses; `one` carries the number type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._compile import variants
from klosed.engines.fused._intrinsics import view
from klosed.engines.fused._tables import ACTIVATION_CODES, Scaled, Stored

__all__ = ["activate", "gather"]

_UINT8, _SINGLE, _DOUBLE = np.uint8(0), np.float32(0), np.float64(0)
_RELU, _LEAKY_RELU, _TANH, _SIGMOID, _SOFTPLUS, _ELU, _GELU = (
    ACTIVATION_CODES[name]
    for name in ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu")
)
_STANDARDIZED, _BYTES = int(Scaled.STANDARDIZED), int(Scaled.BYTES)
_SLOPE = 0.01
_DENSITY = 1 / math.sqrt(2 * math.pi)


@variants()
def gather(stored: int, scaling: int) -> Any:
    like = {Stored.UINT8: _UINT8, Stored.FLOAT32: _SINGLE, Stored.FLOAT64: _DOUBLE}[Stored(stored)]

    def gather(row: Any, shift: Any, scale: Any, to: Any, n: Any, one: Any) -> None:
        """Write the n numbers of a stored row, scaled, to `to`."""
        real = type(one)
        source, target = view(row, n, like), view(to, n, one)
        if scaling == _STANDARDIZED:
            shifts, scales = view(shift, n, _DOUBLE), view(scale, n, _DOUBLE)
            for j in range(n):
                target[j] = real((source[j] - shifts[j]) / scales[j])
        elif scaling == _BYTES:
            factor = real(1 / 255)
            for j in range(n):
                target[j] = real(source[j]) * factor
        else:
            for j in range(n):
                target[j] = real(source[j])

    return gather


@variants()
def activate(kind: int) -> Any:
    def activate(
        at: Any, bias: Any, to: Any, rows: Any, stride: Any, slope_stride: Any, n: Any, one: Any
    ) -> None:
        """Replace rows x of products by f(x + b), and write f′(x + b) to `to`."""
        real = type(one)
        zero, half = real(0), real(0.5)
        bias = view(bias, n, one)
        for i in range(rows):
            y, slope = view(at + i * stride, n, one), view(to + i * slope_stride, n, one)
            if kind == _RELU:
                for j in range(n):
                    x = y[j] + bias[j]
                    y[j] = x if x > zero else (zero if x <= zero else x)
                    slope[j] = one if x > zero else zero
            elif kind == _LEAKY_RELU:
                for j in range(n):
                    x = y[j] + bias[j]
                    slope[j] = one if x > zero else real(_SLOPE)
                    y[j] = x * slope[j]
            elif kind == _TANH:
                for j in range(n):
                    t = elementary.tanh(y[j] + bias[j])
                    y[j] = t
                    slope[j] = (one - t) * (one + t)
            elif kind == _SIGMOID:
                for j in range(n):
                    s, _, e = elementary.sigmoid_softplus(y[j] + bias[j])
                    y[j] = s
                    slope[j] = e / ((one + e) * (one + e))
            elif kind == _SOFTPLUS:
                for j in range(n):
                    s, value, _ = elementary.sigmoid_softplus(y[j] + bias[j])
                    y[j] = value
                    slope[j] = s
            elif kind == _ELU:
                for j in range(n):
                    x = y[j] + bias[j]
                    below = x if x < zero else zero
                    y[j] = x if x > zero else elementary.expm1(below)
                    slope[j] = elementary.exp(below)
            elif kind == _GELU:
                for j in range(n):
                    x = y[j] + bias[j]
                    cdf = elementary.normal_cdf(x)
                    y[j] = x * cdf
                    slope[j] = cdf + x * elementary.exp(-half * x * x) * real(_DENSITY)
            else:
                for j in range(n):
                    y[j] += bias[j]
                    slope[j] = one

    return activate
