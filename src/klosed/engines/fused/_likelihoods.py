"""−log p(x | z) of one row, block by block, beside its gradient; NaN in x adds nothing.

The formulas are those of klosed.models.likelihoods. A further likelihood is a further kind of
block: a function here, its branch in `reconstruct`, what it needs of each column in `prepare`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._tables import BLOCK, WHOLE, Block, Column, Kind, Read

__all__ = [
    "LOG_2PI",
    "PREPARED",
    "column",
    "prepare",
    "prepare_blocks",
    "read",
    "reconstruct",
    "score_bernoulli",
]

# Comparisons with plain numbers are decided before compiling.
_BERNOULLI, _GAUSSIAN, _HETEROSCEDASTIC, _STUDENT_T, _POISSON, _NEGATIVE_BINOMIAL, _ = map(
    int, Kind
)
_LOG1P, _ASINH = int(Read.LOG1P), int(Read.ASINH)
LOG_2PI = math.log(2 * math.pi)
_DF_AT_START = 4.0
# B₂ₖ / 2k, the coefficients of ψ(x) − log x + 1/(2x) by −1/x²ᵏ
# factors between 1 and 2: 64 of them stay within float32, and 15 such products within float64
_FACTORS, _PRODUCTS = 64, 15
_BERNOULLI_NUMBERS = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


@variants()
def read(kind: int) -> Any:
    """Return what writes what the encoder reads of a block of one kind."""

    def read(x: Any, to: Any, width: Any, one: Any) -> None:
        """Write what the encoder reads of a row x: 0 where nothing was observed."""
        zero = type(one)(0)
        values, result = view(x, width, one), view(to, width, one)
        for j in range(width):
            result[j] = values[j] if values[j] == values[j] else zero
        if kind == _LOG1P:
            for j in range(width):
                result[j] = np.log1p(result[j])
        elif kind == _ASINH:
            for j in range(width):
                result[j] = np.arcsinh(result[j])

    return read


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


@variants()
def prepare(kind: int) -> Any:
    """Return what writes what a block of one kind needs of each column for one step."""

    def prepare(at: Any, scratch: Any, n: Any, one: Any) -> None:
        """Write it to `scratch`, for the block whose line of the table is there."""
        real, block = type(one), view(at, BLOCK, WHOLE)
        start, count = block[Block.START], block[Block.COUNT]
        width, shapes = block[Block.STOP] - start, block[Block.SHAPE_COUNT]
        sums = column(Column.SUM, scratch, start, width, n, one)
        shape_sums = column(Column.SHAPE_SUM, scratch, start, width, n, one)
        for j in range(width):
            sums[j] = shape_sums[j] = real(0)
        if kind != _NEGATIVE_BINOMIAL:
            parameter = view(block[Block.PARAMETER], count, one)
            log_variance = column(Column.LOG_VARIANCE, scratch, start, width, n, one)
            precision = column(Column.PRECISION, scratch, start, width, n, one)
            slope = column(Column.SLOPE, scratch, start, width, n, one)
            floors = view(block[Block.FLOOR], width, one)
            for j in range(width):
                s, slope[j] = parameter[j if count > 1 else 0], real(1)
                if block[Block.FLOOR] != 0:
                    s, slope[j] = _with_floor(s, floors[j])
                log_variance[j], precision[j] = s, elementary.exp(-s)
        if kind == _STUDENT_T:
            log_df = view(block[Block.SHAPE], shapes, one)
            df = column(Column.SHAPE, scratch, start, width, n, one)
            constant = column(Column.CONSTANT, scratch, start, width, n, one)
            slope = column(Column.SHAPE_SLOPE, scratch, start, width, n, one)
            for j in range(width):
                nu = _DF_AT_START * math.exp(float(log_df[j if shapes > 1 else 0]))
                difference = math.lgamma(nu / 2) - math.lgamma((nu + 1) / 2)
                df[j], constant[j] = real(nu), real(difference + 0.5 * math.log(math.pi * nu))
                slope[j] = real(nu * (_digamma(nu / 2) - _digamma((nu + 1) / 2)))

    return prepare


PREPARED = (Kind.GAUSSIAN, Kind.STUDENT_T, Kind.NEGATIVE_BINOMIAL)


@njit(**OPTIONS)
def prepare_blocks(blocks: Any, count: Any, scratch: Any, n: Any, one: Any) -> None:
    """Write what the likelihoods of so many blocks, a table at an address, need for one step."""
    for b in range(count):
        at = blocks + b * BLOCK * 8
        part = view(at, BLOCK, WHOLE)[Block.PREPARE]
        if part != 0:
            _prepare(part, at, scratch, n, one)


@njit(**OPTIONS | {"forceinline": True})
def _bernoulli_of_some(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    """Return what `_score_of_some` does, and write the gradient × weight."""
    zero = type(one)(0)
    total, product = zero, one
    for j in range(len(x)):
        logit = a[j] + bias[j]
        e = elementary.exp_below_one(logit)
        d = one / (one + e)
        sigmoid = d if logit >= zero else e * d
        seen = x[j] == x[j]
        total += max(logit, zero) - x[j] * logit if seen else zero
        product *= one + e if seen else one
        grad[j] = (sigmoid - x[j]) * weight if seen else zero
    return total, product


@njit(**OPTIONS)
def _bernoulli(a: Any, bias: Any, x: Any, grad: Any, weight: Any, one: Any) -> Any:
    # log(1 + exp l) = max(l, 0) + log(1 + exp(−|l|)): one logarithm for many logits
    total, product, count = 0.0, 1.0, 0
    for start in range(0, len(x), _FACTORS):
        end = min(len(x), start + _FACTORS)
        some, factor = _bernoulli_of_some(
            a[start:end], bias[start:end], x[start:end], grad[start:end], weight, one
        )
        total, product, count = total + some, product * factor, count + 1
        if count == _PRODUCTS:
            total, product, count = total + math.log(product), 1.0, 0
    return total + math.log(product)


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
        total += real(LOG_2PI) + log_variance[j] + square if seen else zero
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
        total += real(LOG_2PI) + s + square if seen else zero
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


@variants(reals=2, returns=types.float64)
def reconstruct(kind: int) -> Any:
    """Return the likelihood of a block of one kind."""

    def reconstruct(
        of: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, n: Any, weight: Any, one: Any
    ) -> Any:
        """Return −log p(x | a + bias) of a row's block in nats; write its gradient × weight.

        `of` is the address of the block's line of the table. The gradients of learned parameters
        are added up in `scratch`, column by column.
        """
        block, size = view(of, BLOCK, WHOLE), size_of(one)
        start, at = block[Block.START], block[Block.OUTPUT] * size
        width = block[Block.STOP] - start
        n_outputs = 2 * width if kind == _HETEROSCEDASTIC else width
        outputs, biases = view(a + at, n_outputs, one), view(bias + at, n_outputs, one)
        grads, values = view(grad + at, n_outputs, one), view(x + start * size, width, one)
        if kind == _BERNOULLI:
            return _bernoulli(outputs, biases, values, grads, weight, one)
        if kind == _GAUSSIAN:
            return _gaussian(
                outputs, biases, values, grads, weight,
                column(Column.LOG_VARIANCE, scratch, start, width, n, one),
                column(Column.PRECISION, scratch, start, width, n, one),
                column(Column.SUM, scratch, start, width, n, one), one,
            )  # fmt: skip
        if kind == _HETEROSCEDASTIC:
            return _heteroscedastic(
                outputs, biases, values, grads, weight, view(block[Block.FLOOR], width, one),
                block[Block.FLOOR] != 0, one,
            )  # fmt: skip
        if kind == _STUDENT_T:
            return _student_t(outputs, biases, values, grads, weight, block, scratch, n, one)
        if kind == _POISSON:
            return _poisson(outputs, biases, values, grads, weight, one)
        if kind == _NEGATIVE_BINOMIAL:
            return _negative_binomial(
                outputs, biases, values, grads, weight, view(block[Block.SHAPE], width, one),
                column(Column.SHAPE_SUM, scratch, start, width, n, one), one,
            )  # fmt: skip
        return _categorical(outputs, biases, values, grads, weight, one)

    return reconstruct


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


@part(reals=2, returns=types.float64)
def score_bernoulli(
    of: Any, a: Any, bias: Any, x: Any, grad: Any, scratch: Any, n: Any, weight: Any, one: Any
) -> Any:
    """Return −log p(x | a + bias) as `reconstruct` does, faster; write no gradient."""
    # log(1 + exp l) = max(l, 0) + log(1 + exp(−|l|)): one logarithm for many logits
    block, size = view(of, BLOCK, WHOLE), size_of(one)
    first, at = block[Block.START], block[Block.OUTPUT] * size
    width = block[Block.STOP] - first
    logits, biases = view(a + at, width, one), view(bias + at, width, one)
    values = view(x + first * size, width, one)
    total, product, count = 0.0, 1.0, 0
    for start in range(0, width, _FACTORS):
        stop = min(width, start + _FACTORS)
        some, factor = _score_of_some(
            logits[start:stop], biases[start:stop], values[start:stop], one
        )
        total, product, count = total + some, product * factor, count + 1
        if count == _PRODUCTS:
            total, product, count = total + math.log(product), 1.0, 0
    return total + math.log(product)


_prepare = prepare.call
