"""Whole training steps, run by a few threads at once. Compiled once for each number type."""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _passes as passes
from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._compile import compiled
from klosed.engines.fused._elementary import is_finite
from klosed.engines.fused._inference import infer
from klosed.engines.fused._intrinsics import (
    flush_to_zero,
    restore_flags,
    size_of,
    view,
)
from klosed.engines.fused._likelihoods import column, prepare_blocks
from klosed.engines.fused._noise import draw_normal
from klosed.engines.fused._rows import INLINED, OPTIONS
from klosed.engines.fused._tables import Block, Column, Int, Layer, Pass, Real, Rule
from klosed.engines.fused._team import meet, share
from klosed.engines.fused._update import update

__all__ = ["run"]


@njit(**INLINED)
def _tile(
    layer: Any,
    start: Any,
    stop: Any,
    rows: Any,
    step: Any,
    scratch: Any,
    thread: Any,
    threads: Any,
    ints: Any,
    reals: Any,
    one: Any,
) -> None:
    """Weight and bias gradient of some outputs of a layer, and what the rule makes of them."""
    size, rule = size_of(one), ints[Int.RULE]
    n_in, n_out, width = layer[Layer.N_IN], layer[Layer.N_OUT], stop - start
    keep = rule == Rule.KEEP
    if layer[Layer.SPARSE]:
        to = scratch + sparse.LINES * width * size
        for p in range(0, n_in, sparse.BLOCK):
            lines, offset = min(sparse.BLOCK, n_in - p), (p * n_out + start) * size
            sparse.gradient(layer, p, lines, start, stop, rows, to, thread, threads, ints, one)
            update(
                rule, layer[Layer.WEIGHT] + offset, to, layer[Layer.WEIGHT_SLOT_1] + offset,
                layer[Layer.WEIGHT_SLOT_2] + offset, width, step, reals, one, lines, n_out,
            )  # fmt: skip
    else:
        offset = start * n_in * size
        to = layer[Layer.WEIGHT_GRAD] + offset if keep else scratch
        passes.weight_gradient(layer, start, stop, to, rows, ints, one)
        if not keep:
            update(
                rule, layer[Layer.WEIGHT] + offset, to, layer[Layer.WEIGHT_SLOT_1] + offset,
                layer[Layer.WEIGHT_SLOT_2] + offset, width * n_in, step, reals, one,
            )  # fmt: skip
    offset = start * size
    to = layer[Layer.BIAS_GRAD] + offset if keep else scratch
    total = view(to, width, one)
    total[:] = type(one)(0)
    for i in range(rows):
        grad = view(layer[Layer.DELTA] + (i * n_out + start) * size, width, one)
        for j in range(width):
            total[j] += grad[j]
    if not keep:
        update(
            rule, layer[Layer.BIAS] + offset, to, layer[Layer.BIAS_SLOT_1] + offset,
            layer[Layer.BIAS_SLOT_2] + offset, width, step, reals, one,
        )  # fmt: skip


@njit(**OPTIONS)
def _free_parameter(
    block: Any,
    is_variance: Any,
    n: Any,
    threads: Any,
    step: Any,
    scratch: Any,
    ints: Any,
    reals: Any,
    one: Any,
) -> None:
    """Add up the threads' sums for a block's variance or shape, and let the rule have them."""
    rule, start = ints[Int.RULE], block[Block.START]
    first = Block.PARAMETER if is_variance else Block.SHAPE
    width, count = block[Block.STOP] - start, block[first + 1]
    slot = Block.SLOT_1 if is_variance else Block.SHAPE_SLOT_1
    to = block[slot + 2] if rule == Rule.KEEP else scratch
    grad = view(to, count, one)
    grad[:] = type(one)(0)
    for thread in range(threads):
        place = ints[Int.SCRATCH] + thread * ints[Int.SCRATCH_BYTES]
        row = Column.SUM if is_variance else Column.SHAPE_SUM
        sums = column(row, place, start, width, n, one)
        slope = column(Column.SLOPE, place, start, width, n, one)
        for j in range(width):
            grad[j if count > 1 else 0] += sums[j] * (slope[j] if is_variance else one)
    if rule != Rule.KEEP:
        update(
            rule, block[first], to, block[slot], block[slot + 1], count, step, reals, one,
        )  # fmt: skip


@njit(**INLINED)
def _free_parameters(
    blocks: Any, n: Any, threads: Any, step: Any, scratch: Any, ints: Any, reals: Any, one: Any
) -> None:
    """Update the learned parameters of the likelihoods."""
    for b in range(len(blocks)):
        for is_variance in range(2):
            has = blocks[b, Block.IS_LEARNED if is_variance else Block.SHAPE_COUNT]
            if has > 0:
                _free_parameter(blocks[b], is_variance, n, threads, step, scratch, ints, reals, one)


