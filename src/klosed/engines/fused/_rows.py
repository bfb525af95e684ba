"""What happens to rows between the matrix products: gathering, activations, likelihoods.

Functions take addresses and work on whole rows; `one` carries the number type.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import carray, njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._intrinsics import pointer, size_of
from klosed.engines.fused._tables import ACTIVATION_CODES, Block, Kind, Scaled, Stored

__all__ = ["OPTIONS", "activate", "add_bias", "gather", "prepare_blocks", "reconstruct", "view"]

# Sums may be taken in any order, for vectors; what must keep its order lives in _elementary.
OPTIONS: Any = {"fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
_BYTE, _SINGLE, _DOUBLE = np.uint8(0), np.float32(0), np.float64(0)
_RELU, _LEAKY_RELU, _TANH, _SIGMOID, _SOFTPLUS, _ELU = (
    ACTIVATION_CODES[name]
    for name in ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "elu")
)
_SLOPE = 0.01
_DENSITY = 1 / math.sqrt(2 * math.pi)
_LOG_2PI = math.log(2 * math.pi)


@njit(**OPTIONS)
def view(address: Any, n: Any, like: Any) -> Any:
    """Return the n numbers at `address` as an array that owns nothing."""
    return carray(pointer(address, like), n)


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
def add_bias(y: Any, bias: Any, n: Any, one: Any) -> None:
    """Add the bias to one row."""
    y, bias = view(y, n, one), view(bias, n, one)
    for j in range(n):
        y[j] += bias[j]


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
    else:  # gelu; layers without an activation never come here
        for j in range(n):
            x = y[j] + bias[j]
            cdf = elementary.normal_cdf(x)
            y[j] = x * cdf
            slope[j] = cdf + x * elementary.exp(-half * x * x) * real(_DENSITY)


@njit(**OPTIONS)
def prepare_blocks(blocks: Any, scratch: Any, n: Any, one: Any) -> None:
    """Write what the likelihoods need of each column: log-variance, precision, and a zero sum."""
    real = type(one)
    log_variance, precision = view(scratch, n, one), view(scratch + n * size_of(one), n, one)
    sums = view(scratch + 2 * n * size_of(one), n, one)
    for b in range(len(blocks)):
        start, stop, count = blocks[b, Block.START], blocks[b, Block.STOP], blocks[b, Block.COUNT]
        if blocks[b, Block.KIND] == Kind.GAUSSIAN:
            parameter = view(blocks[b, Block.PARAMETER], count, one)
            for j in range(start, stop):
                s = parameter[j - start if count > 1 else 0]
                log_variance[j] = s
                precision[j] = elementary.exp(-s)
                sums[j] = real(0)


@njit(**OPTIONS)
def _bernoulli(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    total = type(one)(0)
    for j in range(len(a)):
        logit = a[j] + bias[j]
        sigmoid, softplus, _ = elementary.sigmoid_softplus(logit)
        total += softplus - x[j] * logit
        a[j] = logit
        grad[j] = (sigmoid - x[j]) * weight
    return total


@njit(**OPTIONS)
def _gaussian(
    a: Any, bias: Any, x: Any, grad: Any, weight: Any, s: Any, precision: Any, sums: Any, one: Any
) -> Any:
    real = type(one)
    half = real(0.5)
    total = real(0)
    for j in range(len(a)):
        a[j] += bias[j]
        r = a[j] - x[j]
        weighted = r * precision[j]
        square = r * weighted
        total += real(_LOG_2PI) + s[j] + square
        grad[j] = weighted * weight
        sums[j] += half * (one - square) * weight
    return half * total


@njit(**OPTIONS)
def reconstruct(
    blocks: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, weight: Any, n: Any, one: Any
) -> Any:
    """Return −log p(x | a) of one row in nats; add the bias to a and write the gradient × weight.

    The gradients of learned variances are added up in `scratch`, column by column. A further
    likelihood is a further kind of block: its function here, its kind in `prepare_blocks`.
    """
    size = size_of(one)
    total = 0.0
    for b in range(len(blocks)):
        start = blocks[b, Block.START]
        width, offset = blocks[b, Block.STOP] - start, start * size
        outputs, biases = view(a + offset, width, one), view(bias + offset, width, one)
        values, grads = view(x + offset, width, one), view(grad + offset, width, one)
        if blocks[b, Block.KIND] == Kind.BERNOULLI:
            total += _bernoulli(outputs, biases, values, grads, weight, one)
        else:
            s = view(scratch + offset, width, one)
            precision = view(scratch + n * size + offset, width, one)
            sums = view(scratch + 2 * n * size + offset, width, one)
            total += _gaussian(
                outputs, biases, values, grads, weight, s, precision, sums, one
            )
    return total
