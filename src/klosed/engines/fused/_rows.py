"""What happens to rows between the matrix products: gathering, activations, likelihoods.

Functions take addresses and work on whole rows; `one` carries the number type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._tables import (
    ACTIVATION_CODES,
    Block,
    Column,
    Kind,
    Real,
    Scaled,
    Stored,
)

__all__ = [
    "OPTIONS",
    "activate",
    "column",
    "gather",
    "prepare_blocks",
    "reconstruct",
    "without_missing",
]

# Sums may be taken in any order, for vectors; what must keep its order lives in _elementary.
OPTIONS: Any = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
_BYTE, _SINGLE, _DOUBLE = np.uint8(0), np.float32(0), np.float64(0)
_RELU, _LEAKY_RELU, _TANH, _SIGMOID, _SOFTPLUS, _ELU, _GELU = (
    ACTIVATION_CODES[name]
    for name in ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu", "gelu")
)
_SLOPE = 0.01
_DENSITY = 1 / math.sqrt(2 * math.pi)
_LOG_2PI = math.log(2 * math.pi)


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


@njit(**OPTIONS)
def without_missing(x: Any, to: Any, n: Any, one: Any) -> None:
    """Copy one row, with 0 for NaN."""
    x, y = view(x, n, one), view(to, n, one)
    for j in range(n):
        y[j] = x[j] if x[j] == x[j] else type(one)(0)


@njit(**OPTIONS)
def column(row: Any, scratch: Any, start: Any, width: Any, n: Any, one: Any) -> Any:
    """Return some columns of a row of a thread's scratch."""
    return view(scratch + (row * n + start) * size_of(one), width, one)


@njit(**OPTIONS)
def prepare_blocks(blocks: Any, scratch: Any, reals: Any, n: Any, one: Any) -> None:
    """Write what the likelihoods need of each column for one step."""
    real = type(one)
    floor = real(reals[Real.LOG_FLOOR])
    for b in range(len(blocks)):
        if blocks[b, Block.KIND] == Kind.BERNOULLI:
            continue
        start, count = blocks[b, Block.START], blocks[b, Block.COUNT]
        width = blocks[b, Block.STOP] - start
        parameter = view(blocks[b, Block.PARAMETER], count, one)
        log_variance = column(Column.LOG_VARIANCE, scratch, start, width, n, one)
        precision = column(Column.PRECISION, scratch, start, width, n, one)
        slope = column(Column.SLOPE, scratch, start, width, n, one)
        sums = column(Column.SUM, scratch, start, width, n, one)
        for j in range(width):
            s = parameter[j if count > 1 else 0]
            d = one
            if blocks[b, Block.HAS_FLOOR]:  # log(v₀ + exp s) = log v₀ + softplus(s − log v₀)
                d, above, _ = elementary.sigmoid_softplus(s - floor)
                s = floor + above
            log_variance[j], precision[j] = s, elementary.exp(-s)
            slope[j], sums[j] = d, real(0)


@njit(**OPTIONS)
def _bernoulli(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    zero = type(one)(0)
    total = zero
    for j in range(len(a)):
        logit = a[j] + bias[j]
        sigmoid, softplus, _ = elementary.sigmoid_softplus(logit)
        seen = x[j] == x[j]
        total += softplus - x[j] * logit if seen else zero
        grad[j] = (sigmoid - x[j]) * weight if seen else zero
    return total


@njit(**OPTIONS)
def _gaussian(
    a: Any,
    bias: Any,
    x: Any,
    grad: Any,
    weight: Any,
    log_variance: Any,
    precision: Any,
    sums: Any,
    one: Any,
) -> Any:
    real = type(one)
    zero, half = real(0), real(0.5)
    total = zero
    for j in range(len(a)):
        r = (a[j] + bias[j]) - x[j]
        weighted = r * precision[j]
        square = r * weighted
        seen = x[j] == x[j]
        total += real(_LOG_2PI) + log_variance[j] + square if seen else zero
        grad[j] = weighted * weight if seen else zero
        sums[j] += half * (one - square) * weight if seen else zero
    return half * total


@njit(**OPTIONS)
def reconstruct(
    blocks: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, weight: Any, n: Any, one: Any
) -> Any:
    """Return −log p(x | a + bias) of one row in nats, and write its gradient × weight.

    NaN in x means "not observed" and adds nothing. The gradients of learned variances are added
    up in `scratch`, column by column. A further likelihood is a further kind of block: its
    function above, what it needs of each column in `prepare_blocks`.
    """
    total = 0.0
    for b in range(len(blocks)):
        start = blocks[b, Block.START]
        width, offset = blocks[b, Block.STOP] - start, start * size_of(one)
        outputs, biases = view(a + offset, width, one), view(bias + offset, width, one)
        values, grads = view(x + offset, width, one), view(grad + offset, width, one)
        if blocks[b, Block.KIND] == Kind.BERNOULLI:
            total += _bernoulli(outputs, biases, values, grads, weight, one)
        else:
            total += _gaussian(
                outputs, biases, values, grads, weight,
                column(Column.LOG_VARIANCE, scratch, start, width, n, one),
                column(Column.PRECISION, scratch, start, width, n, one),
                column(Column.SUM, scratch, start, width, n, one), one,
            )  # fmt: skip
    return total