def _make_run(digest: int) -> Any:
    def run(
        kind: Any,
        first_row: Any,
        last_row: Any,
        results: Any,
        thread: Any,
        threads: Any,
        layers: Any,
        blocks: Any,
        tiles: Any,
        ints: Any,
        reals: Any,
        rows: Any,
        noise: Any,
        streams: Any,
        partial: Any,
        losses: Any,
        one: Any,
    ) -> Any:
        """Run one step a row of `losses`; return how many were done. Or, see `infer`, no step.

        One function for both, because what they share would be compiled twice.
        `rows` are the batches' row numbers in turn, `noise` is the address of their noise, which
        is drawn here where `streams` has a line (seed, purpose, step) for each of them.
        Threads share the rows of a large batch; of a small one each layer's outputs on the way
        through and its inputs on the way back, and meet in between. Then each does its tiles of
        weights, the same ones every step: gradient, then update, while the tile is in the cache.
        A loss that is not finite ends the call before that step's update.
        """
        digest  # noqa: B018  (see `compiled`)
        real, size = type(one), size_of(one)
        flags = flush_to_zero()
        if kind != Pass.STEPS:
            infer(
                kind, first_row, last_row, layers, blocks, ints, noise, results, losses,
                one,
            )  # fmt: skip
            restore_flags(flags)
            return 0
        n, latent = layers[0, Layer.N_IN], layers[ints[Int.ENCODER_HEAD], Layer.N_OUT] // 2
        scratch = ints[Int.SCRATCH] + thread * ints[Int.SCRATCH_BYTES]
        tile_scratch = scratch + Column.SIZE * n * size
        batch, done, is_sparse = ints[Int.BATCH], 0, layers[0, Layer.SPARSE]
        for s in range(thread, len(streams), threads):
            first = s * batch
            count = min(batch, len(rows) - first)
            to = noise + first * latent * size
            draw_normal(streams[s], to, count * latent, scratch, one)
        meet(ints, threads)
        for s in range(len(losses)):
            first = s * batch
            count = min(batch, len(rows) - first)
            start, stop = share(count, thread, threads)
            at, rows_here, part, parts = 0, count, thread, threads
            if ints[Int.BY_ROWS]:
                at, rows_here, part, parts = start, stop - start, 0, 1
            weight = real(1 / count)
            if is_sparse:
                sparse.clear(layers[0], thread, ints)
            for i in range(start, stop):
                passes.take(layers, blocks, i, rows[first + i], ints, one)
                if is_sparse:
                    sparse.note(layers[0], i, start, thread, ints, one)
            ahead = first + count
            start_ahead, stop_ahead = share(min(len(rows) - ahead, batch), thread, threads)
            passes.fetch(rows, ahead + start_ahead, ahead + stop_ahead, ints)
            if parts > 1:
                meet(ints, threads)
            if is_sparse:
                a, b = share(layers[0, Layer.N_OUT], part, parts)
                sparse.forward(layers[0], at, rows_here, a, b, thread, scratch, ints, one)
            passes.encode(layers, at, rows_here, part, parts, ints, one)
            here = noise + (first + start) * latent * size
            kl = passes.reparameterize(layers, start, stop - start, here, ints, one)
            if parts > 1:
                meet(ints, threads)
            passes.decode(layers, at, rows_here, part, parts, ints, one)
            prepare_blocks(blocks, scratch, n, one)
            reconstruction = 0.0
            for i in range(start, stop):
                x = ints[Int.TARGET] + i * n * size
                reconstruction += passes.likelihood(layers, blocks, i, x, scratch, weight, one)
            partial[thread, 0], partial[thread, 1] = reconstruction, kl
            if parts > 1:
                meet(ints, threads)
            passes.backward(layers, at, rows_here, weight, part, parts, ints, reals, one)
            meet(ints, threads)
            reconstruction, kl = 0.0, 0.0
            for i in range(threads):
                reconstruction += partial[i, 0] / count
                kl += partial[i, 1] / count
            if thread == 0:
                losses[s, 0], losses[s, 1] = reconstruction, kl
            if not is_finite(reconstruction + reals[Real.BETA] * kl):
                break
            step = ints[Int.STEP] + s + 1
            for t in range(len(tiles)):
                if tiles[t, 3] != thread:
                    continue
                if tiles[t, 0] < 0:
                    _free_parameters(blocks, n, threads, step, tile_scratch, ints, reals, one)
                else:
                    _tile(
                        layers[tiles[t, 0]], tiles[t, 1], tiles[t, 2], count, step, tile_scratch,
                        thread, threads, ints, reals, one,
                    )  # fmt: skip
            meet(ints, threads)
            done += 1
        restore_flags(flags)
        return done

    return run


run = compiled(_make_run)
