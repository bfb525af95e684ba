"""−log p(x | z) of one row, block by block, beside its gradient; NaN in x adds nothing.

The formulas are those of klosed.models.likelihoods. A further likelihood is a further kind of
block: a function here, its branch in `reconstruct`, what it needs of each column in
`prepare_blocks`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._rows import OPTIONS
from klosed.engines.fused._tables import Block, Column, Kind, Read

__all__ = ["column", "prepare_blocks", "read", "reconstruct", "score"]

_LOG_2PI = math.log(2 * math.pi)
_DF_AT_START = 4.0
# B₂ₖ / 2k, the coefficients of ψ(x) − log x + 1/(2x) by −1/x²ᵏ
# factors between 1 and 2: 64 of them stay within float32, and 15 such products within float64
_FACTORS, _PRODUCTS = 64, 15
_BERNOULLI_NUMBERS = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


@njit(**OPTIONS)
def read(blocks: Any, x: Any, to: Any, one: Any) -> None:
    """Write what the encoder reads of a row x: 0 where nothing was observed."""
    zero, size = type(one)(0), size_of(one)
    for b in range(len(blocks)):
        start, kind = blocks[b, Block.START], blocks[b, Block.READ]
        width = blocks[b, Block.STOP] - start
        values, result = view(x + start * size, width, one), view(to + start * size, width, one)
        for j in range(width):
            result[j] = values[j] if values[j] == values[j] else zero
        if kind == Read.LOG1P:
            for j in range(width):
                result[j] = np.log1p(result[j])
        elif kind == Read.ASINH:
            for j in range(width):
                result[j] = np.arcsinh(result[j])


@njit(**OPTIONS)
def column(row: Any, scratch: Any, start: Any, width: Any, n: Any, one: Any) -> Any:
    """Return some columns of a row of a thread's scratch."""
    return view(scratch + (row * n + start) * size_of(one), width, one)


@njit(**OPTIONS)
def _digamma(x: Any) -> Any:
    """Return ψ(x) for x > 0: recurrence up to 10, then the asymptotic series."""
    below = 0.0
    while x < 10:
        below += 1 / x
        x += 1
    square = 1 / (x * x)
    series, power = 0.0, square
    for coefficient in _BERNOULLI_NUMBERS:
        series += coefficient * power
        power *= square
    return math.log(x) - 0.5 / x - series - below


@njit(**OPTIONS)
def _with_floor(s: Any, floor: Any) -> Any:
    """Return log(v₀ + exp s) = log v₀ + softplus(s − log v₀), and its derivative by s."""
    real = type(s)
    if floor == real(-np.inf):
        return s, real(1)
    slope, above, _ = elementary.sigmoid_softplus(s - floor)
    return floor + above, slope


@njit(**OPTIONS)
def prepare_blocks(blocks: Any, scratch: Any, n: Any, one: Any) -> None:
    """Write what the likelihoods need of each column for one step."""
    real = type(one)
    for b in range(len(blocks)):
        start, count = blocks[b, Block.START], blocks[b, Block.COUNT]
        width, shapes = blocks[b, Block.STOP] - start, blocks[b, Block.SHAPE_COUNT]
        sums = column(Column.SUM, scratch, start, width, n, one)
        shape_sums = column(Column.SHAPE_SUM, scratch, start, width, n, one)
        for j in range(width):
            sums[j] = shape_sums[j] = real(0)
        if count > 0:
            parameter = view(blocks[b, Block.PARAMETER], count, one)
            log_variance = column(Column.LOG_VARIANCE, scratch, start, width, n, one)
            precision = column(Column.PRECISION, scratch, start, width, n, one)
            slope = column(Column.SLOPE, scratch, start, width, n, one)
            floors = view(blocks[b, Block.FLOOR], width, one)
            for j in range(width):
                s, slope[j] = parameter[j if count > 1 else 0], real(1)
                if blocks[b, Block.FLOOR] != 0:
                    s, slope[j] = _with_floor(s, floors[j])
                log_variance[j], precision[j] = s, elementary.exp(-s)
        if blocks[b, Block.KIND] == Kind.STUDENT_T:
            log_df = view(blocks[b, Block.SHAPE], shapes, one)
            df = column(Column.SHAPE, scratch, start, width, n, one)
            constant = column(Column.CONSTANT, scratch, start, width, n, one)
            slope = column(Column.SHAPE_SLOPE, scratch, start, width, n, one)
            for j in range(width):
                nu = _DF_AT_START * math.exp(float(log_df[j if shapes > 1 else 0]))
                difference = math.lgamma(nu / 2) - math.lgamma((nu + 1) / 2)
                df[j], constant[j] = real(nu), real(difference + 0.5 * math.log(math.pi * nu))
                slope[j] = real(nu * (_digamma(nu / 2) - _digamma((nu + 1) / 2)))


