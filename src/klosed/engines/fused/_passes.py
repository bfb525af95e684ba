"""Rows on their way through the network, and their gradients on the way back.

Training's products are those of `_dense`, on weights in panels, or of split matrices; without
training they are calls of BLAS on weights as they are. `job` is the address of the vector of `Int`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._dense import PLAIN, multiply, padded, vectors_in
from klosed.engines.fused._intrinsics import grid, prefetch, size_of, view
from klosed.engines.fused._likelihoods import read, reconstruct
from klosed.engines.fused._pieces import product
from klosed.engines.fused._products import ROWS
from klosed.engines.fused._rows import activate, gather
from klosed.engines.fused._sparse import note
from klosed.engines.fused._split import Product, Whose, split
from klosed.engines.fused._split import multiply as multiply_split
from klosed.engines.fused._tables import (
    BLOCK,
    INTS,
    LAYER,
    LINE,
    REALS,
    WHOLE,
    Block,
    How,
    Int,
    Layer,
    Real,
)
from klosed.engines.fused._team import meet, outputs_of

__all__ = ["backward", "likelihood", "reparameterize", "take", "through"]

_DOUBLE = np.float64(0)
_BLAS, _SPLIT = int(How.BLAS), int(How.SPLIT)
_activate, _gather, _note, _product = activate.call, gather.call, note.call, product.call
_read, _reconstruct = read.call, reconstruct.call
_multiply, _multiply_split, _split = multiply.call, multiply_split.call, split.call


@part()
def take(
    job: Any, rows: Any, start: Any, stop: Any, ahead: Any, end: Any, thread: Any, one: Any
) -> None:
    """Make rows of the data the rows `start` to `stop` of the batch.

    `rows` is the address of the numbers of the batch's rows; those from `ahead` to `end` are of a
    later batch, and brought near.
    """
    ints = view(job, INTS, WHOLE)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    blocks = grid(ints[Int.BLOCKS], ints[Int.N_BLOCKS], BLOCK, WHOLE)
    numbers, n, size = view(rows, end, WHOLE), layers[0, Layer.N_IN], size_of(one)
    for i in range(start, stop):
        offset = i * layers[0, Layer.X_BYTES]
        target, reads = ints[Int.TARGET] + offset, layers[0, Layer.INPUT] + offset
        _gather(
            ints[Int.GATHER], ints[Int.DATA] + numbers[i] * ints[Int.ROW_BYTES], ints[Int.SHIFT],
            ints[Int.SCALE], target, n, one,
        )  # fmt: skip
        if target != reads:
            for b in range(len(blocks)):
                first = blocks[b, Block.START]
                width, place = blocks[b, Block.STOP] - first, first * size
                _read(blocks[b, Block.READ_ROW], target + place, reads + place, width, one)
    if layers[0, Layer.IS_SPARSE]:
        _note(ints[Int.NOTE], job, start, stop, thread, one)
    for i in range(ahead, end):
        row = ints[Int.DATA] + numbers[i] * ints[Int.ROW_BYTES]
        for line in range(row, row + ints[Int.ROW_BYTES] + LINE - 1, LINE):
            prefetch(line)


@njit(**OPTIONS)
def _tiled(rows: Any) -> Any:
    return -(-rows // ROWS) * ROWS


@variants()
def through(how: int) -> Any:
    """Return what multiplies in one of the ways of `How`."""

    def through(
        job: Any,
        lowest: Any,
        highest: Any,
        start: Any,
        rows: Any,
        thread: Any,
        threads: Any,
        one: Any,
    ) -> None:
        """Take rows, from `start` on, through layers: y = f(x Wᵀ + b); each thread its outputs.

        The encoder's last layer is its heads, mean and log-variance side by side. The last layer
        of the decoder is left as x Wᵀ: the likelihood adds the bias. That of a sparse layer has
        been written before. One thread alone has all outputs, whoever has their weights.
        """
        ints, size = view(job, INTS, WHOLE), size_of(one)
        layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
        for k in range(lowest, highest):
            layer = layers[k]
            n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
            x = layer[Layer.INPUT] + start * layer[Layer.X_BYTES]
            stride, first, end = layer[Layer.Y_BYTES], 0, n_out
            y = layer[Layer.OUTPUT] + start * stride
            if how == _SPLIT:
                _multiply_split(
                    ints[Int.MULTIPLY], job, Product.FORWARD, k, start, start + rows, rows, y
                )  # fmt: skip
            elif how == _BLAS:
                _product(
                    ints[Int.PRODUCT], job, n_out, rows, n_in, layer[Layer.WEIGHT], x, y, one
                )  # fmt: skip
            else:
                shares = ints[Int.SHARES]
                for owner in range(shares):
                    a, b = outputs_of(owner, shares, k, n_out, size)
                    if threads > 1:
                        if owner != thread:
                            continue
                        first, end = a, b
                    if b > a and not layer[Layer.IS_SPARSE]:
                        _multiply(
                            ints[Int.MULTIPLY], x, layer[Layer.X_BYTES], size, n_in,
                            layer[Layer.WEIGHT] + owner * layer[Layer.SHARE_BYTES],
                            -padded(n_in, size), ints[Int.ZEROS], 0, y + a * size, stride,
                            rows, vectors_in(b - a, size), PLAIN, y, one,
                        )  # fmt: skip
            if layer[Layer.ACTIVATE]:
                slope = layer[Layer.DELTA] + start * stride + first * size
                _activate(
                    layer[Layer.ACTIVATE], y + first * size, layer[Layer.BIAS] + first * size,
                    slope, rows, stride, stride, end - first, one,
                )  # fmt: skip
            if how == _SPLIT and k + 1 < highest:
                _split(ints[Int.SPLIT], job, Whose.INPUT, k + 1, start, start + rows, rows)
            if threads > 1:
                meet(ints, threads)

    return through


@part(returns=types.float64)
def reparameterize(job: Any, start: Any, rows: Any, noise: Any, one: Any) -> Any:
    """Write z = μ + exp(ℓ/2) ∘ ε, and ½ exp(ℓ/2) ∘ ε for the way back; return Σ KL in nats.

    `noise` is the address of the ε of the first of these rows.
    KL = ½ Σ (ψ(ℓ) + μ²) with ψ(ℓ) = exp ℓ − 1 − ℓ.
    """
    ints, real, size = view(job, INTS, WHOLE), type(one), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    half = real(0.5)
    head = ints[Int.ENCODER_HEAD]
    k = layers[head, Layer.N_OUT] // 2
    total = 0.0
    for i in range(start, start + rows):
        offset = i * layers[head, Layer.Y_BYTES]
        y = view(layers[head, Layer.OUTPUT] + offset, 2 * k, one)
        delta = view(layers[head, Layer.DELTA] + offset, 2 * k, one)
        z = view(layers[head + 1, Layer.INPUT] + i * layers[head + 1, Layer.X_BYTES], k, one)
        epsilon = view(noise + (i - start) * k * size, k, one)
        kl = real(0)
        for j in range(k):
            loc, log_variance = y[j], y[k + j]
            step = elementary.exp(half * log_variance) * epsilon[j]
            z[j] = loc + step
            delta[k + j] = half * step
            kl += elementary.psi(log_variance) + loc * loc
        total += 0.5 * kl
    return total


@part(reals=2, returns=types.float64)
def likelihood(job: Any, start: Any, stop: Any, scratch: Any, weight: Any, one: Any) -> Any:
    """Return −log p(x | z) of some rows of the batch in nats, and write its gradient × weight."""
    ints = view(job, INTS, WHOLE)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    layer, n = layers[len(layers) - 1], layers[0, Layer.N_IN]
    total = 0.0
    for i in range(start, stop):
        offset, of_row = i * layer[Layer.Y_BYTES], 0.0
        target = ints[Int.TARGET] + i * layers[0, Layer.X_BYTES]
        for b in range(ints[Int.N_BLOCKS]):
            at = ints[Int.BLOCKS] + b * BLOCK * 8
            of_row += _reconstruct(
                view(at, BLOCK, WHOLE)[Block.RECONSTRUCT], at, layer[Layer.OUTPUT] + offset,
                layer[Layer.BIAS], target, layer[Layer.DELTA] + offset, scratch, n, weight, one,
            )  # fmt: skip
        total += of_row
    return total


@variants(reals=2)
def backward(how: int) -> Any:
    """Return what multiplies weights in panels, or split matrices."""

    def backward(
        job: Any,
        start: Any,
        rows: Any,
        count: Any,
        thread: Any,
        threads: Any,
        weight: Any,
        one: Any,
    ) -> None:
        """Bring the gradient G from the decoder's output down to the first layer's: G W ∘ f′.

        Where threads share columns, each adds up over the outputs whose weights it updates, for all
        inputs, then the threads' sums for its share of them. So no weight leaves a thread's cache:
        one that another processor has read costs a trip there when it is written.
        """
        ints, real, size = view(job, INTS, WHOLE), type(one), size_of(one)
        layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
        reals = view(ints[Int.REALS], REALS, _DOUBLE)
        half = real(0.5)
        head = ints[Int.ENCODER_HEAD]
        kl_weight = real(reals[Real.BETA]) * weight
        line = ints[Int.WIDEST] * size  # of sums
        a_thread = _tiled(ints[Int.BATCH]) * line
        all_sums = ints[Int.UPSTREAM] + start * line
        own_sums = all_sums + thread * a_thread
        for above in range(len(layers) - 1, 0, -1):
            layer, below = layers[above], above - 1
            n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
            if how == _SPLIT:
                line = n_in * size
                _multiply_split(
                    ints[Int.MULTIPLY], job, Product.BACKWARD, above, start, start + rows, rows,
                    own_sums,
                )  # fmt: skip
            else:
                shares, has_any = ints[Int.SHARES], False
                for owner in range(shares):
                    first, end = outputs_of(owner, shares, above, n_out, size)
                    if end > first and (threads == 1 or owner == thread):
                        grad = layer[Layer.DELTA] + start * layer[Layer.Y_BYTES] + first * size
                        _multiply(
                            ints[Int.MULTIPLY], grad, layer[Layer.Y_BYTES], size, end - first,
                            layer[Layer.TRANSPOSED] + owner * layer[Layer.SHARE_BYTES],
                            -padded(end - first, size),
                            own_sums if has_any else ints[Int.ZEROS], line if has_any else 0,
                            own_sums, line, rows, vectors_in(n_in, size), PLAIN, grad, one,
                        )  # fmt: skip
                        has_any = True
                if not has_any:
                    view(own_sums, rows * (line // size), one)[:] = real(0)
            if threads > 1:
                meet(ints, threads)
            # those whose weights it has: on the way down it goes on with them alone
            first, end = outputs_of(thread, threads, below, n_in, size)
            width = end - first
            for i in range(rows):
                upstream = view(own_sums + i * line + first * size, width, one)
                for other in range(threads):
                    if other != thread:
                        place = all_sums + other * a_thread + i * line + first * size
                        theirs = view(place, width, one)
                        for j in range(width):
                            upstream[j] += theirs[j]
                place = (start + i) * layers[below, Layer.Y_BYTES] + first * size
                if below != head:
                    delta = view(layers[below, Layer.DELTA] + place, width, one)
                    for j in range(width):
                        delta[j] *= upstream[j]
                    continue
                loc = view(layers[head, Layer.OUTPUT] + place, width, one)
                log_variance = view(layers[head, Layer.OUTPUT] + place + n_in * size, width, one)
                grad_loc = view(layers[head, Layer.DELTA] + place, width, one)
                grad_log_variance = view(
                    layers[head, Layer.DELTA] + place + n_in * size, width, one
                )
                for j in range(width):
                    grad_loc[j] = upstream[j] + kl_weight * loc[j]
                    slope = half * elementary.expm1(log_variance[j])
                    grad_log_variance[j] = upstream[j] * grad_log_variance[j] + kl_weight * slope
            if how == _SPLIT:
                _split(ints[Int.SPLIT], job, Whose.GRADIENT, below, start, start + rows, count)
            if threads > 1 and above > 1:
                meet(ints, threads)

    return backward
