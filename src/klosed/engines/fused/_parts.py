"""Which parts a network, its data and its optimizer need: their addresses, for the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import DTypeLike, NDArray

from klosed.engines.fused import _likelihoods as likelihoods
from klosed.engines.fused import _passes as passes
from klosed.engines.fused import _small_passes as small
from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._compile import Part
from klosed.engines.fused._dense import add_rows, multiply, transpose
from klosed.engines.fused._noise import draw_normal
from klosed.engines.fused._pieces import product
from klosed.engines.fused._rows import activate, gather
from klosed.engines.fused._split import multiply as multiply_terms
from klosed.engines.fused._split import split
from klosed.engines.fused._tables import (
    ACTIVATION_CODES,
    Block,
    How,
    Int,
    Kind,
    Layer,
    Rule,
    Scaled,
    Small,
    Stored,
)
from klosed.engines.fused._tiles import free_parameters, tile
from klosed.engines.fused._update import update

__all__ = [
    "set_forward",
    "set_gather",
    "set_inference",
    "set_scores",
    "set_small",
    "set_small_take",
    "set_steps",
]

Array = NDArray[Any]
_LOSS: dict[Int, Part] = {
    Int.TAKE: passes.take,
    Int.REPARAMETERIZE: passes.reparameterize,
    Int.LIKELIHOOD: passes.likelihood,
}
_PANELS: dict[Int, Part] = {Int.MULTIPLY: multiply, Int.TRANSPOSE: transpose}
_SPARSE: dict[Int, Part] = {
    Int.NOTE: sparse.note,
    Int.SPARSE_FORWARD: sparse.forward,
    Int.SPARSE_GRADIENT: sparse.gradient,
}
_SMALL: dict[Int | Small, Part] = {
    Int.THROUGH: small.through,
    Int.REPARAMETERIZE: small.reparameterize,
    Int.BACKWARD: small.backward,
    Int.DRAW_NORMAL: draw_normal,
    Int.MULTIPLY: multiply,
    Int.TRANSPOSE: transpose,
    Small.ADD_ROWS: add_rows,
}


def set_forward(layers: Array, blocks: Array, dtype: DTypeLike) -> None:
    """Write the activations, and what likelihoods do before rows pass."""
    for layer in layers:
        if layer[Layer.ACTIVATION] >= 0:
            layer[Layer.ACTIVATE] = activate.address(dtype, layer[Layer.ACTIVATION])
    _set_prepare(blocks, dtype)


def _set_prepare(blocks: Array, dtype: DTypeLike) -> None:
    for block in blocks:
        kind = block[Block.KIND]
        if kind in likelihoods.PREPARED:
            block[Block.PREPARE] = likelihoods.prepare.address(dtype, kind)


def set_scores(blocks: Array, dtype: DTypeLike) -> None:
    """Write what scores samples: −log p(x | z) without its gradient, where that is faster."""
    for block in blocks:
        kind = block[Block.KIND]
        block[Block.SCORE] = (
            likelihoods.score_bernoulli.address(dtype)
            if kind == Kind.BERNOULLI
            else likelihoods.reconstruct.address(dtype, kind)
        )


def set_gather(
    ints: Array, blocks: Array, dtype: DTypeLike, stored: Stored, scaled: Scaled, *, reads: bool
) -> None:
    """Write what takes rows of the data; with `reads` the encoder sees something else than x."""
    ints[Int.GATHER] = gather.address(dtype, stored, scaled)
    for block in blocks:
        if reads:
            block[Block.READ_ROW] = likelihoods.read.address(dtype, block[Block.READ])


def set_inference(ints: Array, layers: Array, blocks: Array, dtype: DTypeLike) -> None:
    """Write what using a model needs."""
    _set_loss(ints, layers, blocks, dtype, How.BLAS)
    ints[Int.PRODUCT] = product.address(dtype)


def _set_loss(ints: Array, layers: Array, blocks: Array, dtype: DTypeLike, how: How) -> None:
    set_forward(layers, blocks, dtype)
    ints[Int.THROUGH] = passes.through.address(dtype, how)
    for position, part in _LOSS.items():
        ints[position] = part.address(dtype)
    for block in blocks:
        block[Block.RECONSTRUCT] = likelihoods.reconstruct.address(dtype, block[Block.KIND])


def set_steps(
    ints: Array, layers: Array, blocks: Array, dtype: DTypeLike, terms: int, widths: Iterable[int]
) -> None:
    """Write what steps need, for the rule that is set.

    Matrices are split into so many terms or, if none, lie in panels: of `widths` vectors those of
    the first layer where it leaves zeros out.
    """
    how, is_sparse = How.SPLIT if terms else How.PANELS, bool(layers[0, Layer.IS_SPARSE])
    _set_loss(ints, layers, blocks, dtype, how)
    ints[Int.BACKWARD] = passes.backward.address(dtype, how)
    parts = {Int.DRAW_NORMAL: draw_normal} | (_SPARSE if is_sparse else {})
    if how == How.PANELS:
        parts |= _PANELS
    if any(block[Block.IS_LEARNED] or block[Block.SHAPE_COUNT] for block in blocks):
        parts[Int.FREE_PARAMETERS] = free_parameters
    for position, part in parts.items():
        ints[position] = part.address(dtype)
    for width in widths if is_sparse else ():
        ints[Int.SPARSE_PANEL_1 - 1 + width] = sparse.panel.address(dtype, width)
    if terms:
        ints[Int.SPLIT], ints[Int.MULTIPLY] = (
            each.address(dtype, terms) for each in (split, multiply_terms)
        )
    for layer in layers:
        layer[Layer.TILE] = tile.address(dtype, how, bool(layer[Layer.IS_SPARSE]))
    rule = ints[Int.RULE]
    ints[Int.UPDATE] = 0 if rule == Rule.KEEP else update.address(dtype, rule)


def set_small(ints: Array, layers: Array, blocks: Array, dtype: DTypeLike) -> None:
    """Write what steps of a small network need, for the rule that is set.

    Products end with a bias, and a ReLU; they leave nothing to do for the encoder's heads.
    """
    for number, layer in enumerate(layers):
        kind = layer[Layer.ACTIVATION]
        if kind >= 0 and kind != ACTIVATION_CODES["relu"] and number != ints[Int.ENCODER_HEAD]:
            layer[Layer.ACTIVATE] = activate.address(dtype, kind)
    _set_prepare(blocks, dtype)
    for position, part in _SMALL.items():
        ints[position] = part.address(dtype)
    is_gaussian = len(blocks) == 1 and blocks[0, Block.KIND] == Kind.GAUSSIAN
    for block in blocks:
        if not is_gaussian:
            kind = block[Block.KIND]
            block[Block.RECONSTRUCT] = likelihoods.reconstruct.address(dtype, kind)
    ints[Int.LIKELIHOOD] = (small.gaussian if is_gaussian else small.likelihood).address(dtype)
    ints[Int.UPDATE] = update.address(dtype, ints[Int.RULE])


def set_small_take(
    ints: Array, blocks: Array, dtype: DTypeLike, stored: Stored, scaled: Scaled
) -> None:
    """Write what takes rows of the data to a small network."""
    ints[Int.TAKE] = small.take.address(dtype, stored, scaled)
    for block in blocks:
        if block[Block.READ]:
            block[Block.READ_ROW] = likelihoods.read.address(dtype, block[Block.READ])