@njit(**OPTIONS)
def _bernoulli(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    zero = type(one)(0)
    total = zero
    for j in range(len(x)):
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
    for j in range(len(x)):
        r = (a[j] + bias[j]) - x[j]
        weighted = r * precision[j]
        square = r * weighted
        seen = x[j] == x[j]
        total += real(_LOG_2PI) + log_variance[j] + square if seen else zero
        grad[j] = weighted * weight if seen else zero
        sums[j] += half * (one - square) * weight if seen else zero
    return half * total


@njit(**OPTIONS)
def _heteroscedastic(
    a: Any, bias: Any, x: Any, grad: Any, weight: Any, floors: Any, has_floor: Any, one: Any
) -> Any:
    real, n = type(one), len(x)
    zero, half = real(0), real(0.5)
    total = zero
    for j in range(n):
        r, s, slope = (a[j] + bias[j]) - x[j], a[n + j] + bias[n + j], one
        if has_floor:
            s, slope = _with_floor(s, floors[j])
        weighted = r * elementary.exp(-s)
        square = r * weighted
        seen = x[j] == x[j]
        total += real(_LOG_2PI) + s + square if seen else zero
        grad[j] = weighted * weight if seen else zero
        grad[n + j] = half * (one - square) * slope * weight if seen else zero
    return half * total


@njit(**OPTIONS)
def _student_t(
    a: Any, bias: Any, x: Any, grad: Any, weight: Any, block: Any, scratch: Any, n: Any, one: Any
) -> Any:
    real, start, width = type(one), block[Block.START], len(x)
    zero, half = real(0), real(0.5)
    log_variance = column(Column.LOG_VARIANCE, scratch, start, width, n, one)
    precision = column(Column.PRECISION, scratch, start, width, n, one)
    sums = column(Column.SUM, scratch, start, width, n, one)
    df = column(Column.SHAPE, scratch, start, width, n, one)
    constant = column(Column.CONSTANT, scratch, start, width, n, one)
    slope = column(Column.SHAPE_SLOPE, scratch, start, width, n, one)
    shape_sums = column(Column.SHAPE_SUM, scratch, start, width, n, one)
    total = zero
    for j in range(width):
        if x[j] != x[j]:
            grad[j] = zero
            continue
        r = (a[j] + bias[j]) - x[j]
        force = r * precision[j] / df[j]
        w, above = r * force, df[j] + one
        pull, growth = above * (w / (one + w)), np.log1p(w)
        total += half * log_variance[j] + half * above * growth + constant[j]
        grad[j] = above * (force / (one + w)) * weight
        sums[j] += half * (one - pull) * weight
        shape_sums[j] += half * (df[j] * growth + slope[j] - pull + one) * weight
    return total


@njit(**OPTIONS)
def _poisson(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    real = type(one)
    total = real(0)
    for j in range(len(x)):
        if x[j] != x[j]:
            grad[j] = real(0)
            continue
        log_rate = a[j] + bias[j]
        rate = elementary.exp(log_rate)
        total += rate - x[j] * log_rate + real(math.lgamma(float(x[j]) + 1))
        grad[j] = (rate - x[j]) * weight
    return total


@njit(**OPTIONS)
def _negative_binomial(
    a: Any, bias: Any, x: Any, grad: Any, weight: Any, log_counts: Any, sums: Any, one: Any
) -> Any:
    real = type(one)
    total = 0.0
    for j in range(len(x)):
        if x[j] != x[j]:
            grad[j] = real(0)
            continue
        # in float64: for large r the terms nearly cancel
        s, value = float(log_counts[j]), float(x[j])
        r, u = math.exp(s), float(a[j] + bias[j]) - s
        sigmoid, softplus, _ = elementary.sigmoid_softplus(u)
        gammas = math.lgamma(r) + math.lgamma(value + 1) - math.lgamma(value + r)
        total += value * (softplus - u) + r * softplus + gammas
        by_output = (value + r) * sigmoid - value
        grad[j] = real(by_output) * weight
        by_s = r * (softplus + _digamma(r) - _digamma(value + r)) - by_output
        sums[j] += real(by_s) * weight
    return real(total)


@njit(**OPTIONS)
def _categorical(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    zero = type(one)(0)
    largest = a[0] + bias[0]
    for j in range(len(x)):
        largest = max(largest, a[j] + bias[j])
    mass = zero
    for j in range(len(x)):
        grad[j] = elementary.exp((a[j] + bias[j]) - largest)
        mass += grad[j]
    log_mass, total = np.log(mass), zero
    for j in range(len(x)):
        seen = x[j] == x[j]
        total += x[j] * (log_mass - ((a[j] + bias[j]) - largest)) if seen else zero
        grad[j] = (grad[j] / mass - x[j]) * weight if seen else zero
    return total


@njit(**OPTIONS)
def reconstruct(
    blocks: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, weight: Any, n: Any, one: Any
) -> Any:
    """Return −log p(x | a + bias) of one row of n columns in nats; write its gradient × weight.

    The gradients of learned parameters are added up in `scratch`, column by column.
    """
    size = size_of(one)
    total = 0.0
    for b in range(len(blocks)):
        block = blocks[b]
        kind, start, at = block[Block.KIND], block[Block.START], block[Block.OUTPUT] * size
        width = block[Block.STOP] - start
        n_outputs = 2 * width if kind == Kind.HETEROSCEDASTIC else width
        outputs, biases = view(a + at, n_outputs, one), view(bias + at, n_outputs, one)
        grads, values = view(grad + at, n_outputs, one), view(x + start * size, width, one)
        if kind == Kind.BERNOULLI:
            total += _bernoulli(outputs, biases, values, grads, weight, one)
        elif kind == Kind.GAUSSIAN:
            total += _gaussian(
                outputs, biases, values, grads, weight,
                column(Column.LOG_VARIANCE, scratch, start, width, n, one),
                column(Column.PRECISION, scratch, start, width, n, one),
                column(Column.SUM, scratch, start, width, n, one), one,
            )  # fmt: skip
        elif kind == Kind.HETEROSCEDASTIC:
            total += _heteroscedastic(
                outputs, biases, values, grads, weight, view(block[Block.FLOOR], width, one),
                block[Block.FLOOR] != 0, one,
            )  # fmt: skip
        elif kind == Kind.STUDENT_T:
            total += _student_t(outputs, biases, values, grads, weight, block, scratch, n, one)
        elif kind == Kind.POISSON:
            total += _poisson(outputs, biases, values, grads, weight, one)
        elif kind == Kind.NEGATIVE_BINOMIAL:
            total += _negative_binomial(
                outputs, biases, values, grads, weight, view(block[Block.SHAPE], width, one),
                column(Column.SHAPE_SUM, scratch, start, width, n, one), one,
            )  # fmt: skip
        else:
            total += _categorical(outputs, biases, values, grads, weight, one)
    return total


@njit(**OPTIONS | {"forceinline": True})
def _score_of_some(a: Any, bias: Any, x: Any, one: Any) -> Any:
    """Return Σ max(l, 0) − x l and Π (1 + exp(−|l|)) over at most _FACTORS logits."""
    zero = type(one)(0)
    total, product = zero, one
    for j in range(len(x)):
        logit = a[j] + bias[j]
        seen = x[j] == x[j]
        total += max(logit, zero) - x[j] * logit if seen else zero
        product *= one + elementary.exp_below_one(logit) if seen else one
    return total, product


@njit(**OPTIONS)
def _score_bernoulli(a: Any, bias: Any, x: Any, one: Any) -> Any:
    # log(1 + exp l) = max(l, 0) + log(1 + exp(−|l|)): one logarithm for many logits
    n, total, product, count = len(x), 0.0, 1.0, 0
    for start in range(0, n, _FACTORS):
        stop = min(n, start + _FACTORS)
        some, factor = _score_of_some(a[start:stop], bias[start:stop], x[start:stop], one)
        total, product, count = total + some, product * factor, count + 1
        if count == _PRODUCTS:
            total, product, count = total + math.log(product), 1.0, 0
    return total + math.log(product)


@njit(**OPTIONS)
def score(blocks: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, n: Any, one: Any) -> Any:
    """Return −log p(x | a + bias) of one row of n columns in nats, faster than `reconstruct`.

    What stands at `grad` afterwards means nothing.
    """
    size, total = size_of(one), 0.0
    for b in range(len(blocks)):
        block = blocks[b]
        if block[Block.KIND] == Kind.BERNOULLI:
            start, at = block[Block.START], block[Block.OUTPUT] * size
            width = block[Block.STOP] - start
            total += _score_bernoulli(
                view(a + at, width, one), view(bias + at, width, one),
                view(x + start * size, width, one), one,
            )  # fmt: skip
        else:
            total += reconstruct(blocks[b : b + 1], a, bias, x, grad, scratch, one, n, one)
    return total
