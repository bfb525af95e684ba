"""Tiles of weights: gradient, then update, while the tile is in the cache."""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._dense import (
    PLAIN,
    edge,
    multiply,
    padded,
    panels_for,
    transpose,
    vectors_in,
)
from klosed.engines.fused._intrinsics import grid, size_of, view
from klosed.engines.fused._likelihoods import column
from klosed.engines.fused._products import VECTOR_BYTES, VECTORS
from klosed.engines.fused._split import Product, Whose, split
from klosed.engines.fused._split import multiply as multiply_split
from klosed.engines.fused._tables import BLOCK, INTS, LAYER, WHOLE, Block, Column, How, Int, Layer
from klosed.engines.fused._update import update

__all__ = ["free_parameters", "tile"]

_SPLIT = int(How.SPLIT)
_transpose, _update, _sparse_gradient = transpose.call, update.call, sparse.gradient.call
_multiply, _multiply_split, _split = multiply.call, multiply_split.call, split.call


@njit(**OPTIONS)
def _use(
    rule: Any, layer: Any, offset: Any, grad: Any, n: Any, step: Any, ints: Any, one: Any
) -> None:
    """Let the rule have the gradient of n weights, so many bytes from the first."""
    _update(
        rule, layer[Layer.WEIGHT] + offset, grad, layer[Layer.WEIGHT_SLOT_1] + offset,
        layer[Layer.WEIGHT_SLOT_2] + offset, n, step, ints[Int.REALS], one,
    )  # fmt: skip


