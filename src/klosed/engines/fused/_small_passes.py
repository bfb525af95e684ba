"""Rows of a small network on their way through, and their gradients on the way back.

As in `_passes`, but rows and columns are filled up with zeros to whole vectors and tiles, products
are those of `_dense`, and activations are finished before they leave the registers where
that is possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._dense import (
    MASKED,
    PLAIN,
    POSITIVE,
    add_rows,
    multiply,
    padded,
    vectors_for,
)
from klosed.engines.fused._intrinsics import copy_some, grid, size_of, view
from klosed.engines.fused._likelihoods import LOG_2PI, column, read, reconstruct
from klosed.engines.fused._products import ROWS
from klosed.engines.fused._rows import activate
from klosed.engines.fused._tables import (
    ACTIVATION_CODES,
    BLOCK,
    LAYER,
    REALS,
    SMALL,
    WHOLE,
    Block,
    Column,
    Int,
    Layer,
    Real,
    Scaled,
    Small,
    Stored,
)

__all__ = ["backward", "gaussian", "likelihood", "reparameterize", "take", "through"]

_UINT8, _SINGLE, _DOUBLE = np.uint8(0), np.float32(0), np.float64(0)
_AS_THEY_ARE, _BYTES, _STANDARDIZED = map(int, Scaled)
_RELU = ACTIVATION_CODES["relu"]
_activate, _add_rows, _multiply = activate.call, add_rows.call, multiply.call
_read, _reconstruct = read.call, reconstruct.call
_AT_ONCE = 8  # numbers copied
_copy_some = copy_some(_AT_ONCE)


@njit(**OPTIONS)
def _layers(ints: Any) -> Any:
    return grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)


@njit(**OPTIONS)
def _scaled(value: Any, j: Any, shift: Any, scale: Any, scaling: Any, one: Any) -> Any:
    real = type(one)
    if scaling == _STANDARDIZED:
        return real((value - shift[j]) / scale[j])
    return real(value) * real(1 / 255) if scaling == _BYTES else real(value)


@njit(**OPTIONS)
def _copy(at: Any, to: Any, n: Any, one: Any) -> None:
    if n < _AT_ONCE:
        source, target = view(at, n, one), view(to, n, one)
        for j in range(n):
            target[j] = source[j]
        return
    last = (n - _AT_ONCE) * size_of(one)
    for place in range(0, last, _AT_ONCE * size_of(one)):
        _copy_some(at + place, to + place, one)
    _copy_some(at + last, to + last, one)  # it may overlap those before


@variants()
def take(stored: int, scaling: int) -> Any:
    """Return what takes rows that are stored and scaled in one way."""
    like = {Stored.UINT8: _UINT8, Stored.FLOAT32: _SINGLE, Stored.FLOAT64: _DOUBLE}[Stored(stored)]

    def take(job: Any, rows: Any, count: Any, one: Any) -> None:
        """Make rows of the data, whose numbers are at an address, the first rows."""
        ints, size, zero = view(job, SMALL, WHOLE), size_of(one), type(one)(0)
        layer = view(ints[Int.LAYERS], LAYER, WHOLE)
        numbers, n = view(rows, count, WHOLE), layer[Layer.N_IN]
        width = padded(n, size)
        shift, scale = view(ints[Int.SHIFT], n, _DOUBLE), view(ints[Int.SCALE], n, _DOUBLE)
        for i in range(count):
            row = ints[Int.DATA] + numbers[i] * ints[Int.ROW_BYTES]
            to = ints[Int.TARGET] + i * width * size
            source, target = view(row, n, like), view(to, n, one)
            if scaling == _AS_THEY_ARE and size_of(like) == size:
                _copy(row, to, n, one)
            elif n < _AT_ONCE:
                for j in range(n):
                    target[j] = _scaled(source[j], j, shift, scale, scaling, one)
            else:
                for first in range(0, n, _AT_ONCE):  # the last may overlap those before
                    at = min(first, n - _AT_ONCE)
                    for j in range(at, at + _AT_ONCE):
                        target[j] = _scaled(source[j], j, shift, scale, scaling, one)
        x = view(ints[Int.TARGET], count * width, one)
        seen = view(layer[Layer.INPUT], count * width, one)
        for j in range(len(x)):
            seen[j] = x[j] if x[j] == x[j] else zero
        for b in range(ints[Int.N_BLOCKS]):
            block = view(ints[Int.BLOCKS] + b * BLOCK * 8, BLOCK, WHOLE)
            if block[Block.READ] == 0:
                continue
            first = block[Block.START]
            for i in range(count):
                place = (i * width + first) * size
                _read(
                    block[Block.READ_ROW], ints[Int.TARGET] + place, layer[Layer.INPUT] + place,
                    block[Block.STOP] - first, one,
                )  # fmt: skip

    return take


@part()
def through(job: Any, lowest: Any, highest: Any, rows: Any, one: Any) -> None:
    """Take rows through layers: y = f(x Wᵀ + b)."""
    ints, size = view(job, SMALL, WHOLE), size_of(one)
    layers = _layers(ints)
    for k in range(lowest, highest):
        layer = layers[k]
        n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
        x_stride, y_stride = padded(n_in, size) * size, padded(n_out, size) * size
        y, is_relu = layer[Layer.OUTPUT], layer[Layer.ACTIVATION] == _RELU
        _multiply(
            ints[Int.MULTIPLY], layer[Layer.INPUT], x_stride, size, n_in,
            layer[Layer.TRANSPOSED], y_stride, layer[Layer.BIAS], 0, y, y_stride, rows,
            vectors_for(n_out, size), POSITIVE if is_relu else PLAIN, y, one,
        )  # fmt: skip
        if layer[Layer.ACTIVATE]:
            _activate(
                layer[Layer.ACTIVATE], y, ints[Small.ZEROS], layer[Layer.DELTA], rows, y_stride,
                y_stride, n_out, one,
            )  # fmt: skip


@njit(**OPTIONS)
def _copy_rows(at: Any, stride: Any, to: Any, to_stride: Any, n: Any, rows: Any, one: Any) -> None:
    for i in range(rows):
        _copy(at + i * stride, to + i * to_stride, n, one)


@part(returns=types.float64)
def reparameterize(job: Any, rows: Any, noise: Any, one: Any) -> Any:
    """Write z and what the way back needs; return Σ KL. See `_passes.reparameterize`.

    A row has few components: one long loop over those of all rows is faster than many short ones.
    """
    ints, size, real = view(job, SMALL, WHOLE), size_of(one), type(one)
    layers, head, half = _layers(ints), ints[Int.ENCODER_HEAD], real(0.5)
    k = layers[head, Layer.N_OUT] // 2
    line, stride, n = k * size, padded(2 * k, size) * size, rows * k
    out = layers[head, Layer.OUTPUT]
    _copy_rows(out, stride, ints[Small.LOC], line, k, rows, one)
    _copy_rows(out + line, stride, ints[Small.LOG_VARIANCES], line, k, rows, one)
    loc, log_variances = view(ints[Small.LOC], n, one), view(ints[Small.LOG_VARIANCES], n, one)
    steps, z, epsilon = (
        view(ints[Small.STEP], n, one),
        view(ints[Small.UP], n, one),
        view(noise, n, one),
    )
    total = real(0)
    for j in range(n):
        log_variance = log_variances[j]
        step = elementary.exp(half * log_variance) * epsilon[j]
        z[j], steps[j] = loc[j] + step, step
        total += elementary.psi(log_variance) + loc[j] * loc[j]
        log_variances[j] = elementary.expm1(log_variance)
    z_stride = padded(k, size) * size
    _copy_rows(ints[Small.UP], line, layers[head + 1, Layer.INPUT], z_stride, k, rows, one)
    return 0.5 * total


@njit(**OPTIONS)
def _to_heads(layer: Any, k: Any, rows: Any, kl_weight: Any, ints: Any, one: Any) -> None:
    """Write the gradients by mean and log-variance, of that by z."""
    size, real = size_of(one), type(one)
    half, n, line = real(0.5), rows * k, k * size
    up_stride, stride = padded(k, size) * size, padded(2 * k, size) * size
    _copy_rows(ints[Int.UPSTREAM], up_stride, ints[Small.UP], line, k, rows, one)
    up, steps = view(ints[Small.UP], n, one), view(ints[Small.STEP], n, one)
    loc, expm1 = view(ints[Small.LOC], n, one), view(ints[Small.LOG_VARIANCES], n, one)
    for j in range(n):
        steps[j] = half * (up[j] * steps[j] + kl_weight * expm1[j])
        up[j] += kl_weight * loc[j]
    _copy_rows(ints[Small.UP], line, layer[Layer.DELTA], stride, k, rows, one)
    _copy_rows(ints[Small.STEP], line, layer[Layer.DELTA] + line, stride, k, rows, one)


@part(reals=2, returns=types.float64)
def likelihood(job: Any, rows: Any, is_first: Any, scratch: Any, weight: Any, one: Any) -> Any:
    """Return −log p(x | z) of some rows in nats, and write its gradient × weight."""
    ints, size = view(job, SMALL, WHOLE), size_of(one)
    layers = _layers(ints)
    layer, n = layers[len(layers) - 1], layers[0, Layer.N_IN]
    x_stride = padded(n, size) * size
    stride = padded(layer[Layer.N_OUT], size) * size
    total = 0.0
    for i in range(rows):
        for b in range(ints[Int.N_BLOCKS]):
            at = ints[Int.BLOCKS] + b * BLOCK * 8
            total += _reconstruct(
                view(at, BLOCK, WHOLE)[Block.RECONSTRUCT], at, layer[Layer.OUTPUT] + i * stride,
                ints[Small.ZEROS], ints[Int.TARGET] + i * x_stride,
                layer[Layer.DELTA] + i * stride, scratch, n, weight, one,
            )  # fmt: skip
    return total


@part(reals=2, returns=types.float64)
def gaussian(job: Any, rows: Any, is_first: Any, scratch: Any, weight: Any, one: Any) -> Any:
    """Return what `likelihood` does where all columns are Gaussian, in one loop over all rows.

    x is NaN in the columns that fill it up: it was not seen there.
    """
    ints, size, real = view(job, SMALL, WHOLE), size_of(one), type(one)
    layers, block = _layers(ints), view(ints[Int.BLOCKS], BLOCK, WHOLE)
    layer, n = layers[len(layers) - 1], layers[0, Layer.N_IN]
    width, zero, half = padded(n, size), real(0), real(0.5)
    if is_first:
        of_column = column(Column.PRECISION, scratch, 0, n, n, one)
        log_of_column = column(Column.LOG_VARIANCE, scratch, 0, n, n, one)
        for i in range(rows):
            place = i * width * size
            precision = view(ints[Small.PRECISION] + place, n, one)
            log_variance = view(ints[Small.LOG_VARIANCE] + place, n, one)
            for j in range(n):
                precision[j], log_variance[j] = of_column[j], log_of_column[j]
    numbers = rows * width
    y, x = view(layer[Layer.OUTPUT], numbers, one), view(ints[Int.TARGET], numbers, one)
    delta, by_variance = (
        view(layer[Layer.DELTA], numbers, one), view(ints[Small.BY_VARIANCE], numbers, one),
    )  # fmt: skip
    precision = view(ints[Small.PRECISION], numbers, one)
    log_variance = view(ints[Small.LOG_VARIANCE], numbers, one)
    total = zero
    for j in range(numbers):
        r = y[j] - x[j]
        weighted = r * precision[j]
        square = r * weighted
        seen = x[j] == x[j]
        total += real(LOG_2PI) + log_variance[j] + square if seen else zero
        delta[j] = weighted * weight if seen else zero
        by_variance[j] = half * (one - square) * weight if seen else zero
    if block[Block.IS_LEARNED]:
        sums = column(Column.SUM, scratch, 0, n, n, one)
        totals = view(ints[Small.TOTALS], n, one)
        view(ints[Small.TOTALS], width, one)[:] = zero
        _add_rows(
            ints[Small.ADD_ROWS], ints[Small.BY_VARIANCE], width * size, rows,
            vectors_for(n, size), ints[Small.TOTALS], one,
        )  # fmt: skip
        for j in range(n):
            sums[j] += totals[j]
    return half * total


@part(reals=2)
def backward(job: Any, rows: Any, grads: Any, is_first: Any, weight: Any, one: Any) -> None:
    """Write, or add, what some rows give of the gradient of weights and biases to `grads`."""
    ints, size, real = view(job, SMALL, WHOLE), size_of(one), type(one)
    layers, head = _layers(ints), ints[Int.ENCODER_HEAD]
    kl_weight = real(view(ints[Int.REALS], REALS, _DOUBLE)[Real.BETA]) * weight
    tiled = -(-rows // ROWS) * ROWS
    for k in range(len(layers) - 1, -1, -1):
        layer = layers[k]
        n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
        x_width, width = padded(n_in, size), padded(n_out, size)
        x_stride, stride, vectors = x_width * size, width * size, vectors_for(n_in, size)
        grad, to = layer[Layer.DELTA], grads + (layer[Layer.WEIGHT] - ints[Small.WEIGHTS])
        left, left_stride, n_rows = grad, stride, n_out
        right, right_stride, n_columns = layer[Layer.INPUT], x_stride, n_in
        if k == 0:  # whose weight lies turned
            left, right, n_rows, n_columns = right, left, n_columns, n_rows
            left_stride, right_stride = right_stride, left_stride
        _multiply(
            ints[Int.MULTIPLY], left, size, left_stride, rows, right, right_stride,
            ints[Small.ZEROS] if is_first else to, 0 if is_first else right_stride, to,
            right_stride, -(-n_rows // ROWS) * ROWS, vectors_for(n_columns, size), PLAIN, to, one,
        )  # fmt: skip
        bias_grad = grads + (layer[Layer.BIAS] - ints[Small.WEIGHTS])
        if is_first:
            view(bias_grad, width, one)[:] = real(0)
        _add_rows(
            ints[Small.ADD_ROWS], grad, stride, rows, vectors_for(n_out, size), bias_grad, one
        )
        if k == 0:
            return
        below, is_hidden = layers[k - 1], k - 1 != head
        is_relu = is_hidden and below[Layer.ACTIVATION] == _RELU
        up = below[Layer.DELTA] if is_relu else ints[Int.UPSTREAM]
        _multiply(
            ints[Int.MULTIPLY], grad, stride, size, n_out, layer[Layer.WEIGHT], x_stride,
            ints[Small.ZEROS], 0, up, x_stride, tiled, vectors, MASKED if is_relu else PLAIN,
            layer[Layer.INPUT], one,
        )  # fmt: skip
        if is_relu:
            continue
        if is_hidden:
            n = tiled * x_width
            upstream, delta = view(up, n, one), view(below[Layer.DELTA], n, one)
            for j in range(n):
                delta[j] *= upstream[j]
            continue
        _to_heads(below, n_in, rows, kl_weight, ints, one)
