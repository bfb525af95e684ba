"""What happens to rows between the matrix products: gathering and activations.

Functions take addresses and work on whole rows; `one` carries the number type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._intrinsics import view
from klosed.engines.fused._tables import ACTIVATION_CODES, Scaled, Stored

__all__ = ["INLINED", "OPTIONS", "activate", "gather"]

# Sums may be taken in any order, for vectors; what must keep its order lives in _elementary.
# Nothing here is called from Python: no way in from there need be compiled.
OPTIONS: Any = {
    "fastmath": {"contract", "reassoc", "nsz"},
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
# Put into the caller before compiling. LLVM optimizes a function of its own once more in every
# function above it: what is called from one or two places compiles faster within those.
INLINED = OPTIONS | {"inline": "always"}
_BYTE, _SINGLE, _DOUBLE = np.uint8(0), np.float32(0), np.float64(0)
_RELU, _LEAKY_RELU, _TANH, _SIGMOID, _SOFTPLUS, _ELU, _GELU = (
    ACTIVATION_CODES[name]
    for name in ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu")
)
_SLOPE = 0.01
_DENSITY = 1 / math.sqrt(2 * math.pi)


@njit(**OPTIONS)
def _scale(source: Any, scaling: Any, shift: Any, scale: Any, target: Any, one: Any) -> None:
    real = type(one)
    if scaling == Scaled.STANDARDIZED:
        for j in range(len(target)):
            target[j] = real((source[j] - shift[j]) / scale[j])
    elif scaling == Scaled.BYTES:
        factor = real(1 / 255)
        for j in range(len(target)):
            target[j] = real(source[j]) * factor
    else:
        for j in range(len(target)):
            target[j] = real(source[j])


@njit(**OPTIONS)
def gather(
    row: Any, stored: Any, scaling: Any, shift: Any, scale: Any, to: Any, n: Any, one: Any
) -> None:
    """Write the n numbers of a stored row, scaled, to `to`."""
    target = view(to, n, one)
    shift, scale = view(shift, n, _DOUBLE), view(scale, n, _DOUBLE)
    if stored == Stored.UINT8:
        _scale(view(row, n, _BYTE), scaling, shift, scale, target, one)
    elif stored == Stored.FLOAT32:
        _scale(view(row, n, _SINGLE), scaling, shift, scale, target, one)
    else:
        _scale(view(row, n, _DOUBLE), scaling, shift, scale, target, one)


@njit(**OPTIONS)
def activate(kind: Any, y: Any, bias: Any, slope: Any, n: Any, one: Any) -> None:
    """Replace one row x of products by f(x + b), and write f′(x + b) to `slope`."""
    real = type(one)
    zero, half = real(0), real(0.5)
    y, bias, slope = view(y, n, one), view(bias, n, one), view(slope, n, one)
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
