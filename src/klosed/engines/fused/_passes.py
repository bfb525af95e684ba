"""Rows on their way through the network, and their gradients on the way back.

Products are BLAS calls on slices in place: nothing is transposed or copied. With rows as rows,
Y = X Wᵀ is Yᵀ = W Xᵀ to column-major BLAS. `job` is the address of the vector of `Int`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import grid, prefetch, size_of, view
from klosed.engines.fused._likelihoods import read, reconstruct
from klosed.engines.fused._pieces import product
from klosed.engines.fused._rows import activate, gather
from klosed.engines.fused._sparse import note
from klosed.engines.fused._split import Product, Whose, multiply, split
from klosed.engines.fused._tables import (
    BLOCK,
    INTS,
    LAYER,
    LINE,
    REALS,
    WHOLE,
    Block,
    Int,
    Layer,
    Real,
)
from klosed.engines.fused._team import meet, share

__all__ = ["backward", "likelihood", "reparameterize", "take", "through"]

_DOUBLE = np.float64(0)
_activate, _gather, _note, _product = activate.call, gather.call, note.call, product.call
_read, _reconstruct = read.call, reconstruct.call
_multiply, _split = multiply.call, split.call


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
        offset = i * n * size
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
    if layers[0, Layer.SPARSE]:
        _note(ints[Int.NOTE], job, start, stop, thread, one)
    for i in range(ahead, end):
        row = ints[Int.DATA] + numbers[i] * ints[Int.ROW_BYTES]
        for line in range(row, row + ints[Int.ROW_BYTES] + LINE - 1, LINE):
            prefetch(line)


@part()
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

    The encoder's last layer is its heads, mean and log-variance side by side. The last layer of
    the decoder is left as x Wᵀ: the likelihood adds the bias. That of a sparse layer has been
    written before.
    """
    ints, size = view(job, INTS, WHOLE), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    for k in range(lowest, highest):
        layer = layers[k]
        n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
        first, end = share(n_out, thread, threads, LINE // size)
        place = (start * n_out + first) * size
        y, slope = layer[Layer.OUTPUT] + place, layer[Layer.DELTA] + place
        x = layer[Layer.INPUT] + start * n_in * size
        if ints[Int.MULTIPLY]:  # threads share rows
            stop = start + rows
            _multiply(ints[Int.MULTIPLY], job, Product.FORWARD, k, start, stop, rows, y)
        elif end > first and not layer[Layer.SPARSE]:
            weight = layer[Layer.WEIGHT] + first * n_in * size
            _product(
                ints[Int.PRODUCT], job, True, False, end - first, rows, n_in, weight, n_in, x,
                n_in, y, n_out, one,
            )  # fmt: skip
        if layer[Layer.ACTIVATE]:
            bias, stride = layer[Layer.BIAS] + first * size, n_out * size
            _activate(layer[Layer.ACTIVATE], y, bias, slope, rows, stride, stride, end - first, one)
        if ints[Int.SPLIT] and k + 1 < highest:
            _split(ints[Int.SPLIT], job, Whose.INPUT, k + 1, start, start + rows, rows)
        if threads > 1:
            meet(ints, threads)


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
        y = view(layers[head, Layer.OUTPUT] + 2 * i * k * size, 2 * k, one)
        delta = view(layers[head, Layer.DELTA] + 2 * i * k * size, 2 * k, one)
        z = view(layers[head + 1, Layer.INPUT] + i * k * size, k, one)
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
    ints, size = view(job, INTS, WHOLE), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    layer, n = layers[len(layers) - 1], layers[0, Layer.N_IN]
    total = 0.0
    for i in range(start, stop):
        offset, of_row = i * layer[Layer.N_OUT] * size, 0.0
        for b in range(ints[Int.N_BLOCKS]):
            at = ints[Int.BLOCKS] + b * BLOCK * 8
            of_row += _reconstruct(
                view(at, BLOCK, WHOLE)[Block.RECONSTRUCT], at, layer[Layer.OUTPUT] + offset,
                layer[Layer.BIAS], ints[Int.TARGET] + i * n * size, layer[Layer.DELTA] + offset,
                scratch, n, weight, one,
            )  # fmt: skip
        total += of_row
    return total


@part(reals=2)
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
    inputs, then the threads' sums for its share of them. So no weight leaves a thread's cache: one
    that another processor has read costs a trip there when it is written.
    """
    ints, real, size = view(job, INTS, WHOLE), type(one), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    reals = view(ints[Int.REALS], REALS, _DOUBLE)
    half = real(0.5)
    head = ints[Int.ENCODER_HEAD]
    kl_weight = real(reals[Real.BETA]) * weight
    a_thread = ints[Int.BATCH] * ints[Int.WIDEST] * size
    for above in range(len(layers) - 1, 0, -1):
        layer, below = layers[above], above - 1
        n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
        first, end = share(n_out, thread, threads, LINE // size)
        all_sums = ints[Int.UPSTREAM] + start * ints[Int.WIDEST] * size
        own_sums = all_sums + thread * a_thread
        grad = layer[Layer.DELTA] + (start * n_out + first) * size
        if ints[Int.MULTIPLY]:  # threads share rows
            stop = start + rows
            _multiply(
                ints[Int.MULTIPLY], job, Product.BACKWARD, above, start, stop, rows, own_sums
            )  # fmt: skip
        elif end > first:
            weight_here = layer[Layer.WEIGHT] + first * n_in * size
            _product(
                ints[Int.PRODUCT], job, False, False, n_in, rows, end - first, weight_here, n_in,
                grad, n_out, own_sums, n_in, one,
            )  # fmt: skip
        else:
            view(own_sums, rows * n_in, one)[:] = real(0)
        if threads > 1:
            meet(ints, threads)
        first, end = share(n_in, thread, threads, LINE // size)
        width = end - first
        for i in range(rows):
            place = (i * n_in + first) * size
            upstream = view(own_sums + place, width, one)
            for other in range(threads):
                if other != thread:
                    theirs = view(all_sums + other * a_thread + place, width, one)
                    for j in range(width):
                        upstream[j] += theirs[j]
            if below != head:
                place = ((start + i) * n_in + first) * size
                delta = view(layers[below, Layer.DELTA] + place, width, one)
                for j in range(width):
                    delta[j] *= upstream[j]
                continue
            place = (2 * (start + i) * n_in + first) * size
            loc = view(layers[head, Layer.OUTPUT] + place, width, one)
            log_variance = view(layers[head, Layer.OUTPUT] + place + n_in * size, width, one)
            grad_loc = view(layers[head, Layer.DELTA] + place, width, one)
            grad_log_variance = view(layers[head, Layer.DELTA] + place + n_in * size, width, one)
            for j in range(width):
                grad_loc[j] = upstream[j] + kl_weight * loc[j]
                slope = half * elementary.expm1(log_variance[j])
                grad_log_variance[j] = upstream[j] * grad_log_variance[j] + kl_weight * slope
        if ints[Int.SPLIT]:
            _split(ints[Int.SPLIT], job, Whose.GRADIENT, below, start, start + rows, count)
        if threads > 1 and above > 1:
            meet(ints, threads)
