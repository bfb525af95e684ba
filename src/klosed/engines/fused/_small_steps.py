"""Training steps of a network so small that every thread has all of it in its cache.

Each thread has weights and moments of its own. It takes its rows all the way, some at a time, and
writes the gradient that they give. Then threads meet, once a step: each adds up all their gradients
and updates its weights, which stay the same as everybody else's, bit by bit. That is more
arithmetic than sharing the update, but less on the way from one cache to the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from klosed.engines.fused import _small_passes as passes
from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._dense import padded, transpose, vectors_for
from klosed.engines.fused._elementary import is_finite
from klosed.engines.fused._intrinsics import (
    add_atomic,
    flush_to_zero,
    grid,
    prefetch,
    restore_flags,
    size_of,
    store_atomic,
    view,
)
from klosed.engines.fused._likelihoods import column, prepare_blocks
from klosed.engines.fused._noise import draw_normal
from klosed.engines.fused._products import ROWS
from klosed.engines.fused._tables import (
    BLOCK,
    LAYER,
    LINE,
    REALS,
    SMALL,
    WHOLE,
    Block,
    Column,
    Control,
    Int,
    Layer,
    Real,
    Small,
)
from klosed.engines.fused._team import meet, share
from klosed.engines.fused._update import update

__all__ = ["AT_ONCE", "run"]

AT_ONCE = 64  # rows that go through the network together
_DOUBLE = np.float64(0)
_take, _through, _backward = passes.take.call, passes.through.call, passes.backward.call
_reparameterize, _likelihood = passes.reparameterize.call, passes.likelihood.call
_draw_normal, _transpose, _update = draw_normal.call, transpose.call, update.call


@njit(**OPTIONS)
def _transpose_all(ints: Any, one: Any) -> None:
    size = size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    for k in range(1, len(layers)):  # the first has no other order than that
        n_in, n_out = layers[k, Layer.N_IN], layers[k, Layer.N_OUT]
        _transpose(
            ints[Int.TRANSPOSE], layers[k, Layer.WEIGHT], padded(n_in, size) * size,
            n_out, vectors_for(n_in, size), layers[k, Layer.TRANSPOSED],
            padded(n_out, size) * size, one,
        )  # fmt: skip


@njit(**OPTIONS)
def _free_parameters(ints: Any, grads: Any, n: Any, scratch: Any, one: Any) -> None:
    """Write the gradients of the likelihoods' learned parameters."""
    for b in range(ints[Int.N_BLOCKS]):
        block = view(ints[Int.BLOCKS] + b * BLOCK * 8, BLOCK, WHOLE)
        start, width = block[Block.START], block[Block.STOP] - block[Block.START]
        for is_variance in range(2):
            first = Block.PARAMETER if is_variance else Block.SHAPE
            count = block[first + 1]
            if not (block[Block.IS_LEARNED] if is_variance else count):
                continue
            grad = view(grads + (block[first] - ints[Small.WEIGHTS]), count, one)
            grad[:] = type(one)(0)
            row = Column.SUM if is_variance else Column.SHAPE_SUM
            sums = column(row, scratch, start, width, n, one)
            slope = column(Column.SLOPE, scratch, start, width, n, one)
            for j in range(width):
                grad[j if count > 1 else 0] += sums[j] * (slope[j] if is_variance else one)


@njit(**OPTIONS)
def _total(grads: Any, threads: Any, ints: Any, one: Any) -> Any:
    """Return the address of the sum of all threads' gradients, added up in one order by each."""
    if threads == 1:
        return grads
    numbers, size = ints[Small.NUMBERS], size_of(one)
    total = view(ints[Small.TOTAL], numbers, one)
    a, b = view(grads, numbers, one), view(grads + numbers * size, numbers, one)
    for j in range(numbers):
        total[j] = a[j] + b[j]
    for i in range(2, threads):
        a = view(grads + i * numbers * size, numbers, one)
        for j in range(numbers):
            total[j] += a[j]
    return ints[Small.TOTAL]


@njit(**OPTIONS)
def _fetch(ints: Any, first: Any, end: Any) -> None:
    """Have rows of the data brought near that a later batch takes."""
    numbers = view(ints[Int.ROWS], end, WHOLE)
    for i in range(first, end):
        row = ints[Int.DATA] + numbers[i] * ints[Int.ROW_BYTES]
        for line in range(row, row + ints[Int.ROW_BYTES] + LINE - 1, LINE):
            prefetch(line)