@variants()
def tile(how: int, is_sparse: int) -> Any:
    """Return what does weights in panels, the input's zeros left out or not, or split ones."""

    def tile(
        job: Any,
        number: Any,
        start: Any,
        stop: Any,
        piece: Any,
        rows: Any,
        step: Any,
        scratch: Any,
        owner: Any,
        thread: Any,
        threads: Any,
        one: Any,
    ) -> None:
        """Weight and bias gradient of some outputs of a layer, and what the rule makes of them.

        ∂loss/∂W = Gᵀ x, over the whole batch. In panels they are a piece of the owner's outputs;
        the first piece does the biases. `thread` is the one that runs this.
        """
        ints, size = view(job, INTS, WHOLE), size_of(one)
        place = ints[Int.LAYERS] + number * LAYER * 8
        layer = view(place, LAYER, WHOLE)
        reals, rule = ints[Int.REALS], ints[Int.UPDATE]
        n_in, width = layer[Layer.N_IN], stop - start
        keep = rule == 0
        if how == _SPLIT:
            offset = start * n_in * size
            to = layer[Layer.WEIGHT_GRAD] + offset if keep else scratch
            _multiply_split(
                ints[Int.MULTIPLY], job, Product.GRADIENT, number, start, stop, rows, to
            )  # fmt: skip
            if not keep:
                _use(rule, layer, offset, to, width * n_in, step, ints, one)
                _split(ints[Int.SPLIT], job, Whose.WEIGHT, number, start, stop, 0)
        elif is_sparse == 1:
            lines, vectors = padded(n_in, size), vectors_in(width, size)
            share = owner * layer[Layer.SHARE_BYTES]
            panels, at = panels_for(vectors, sparse.WIDE), piece * sparse.BLOCK
            count = min(sparse.BLOCK, n_in - at)
            _sparse_gradient(
                ints[Int.SPARSE_GRADIENT], job, at, count, start, vectors, rows, scratch, thread,
                threads, one,
            )  # fmt: skip
            for p in range(panels):
                first = edge(p, panels, vectors)
                line = (edge(p + 1, panels, vectors) - first) * VECTOR_BYTES
                offset = share + first * lines * VECTOR_BYTES + at * line
                grad = scratch + sparse.place_of(first, line)
                _use(rule, layer, offset, grad, count * line // size, step, ints, one)
        else:
            vectors, across = vectors_in(width, size), vectors_in(n_in, size)
            share, lanes = owner * layer[Layer.SHARE_BYTES], VECTOR_BYTES // size
            panels, blocks = panels_for(vectors, VECTORS), panels_for(across, VECTORS)
            first = edge(piece, panels, vectors)
            here = edge(piece + 1, panels, vectors) - first
            line = here * VECTOR_BYTES
            for q in range(blocks):  # of inputs: a panel of the transpose
                row = edge(q, blocks, across)
                high = edge(q + 1, blocks, across) - row
                at = row * lanes
                count = min(high * lanes, n_in - at)
                offset = share + (first * across + row * here) * lanes * VECTOR_BYTES
                to = layer[Layer.WEIGHT_GRAD] + offset if keep else scratch
                _multiply(
                    ints[Int.MULTIPLY], layer[Layer.INPUT] + at * size, size,
                    layer[Layer.X_BYTES], rows,
                    layer[Layer.DELTA] + start * size + first * VECTOR_BYTES,
                    layer[Layer.Y_BYTES], ints[Int.ZEROS], 0, to, line, count, here, PLAIN, to,
                    one,
                )  # fmt: skip
                if keep:
                    continue
                _use(rule, layer, offset, to, count * here * lanes, step, ints, one)
                if number > 0:
                    _transpose(
                        ints[Int.TRANSPOSE], layer[Layer.WEIGHT] + offset, line, high * lanes,
                        here, layer[Layer.TRANSPOSED] + share
                        + (row * vectors + first * high) * lanes * VECTOR_BYTES,
                        high * VECTOR_BYTES, one,
                    )  # fmt: skip
        if piece > 0:
            return
        offset = start * size
        to = layer[Layer.BIAS_GRAD] + offset if keep else scratch
        total = view(to, width, one)
        total[:] = type(one)(0)
        for i in range(rows):
            grad = view(layer[Layer.DELTA] + i * layer[Layer.Y_BYTES] + offset, width, one)
            for j in range(width):
                total[j] += grad[j]
        if not keep:
            _update(
                rule, layer[Layer.BIAS] + offset, to, layer[Layer.BIAS_SLOT_1] + offset,
                layer[Layer.BIAS_SLOT_2] + offset, width, step, reals, one,
            )  # fmt: skip

    return tile


@njit(**OPTIONS)
def _free_parameter(
    block: Any,
    is_variance: Any,
    n: Any,
    threads: Any,
    step: Any,
    scratch: Any,
    ints: Any,
    one: Any,
) -> None:
    """Add up the threads' sums for a block's variance or shape, and let the rule have them."""
    rule, start = ints[Int.UPDATE], block[Block.START]
    first = Block.PARAMETER if is_variance else Block.SHAPE
    width, count = block[Block.STOP] - start, block[first + 1]
    slot = Block.SLOT_1 if is_variance else Block.SHAPE_SLOT_1
    to = block[slot + 2] if rule == 0 else scratch
    grad = view(to, count, one)
    grad[:] = type(one)(0)
    for thread in range(threads):
        place = ints[Int.SCRATCH] + thread * ints[Int.SCRATCH_BYTES]
        row = Column.SUM if is_variance else Column.SHAPE_SUM
        sums = column(row, place, start, width, n, one)
        slope = column(Column.SLOPE, place, start, width, n, one)
        for j in range(width):
            grad[j if count > 1 else 0] += sums[j] * (slope[j] if is_variance else one)
    if rule != 0:
        _update(
            rule, block[first], to, block[slot], block[slot + 1], count, step, ints[Int.REALS],
            one,
        )  # fmt: skip


@part()
def free_parameters(job: Any, threads: Any, step: Any, scratch: Any, one: Any) -> None:
    """Update the learned parameters of the likelihoods."""
    ints = view(job, INTS, WHOLE)
    blocks = grid(ints[Int.BLOCKS], ints[Int.N_BLOCKS], BLOCK, WHOLE)
    n = view(ints[Int.LAYERS], LAYER, WHOLE)[Layer.N_IN]
    for b in range(len(blocks)):
        for is_variance in range(2):
            has = blocks[b, Block.IS_LEARNED if is_variance else Block.SHAPE_COUNT]
            if has > 0:
                _free_parameter(blocks[b], is_variance, n, threads, step, scratch, ints, one)
