"""Whole training steps, run by a few threads at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from klosed.engines.fused import _passes as passes
from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._compile import part
from klosed.engines.fused._elementary import is_finite
from klosed.engines.fused._intrinsics import (
    add_atomic,
    clock,
    flush_to_zero,
    grid,
    restore_flags,
    size_of,
    store_atomic,
    view,
)
from klosed.engines.fused._likelihoods import prepare_blocks
from klosed.engines.fused._noise import draw_normal
from klosed.engines.fused._products import ROWS
from klosed.engines.fused._split import Whose, split
from klosed.engines.fused._tables import (
    INTS,
    LAYER,
    LINE,
    REALS,
    TILE,
    WHOLE,
    Column,
    Int,
    Layer,
    Real,
    Tile,
)
from klosed.engines.fused._team import PACE, learn_pace, meet, share, units_of
from klosed.engines.fused._tiles import free_parameters, tile

__all__ = ["run"]

_DOUBLE = np.float64(0)
_take, _through, _backward = passes.take.call, passes.through.call, passes.backward.call
_reparameterize, _likelihood = passes.reparameterize.call, passes.likelihood.call
_draw_normal, _sparse_forward, _split = draw_normal.call, sparse.forward.call, split.call
_tile, _free_parameters = tile.call, free_parameters.call


@part(returns=types.int64)
def run(job: Any, thread: Any, threads: Any, one: Any) -> Any:
    """Run one step a row of the losses; return how many were done.

    The job's rows are the batches' row numbers in turn, its noise the address of their noise, which
    is drawn here where its streams have a line (seed, purpose, step) for each of them.
    Threads share the rows of a large batch, each as many as it is fast; of a small one each
    layer's outputs on the way through and its inputs on the way back, and meet in between. Then
    each does its tiles of weights: gradient, then update, while the tile is in the cache. Whoever
    is done with its own rows' tiles first helps the others. Who does what changes no result.
    A loss that is not finite ends the call before that step's update.
    """
    ints, real, size = view(job, INTS, WHOLE), type(one), size_of(one)
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    tiles = grid(ints[Int.TILES], ints[Int.N_TILES], TILE, WHOLE)
    queues, edges = ints[Int.QUEUES], view(ints[Int.TILE_EDGES], threads + 1, WHOLE)
    paces = view(ints[Int.PACES], threads * PACE, WHOLE)
    losses = grid(ints[Int.LOSSES], ints[Int.N_STEPS], 2, _DOUBLE)
    of_rows = grid(ints[Int.ROW_LOSSES], ints[Int.BATCH], 2, _DOUBLE)
    beta = view(ints[Int.REALS], REALS, _DOUBLE)[Real.BETA]
    n_rows, noise = ints[Int.N_ROWS], ints[Int.NOISE]
    flags = flush_to_zero()
    head, n = ints[Int.ENCODER_HEAD], layers[0, Layer.N_IN]
    latent = layers[head, Layer.N_OUT] // 2
    scratch = ints[Int.SCRATCH] + thread * ints[Int.SCRATCH_BYTES]
    tile_scratch = scratch + -(-Column.SIZE * n * size // LINE) * LINE
    batch, done, is_sparse = ints[Int.BATCH], 0, layers[0, Layer.IS_SPARSE]
    for s in range(thread, ints[Int.N_STREAMS], threads):
        first = s * batch
        count = min(batch, n_rows - first)
        to, stream = noise + first * latent * size, ints[Int.STREAMS] + s * 24
        _draw_normal(ints[Int.DRAW_NORMAL], stream, to, count * latent, scratch, one)
    is_split, by_rows = ints[Int.SPLIT] != 0, ints[Int.BY_ROWS] != 0
    for t in range(edges[thread], edges[thread + 1]):
        k = tiles[t, Tile.LAYER]
        if is_split and k >= 0:
            _split(
                ints[Int.SPLIT], job, Whose.WEIGHT, k, tiles[t, Tile.START], tiles[t, Tile.STOP], 0
            )
    units = -(-batch // ROWS)
    first_unit, end_unit = units_of(paces, units, thread, threads)
    meet(ints, threads)
    for s in range(len(losses)):
        first = s * batch
        count = min(batch, n_rows - first)
        start, stop = share(count, thread, threads, ROWS if by_rows else 1)
        at, rows_here, part, parts = 0, count, thread, threads
        if by_rows:
            if count == batch:
                start, stop = first_unit * ROWS, min(end_unit * ROWS, count)
            at, rows_here, part, parts = start, stop - start, 0, 1
        store_atomic(queues + thread * LINE, 0)
        began = clock()
        weight = real(1 / count)
        ahead = first + count
        start_ahead, stop_ahead = share(min(n_rows - ahead, batch), thread, threads)
        _take(
            ints[Int.TAKE], job, ints[Int.ROWS] + first * 8, start, stop, count + start_ahead,
            count + stop_ahead, thread, one,
        )  # fmt: skip
        if is_split:
            _split(ints[Int.SPLIT], job, Whose.INPUT, 0, start, stop, count)
        if parts > 1:
            meet(ints, threads)
        if is_sparse:
            for owner in range(threads):
                if parts == 1 or owner == part:
                    _sparse_forward(
                        ints[Int.SPARSE_FORWARD], job, at, rows_here, owner, thread, scratch, one
                    )
        _through(ints[Int.THROUGH], job, 0, head + 1, at, rows_here, part, parts, one)
        here = noise + (first + start) * latent * size
        for i in range(start, stop):
            own = here + (i - start) * latent * size
            of_rows[i, 1] = _reparameterize(ints[Int.REPARAMETERIZE], job, i, 1, own, one)
        if is_split:
            _split(ints[Int.SPLIT], job, Whose.INPUT, head + 1, start, stop, count)
        if parts > 1:
            meet(ints, threads)
        _through(ints[Int.THROUGH], job, head + 1, len(layers), at, rows_here, part, parts, one)
        prepare_blocks(ints[Int.BLOCKS], ints[Int.N_BLOCKS], scratch, n, one)
        for i in range(start, stop):
            of_rows[i, 0] = _likelihood(ints[Int.LIKELIHOOD], job, i, i + 1, scratch, weight, one)
        if is_split:
            _split(ints[Int.SPLIT], job, Whose.GRADIENT, len(layers) - 1, start, stop, count)
        if parts > 1:
            meet(ints, threads)
        _backward(ints[Int.BACKWARD], job, at, rows_here, count, part, parts, weight, one)
        if by_rows and ints[Int.MOVES_ROWS]:
            learn_pace(paces, thread, rows_here, clock() - began)
        meet(ints, threads)
        if by_rows:
            first_unit, end_unit = units_of(paces, units, thread, threads)
        reconstruction, kl = 0.0, 0.0
        for i in range(count):
            reconstruction += of_rows[i, 0]
            kl += of_rows[i, 1]
        reconstruction, kl = reconstruction / count, kl / count
        if thread == 0:
            losses[s, 0], losses[s, 1] = reconstruction, kl
        if not is_finite(reconstruction + beta * kl):
            break
        step = ints[Int.STEP] + s + 1
        for turn in range(threads if by_rows else 1):
            owner = (thread + turn) % threads
            queue, first_tile = queues + owner * LINE, edges[owner]
            t = first_tile + add_atomic(queue, 1)
            while t < edges[owner + 1]:
                k, start, stop = tiles[t, Tile.LAYER], tiles[t, Tile.START], tiles[t, Tile.STOP]
                if k < 0:
                    _free_parameters(
                        ints[Int.FREE_PARAMETERS], job, threads, step, tile_scratch, one
                    )
                else:
                    _tile(
                        layers[k, Layer.TILE], job, k, start, stop, tiles[t, Tile.PIECE], count,
                        step, tile_scratch, owner, thread, threads, one,
                    )  # fmt: skip
                t = first_tile + add_atomic(queue, 1)
        meet(ints, threads)
        done += 1
    restore_flags(flags)
    return done
