"""Products of matrices that are split into bfloat16 terms, and the memory where those lie.

Every matrix is split once, when it comes into being, in the orders in which it is multiplied: in
rows; in pairs, two rows woven into one and 32 columns to a panel; turned, its transpose, in the
order that the product wants. A product takes its first factor in rows and its second in pairs:

    Y = X Wᵀ    X in rows, W turned into pairs
    ∂X = G W    G in rows, W in pairs
    ∂W = Gᵀ X   G turned into rows, X in pairs

Bytes of pictures are whole numbers up to 255, which bfloat16 has: they are one term, exactly, and
the weight takes the scale.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klosed.engines.fused._amx import (
    COLUMNS,
    DEPTH,
    LINE,
    UNIT,
    block_of,
    clear_tiles,
    memory,
    set_tiles,
)
from klosed.engines.fused._compile import OPTIONS, variants
from klosed.engines.fused._intrinsics import float_of, view
from klosed.engines.fused._network import address, aligned
from klosed.engines.fused._tables import INTS, WHOLE, Int, Layer
from klosed.engines.fused._terms import split_gradient_of, split_input_of, split_weight_of

__all__ = ["Product", "SplitWorkspace", "Whose", "multiply", "split"]

Array = NDArray[Any]
# x − (its nearest bfloat16 number) must stay what it says
_EXACT: Any = {name: option for name, option in OPTIONS.items() if name != "fastmath"}
_SINGLE = np.float32(0)


class Split(IntEnum):
    """Columns of the table of split layers: sizes, factors, addresses.

    Behind the address of a split matrix follow the bytes from one term to the next.
    """

    N_IN = 0
    N_OUT = 1
    IS_EXACT = 2  # whether X is one term
    X_FACTOR = 3  # bits of a float32; W, and G for W's gradient, take the inverse
    W_FACTOR = 4
    X = 5
    G = 6
    W = 7
    Y = 8
    X_ROWS = 9
    X_PAIRS = 11
    G_ROWS = 13
    G_TURNED = 15
    W_TURNED = 17
    W_PAIRS = 19  # none of the first layer: the data need no gradient
    BATCH = 21  # rows that there is place for
    SIZE = 22


class Whose(IntEnum):
    """Which matrix of a layer is split."""

    INPUT = 0
    GRADIENT = 1
    WEIGHT = 2


class Product(IntEnum):
    """Which product of a layer is computed."""

    FORWARD = 0
    BACKWARD = 1
    GRADIENT = 2


def _whole(n: int) -> int:
    return n + -n % DEPTH


class SplitWorkspace:
    """The memory of split matrices, and the table that says where they lie.

    `scale` makes whole numbers below 256 of the first layer's input; None if nothing does.
    """

    def __init__(self, layers: Array, batch: int, terms: int, scale: float | None) -> None:
        self.table = np.zeros((len(layers), Split.SIZE), np.int64)
        self._kept: list[Array] = []
        rows = _whole(batch)
        for number, (row, layer) in enumerate(zip(self.table, layers, strict=True)):
            n_in, n_out = int(layer[Layer.N_IN]), int(layer[Layer.N_OUT])
            is_exact = number == 0 and scale is not None
            factor = np.float32(scale if is_exact else 1)
            row[[Split.N_IN, Split.N_OUT, Split.BATCH]] = n_in, n_out, rows
            row[Split.IS_EXACT] = is_exact
            row[Split.X_FACTOR] = factor.view(np.int32)
            row[Split.W_FACTOR] = np.float32(1 / factor).view(np.int32)
            row[[Split.X, Split.Y]] = layer[[Layer.INPUT, Layer.OUTPUT]]
            row[[Split.G, Split.W]] = layer[[Layer.DELTA, Layer.WEIGHT]]
            x, g = rows * _whole(n_in), rows * _whole(n_out)
            w, x_terms = _whole(n_in) * _whole(n_out), 1 if is_exact else terms
            self._place(row, {Split.X_ROWS: x, Split.X_PAIRS: x}, x_terms)
            self._place(row, {Split.G_ROWS: g, Split.G_TURNED: g, Split.W_TURNED: w}, terms)
            if number > 0:
                self._place(row, {Split.W_PAIRS: w}, terms)

    def _place(self, row: Array, sizes: dict[Split, int], terms: int) -> None:
        for position, size in sizes.items():
            self._kept.append(aligned(size * terms, np.int16))
            self._kept[-1][:] = 0  # what lies beyond an edge must not be infinite
            row[position], row[position + 1] = address(self._kept[-1]), 2 * size


@njit(**_EXACT)
def _layer(job: Any, number: Any) -> Any:
    splits = view(job, INTS, WHOLE)[Int.SPLITS]
    return view(splits + number * Split.SIZE * 8, Split.SIZE, WHOLE)


@variants(reals=0, options=_EXACT)
def split(terms: int) -> Any:
    """Return what splits a matrix into so many terms."""
    split_input, split_exact = split_input_of(terms), split_input_of(1)
    split_gradient = split_gradient_of(terms)
    split_weight, split_first = (split_weight_of(terms, has_pairs=has) for has in (True, False))

    def split(job: Any, whose: Any, number: Any, start: Any, stop: Any, count: Any) -> None:
        """Split rows of the matrix of layer `number`; a batch has `count` rows.

        The first row is even, of weights a multiple of UNIT. Whoever has the last row of a batch
        sees to it that those up to the next multiple of DEPTH add nothing to sums over the batch.
        """
        layer = _layer(job, number)
        n_in, n_out, batch = layer[Split.N_IN], layer[Split.N_OUT], layer[Split.BATCH]
        wide_in, wide_out = n_in + -n_in % DEPTH, n_out + -n_out % DEPTH
        w_factor = float_of(np.int32(layer[Split.W_FACTOR]))
        if whose == Whose.INPUT:
            factor, is_exact = float_of(np.int32(layer[Split.X_FACTOR])), layer[Split.IS_EXACT]
            for r in range(start, stop, 2):
                for j in range(0, n_in, UNIT):
                    panel = layer[Split.X_PAIRS] + j // COLUMNS * batch * LINE
                    args = (
                        layer[Split.X] + 4 * (r * n_in + j), 4 * n_in, stop - r,
                        min(UNIT, n_in - j), factor, layer[Split.X_ROWS] + 2 * (r * wide_in + j),
                        2 * wide_in, layer[Split.X_ROWS + 1],
                        panel + r * LINE + j % COLUMNS * 4, layer[Split.X_PAIRS + 1],
                    )  # fmt: skip
                    if is_exact:
                        split_exact(*args)
                    else:
                        split_input(*args)
        elif whose == Whose.GRADIENT:
            end = count + -count % DEPTH if stop == count else stop
            for j in range(0, n_out, UNIT):
                for r in range(start, end, 2 * UNIT):
                    split_gradient(
                        layer[Split.G] + 4 * (r * n_out + j), 4 * n_out, stop - r,
                        min(UNIT, n_out - j), w_factor,
                        layer[Split.G_ROWS] + 2 * (r * wide_out + j), 2 * wide_out,
                        layer[Split.G_ROWS + 1], layer[Split.G_TURNED] + 2 * (j * batch + r),
                        2 * batch, layer[Split.G_TURNED + 1], (end + 1 - r) // 2,
                    )  # fmt: skip
        else:
            for r in range(start, stop, UNIT):
                panel = layer[Split.W_TURNED] + r // COLUMNS * wide_in * LINE
                for j in range(0, n_in, COLUMNS):
                    weight = (
                        layer[Split.W] + 4 * (r * n_in + j), 4 * n_in, stop - r, n_in - j,
                        w_factor, panel + j * LINE + r % COLUMNS * 4, layer[Split.W_TURNED + 1],
                        layer[Split.W_PAIRS] + (j // COLUMNS * wide_out + r) * LINE,
                        layer[Split.W_PAIRS + 1],
                    )  # fmt: skip
                    if number == 0:
                        split_first(*weight)
                    else:
                        split_weight(*weight)

    return split


def _product_of(a_terms: int, b_terms: int) -> Any:
    large, flat, high, small = (
        block_of(tall, wide, a_terms, b_terms) for tall, wide in ((2, 2), (1, 2), (2, 1), (1, 1))
    )

    @njit(**_EXACT)
    def product(
        a: Any, a_stride: Any, a_term: Any, rows: Any, b: Any, panel: Any, b_term: Any,
        columns: Any, steps: Any, c: Any, c_stride: Any, edge: Any,
    ) -> None:  # fmt: skip
        """Compute C = A B; a block that reaches beyond an edge of C by way of the memory `edge`."""
        for j in range(0, columns, COLUMNS):
            wide = 2 if j + UNIT < columns else 1
            source = b + j // COLUMNS * panel
            for i in range(0, rows, 2 * UNIT):
                tall = 2 if i + UNIT < rows else 1
                height, width = min(tall * UNIT, rows - i), min(wide * UNIT, columns - j)
                is_whole = height == tall * UNIT and width == wide * UNIT
                place, x = c + i * c_stride + 4 * j, a + i * a_stride
                to, stride = (place, c_stride) if is_whole else (edge, 2 * LINE)
                if tall == 2:
                    if wide == 2:
                        large(x, a_stride, a_term, source, b_term, steps, to, stride)
                    else:
                        high(x, a_stride, a_term, source, b_term, steps, to, stride)
                elif wide == 2:
                    flat(x, a_stride, a_term, source, b_term, steps, to, stride)
                else:
                    small(x, a_stride, a_term, source, b_term, steps, to, stride)
                for r in range(0 if is_whole else height):
                    line = view(place + r * c_stride, width, _SINGLE)
                    computed = view(edge + r * 2 * LINE, width, _SINGLE)
                    for k in range(width):
                        line[k] = computed[k]

    return product


@variants(reals=0, options=_EXACT)
def multiply(terms: int) -> Any:
    """Return what multiplies matrices of so many terms."""
    general, of_exact, by_exact = (
        _product_of(*both) for both in ((terms, terms), (1, terms), (terms, 1))
    )

    def multiply(
        job: Any, which: Any, number: Any, start: Any, stop: Any, count: Any, to: Any
    ) -> None:
        """Compute a product of layer `number`; C's row `start` lies at `to`.

        Rows of the batch from `start` to `stop`; of a weight's gradient, its rows, over all `count`
        of the batch.
        """
        layer = _layer(job, number)
        n_in, n_out, batch = layer[Split.N_IN], layer[Split.N_OUT], layer[Split.BATCH]
        wide_in, wide_out = n_in + -n_in % DEPTH, n_out + -n_out % DEPTH
        place, rows = memory(), stop - start
        set_tiles(place)
        edge, is_exact = place + LINE, layer[Split.IS_EXACT]
        if which == Product.FORWARD:
            args = (
                layer[Split.X_ROWS] + start * 2 * wide_in, 2 * wide_in, layer[Split.X_ROWS + 1],
                rows, layer[Split.W_TURNED], wide_in * LINE, layer[Split.W_TURNED + 1], n_out,
                wide_in // DEPTH, to, 4 * n_out, edge,
            )  # fmt: skip
            if is_exact:
                of_exact(*args)
            else:
                general(*args)
        elif which == Product.BACKWARD:
            general(
                layer[Split.G_ROWS] + start * 2 * wide_out, 2 * wide_out, layer[Split.G_ROWS + 1],
                rows, layer[Split.W_PAIRS], wide_out * LINE, layer[Split.W_PAIRS + 1], n_in,
                wide_out // DEPTH, to, 4 * n_in, edge,
            )  # fmt: skip
        else:
            args = (
                layer[Split.G_TURNED] + start * 2 * batch, 2 * batch, layer[Split.G_TURNED + 1],
                rows, layer[Split.X_PAIRS], batch * LINE, layer[Split.X_PAIRS + 1], n_in,
                -(-count // DEPTH), to, 4 * n_in, edge,
            )  # fmt: skip
            if is_exact:
                by_exact(*args)
            else:
                general(*args)
        clear_tiles()

    return multiply