@part(returns=types.int64)
def run(job: Any, thread: Any, threads: Any, one: Any) -> Any:
    """Run one step a row of the losses; return how many were done. See `_steps.run`."""
    ints, real, size = view(job, SMALL, WHOLE), type(one), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    losses = grid(ints[Int.LOSSES], ints[Int.N_STEPS], 2, _DOUBLE)
    beta = view(ints[Int.REALS], REALS, _DOUBLE)[Real.BETA]
    n_rows, batch, numbers = ints[Int.N_ROWS], ints[Int.BATCH], ints[Small.NUMBERS]
    flags = flush_to_zero()
    head, n = ints[Int.ENCODER_HEAD], layers[0, Layer.N_IN]
    noise_bytes = layers[head, Layer.N_OUT] // 2 * size
    scratch, done = ints[Int.SCRATCH], 0
    taken = ints[Int.CONTROL] + 8 * Control.TAKEN
    while True:  # a thread that is slow today takes fewer
        s = add_atomic(taken, 1)
        if s >= ints[Int.N_STREAMS]:
            break
        first = s * batch
        count = min(batch, n_rows - first) * (noise_bytes // size)
        to, stream = ints[Int.NOISE] + first * noise_bytes, ints[Int.STREAMS] + s * 24
        _draw_normal(ints[Int.DRAW_NORMAL], stream, to, count, scratch, one)
    _transpose_all(ints, one)
    meet(ints, threads)
    store_atomic(taken, 0)
    for s in range(len(losses)):
        first = s * batch
        count = min(batch, n_rows - first)
        start, stop = share(count, thread, threads)
        weight = real(1 / count)
        # a thread that is ahead writes for the next step while others read what is of this one
        place = (s & 1) * threads
        all_grads = ints[Small.GRADS] + place * numbers * size
        grads = all_grads + thread * numbers * size
        if start == stop:
            view(grads, numbers, one)[:] = real(0)
        prepare_blocks(ints[Int.BLOCKS], ints[Int.N_BLOCKS], scratch, n, one)
        reconstruction, kl = 0.0, 0.0
        for at in range(start, stop, AT_ONCE):
            rows, is_first = min(AT_ONCE, stop - at), at == start
            tiled = -(-rows // ROWS) * ROWS
            _take(ints[Int.TAKE], job, ints[Int.ROWS] + (first + at) * 8, rows, one)
            _through(ints[Int.THROUGH], job, 0, head + 1, tiled, one)
            noise = ints[Int.NOISE] + (first + at) * noise_bytes
            kl += _reparameterize(ints[Int.REPARAMETERIZE], job, rows, noise, one)
            _through(ints[Int.THROUGH], job, head + 1, len(layers), tiled, one)
            reconstruction += _likelihood(
                ints[Int.LIKELIHOOD], job, rows, is_first, scratch, weight, one
            )
            _backward(ints[Int.BACKWARD], job, rows, grads, is_first, weight, one)
        _free_parameters(ints, grads, n, scratch, one)
        mine = view(ints[Small.SUMS] + (place + thread) * LINE, 2, _DOUBLE)
        mine[0], mine[1] = reconstruction, kl
        ahead = first + count
        start_ahead, stop_ahead = share(min(n_rows - ahead, batch), thread, threads)
        _fetch(ints, ahead + start_ahead, ahead + stop_ahead)
        meet(ints, threads)
        reconstruction, kl = 0.0, 0.0
        for i in range(threads):
            sums = view(ints[Small.SUMS] + (place + i) * LINE, 2, _DOUBLE)
            reconstruction += sums[0] / count
            kl += sums[1] / count
        if thread == 0:
            losses[s, 0], losses[s, 1] = reconstruction, kl
        if not is_finite(reconstruction + beta * kl):
            break
        _update(
            ints[Int.UPDATE], ints[Small.WEIGHTS], _total(all_grads, threads, ints, one),
            ints[Small.SLOT_1], ints[Small.SLOT_2], numbers, ints[Int.STEP] + s + 1,
            ints[Int.REALS], one,
        )  # fmt: skip
        _transpose_all(ints, one)
        done += 1
    restore_flags(flags)
    return done
