"""Tiles of weights: gradient, then update, while the tile is in the cache."""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._intrinsics import grid, size_of, view
from klosed.engines.fused._likelihoods import column
from klosed.engines.fused._pieces import product
from klosed.engines.fused._split import Product, Whose, multiply, split
from klosed.engines.fused._tables import BLOCK, INTS, LAYER, WHOLE, Block, Column, Int, Layer
from klosed.engines.fused._update import update

__all__ = ["free_parameters", "tile"]

_product, _update, _sparse_gradient = product.call, update.call, sparse.gradient.call
_multiply, _split = multiply.call, split.call


@variants()
def tile(how: int) -> Any:
    """Return what does a tile of a layer: 0, 1 where its input's zeros are left out, 2 if split."""

    def tile(
        job: Any,
        number: Any,
        start: Any,
        stop: Any,
        rows: Any,
        step: Any,
        scratch: Any,
        thread: Any,
        threads: Any,
        one: Any,
    ) -> None:
        """Weight and bias gradient of some outputs of a layer, and what the rule makes of them.

        ∂loss/∂W = Gᵀ x, over the whole batch.
        """
        ints, size = view(job, INTS, WHOLE), size_of(one)
        layer = view(ints[Int.LAYERS] + number * LAYER * 8, LAYER, WHOLE)
        reals, rule = ints[Int.REALS], ints[Int.UPDATE]
        n_in, n_out, width = layer[Layer.N_IN], layer[Layer.N_OUT], stop - start
        keep = rule == 0
        if how == 1:
            # up to a whole cache line, where weights and gradients are zero: loops without a rest
            stride, whole = layer[Layer.SPARSE], sparse.padded_line(width, size)
            view(scratch, (sparse.BLOCK + sparse.LINES) * whole, one)[:] = type(one)(0)
            to = scratch + sparse.LINES * whole * size
            for p in range(0, n_in, sparse.BLOCK):
                lines, offset = min(sparse.BLOCK, n_in - p), (p * stride + start) * size
                _sparse_gradient(
                    ints[Int.SPARSE_GRADIENT], job, p, lines, start, stop, rows, to, thread,
                    threads, one,
                )  # fmt: skip
                _update(
                    rule, layer[Layer.WEIGHT] + offset, to, layer[Layer.WEIGHT_SLOT_1] + offset,
                    layer[Layer.WEIGHT_SLOT_2] + offset, whole, step, reals, lines, stride, one,
                )  # fmt: skip
        else:
            offset = start * n_in * size
            to = layer[Layer.WEIGHT_GRAD] + offset if keep else scratch
            if how == 2:
                _multiply(
                    ints[Int.MULTIPLY], job, Product.GRADIENT, number, start, stop, rows, to
                )  # fmt: skip
            else:
                _product(
                    ints[Int.PRODUCT], job, False, True, n_in, width, rows, layer[Layer.INPUT],
                    n_in, layer[Layer.DELTA] + start * size, n_out, to, n_in, one,
                )  # fmt: skip
            if not keep:
                _update(
                    rule, layer[Layer.WEIGHT] + offset, to, layer[Layer.WEIGHT_SLOT_1] + offset,
                    layer[Layer.WEIGHT_SLOT_2] + offset, width * n_in, step, reals, 1, 0, one,
                )  # fmt: skip
                if how == 2:
                    _split(ints[Int.SPLIT], job, Whose.WEIGHT, number, start, stop, 0)
        offset = start * size
        to = layer[Layer.BIAS_GRAD] + offset if keep else scratch
        total = view(to, width, one)
        total[:] = type(one)(0)
        for i in range(rows):
            grad = view(layer[Layer.DELTA] + (i * n_out + start) * size, width, one)
            for j in range(width):
                total[j] += grad[j]
        if not keep:
            _update(
                rule, layer[Layer.BIAS] + offset, to, layer[Layer.BIAS_SLOT_1] + offset,
                layer[Layer.BIAS_SLOT_2] + offset, width, step, reals, 1, 0, one,
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
            1, 0, one,
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
