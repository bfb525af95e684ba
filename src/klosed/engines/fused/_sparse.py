"""The first layer where most of the data are zero, as pictures are: its products leave zeros out.

Y = X Wᵀ needs, of W, the columns of inputs that are not zero; ∂W = Gᵀ X, of G, the rows for which
an input is not zero. Rows of X are taken four at a time on the way through, columns four at a time
on the way back, with the inputs, or rows, that are not zero in all four. W lies in panels, as
other layers' weights do, of more vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klosed.engines.fused._compile import OPTIONS, part, variants
from klosed.engines.fused._dense import edge, padded, panels_for, vectors_in
from klosed.engines.fused._intrinsics import bits_of, size_of, view
from klosed.engines.fused._products import ROWS, VECTOR_BYTES, VECTORS, living, tile_of
from klosed.engines.fused._tables import INTS, LAYER, WHOLE, Int, Layer
from klosed.engines.fused._team import outputs_of

__all__ = [
    "BLOCK",
    "LINES",
    "WIDE",
    "forward",
    "gradient",
    "list_numbers",
    "may_pay",
    "note",
    "panel",
    "pays",
    "place_of",
]

Array = NDArray[Any]
LINES = 4  # of a tile
BLOCK = 64  # inputs whose gradient is computed, then used
WIDE = ROWS * VECTORS // LINES  # vectors of a panel
_INT = np.int32(0)
_INT_BYTES = 4
_ROWS_LOOKED_AT = 1024
_MOST_LIVING = 0.5  # of the inputs of a tile; with more the plain products are faster


def may_pay(n_in: int, hidden: int) -> bool:
    """Return True if there are data for which leaving out zeros is worth while."""
    return hidden > 0 and n_in >= BLOCK


def pays(x: Array, n_out: int, threads: int) -> bool:
    """Return True if leaving out the zeros of rows x is worth while for so many outputs.

    The share that counts is that of tiles: four rows, or four columns, with one that is not zero.
    """
    if n_out // threads < VECTOR_BYTES // 4 or x.shape[1] < BLOCK:
        return False
    some = x[:: max(1, len(x) // _ROWS_LOOKED_AT)][:_ROWS_LOOKED_AT] != 0
    rows, columns = (n - n % LINES for n in some.shape)
    by_rows = some[:rows].reshape(-1, LINES, some.shape[1]).any(axis=1)
    by_columns = some[:, :columns].reshape(len(some), -1, LINES).any(axis=2)
    return rows > 0 and max(by_rows.mean(), by_columns.mean()) <= _MOST_LIVING


def list_numbers(batch: int, n_in: int) -> int:
    """Return how many int32 a thread has for lists.

    The inputs of each tile of its rows and their counts; the rows that it noted for each tile of
    columns and their counts, which other threads read; and a list of one tile's rows.
    """
    tiles = -(-n_in // LINES)
    own = (batch // LINES + 1) * (n_in + 1) + tiles * (1 + batch) + batch
    return own + -own % 16


@njit(**OPTIONS)
def _own(thread: Any, n_in: Any, ints: Any) -> Any:
    """Return the addresses of a thread's lists: inputs, counts, noted rows, counts, rows."""
    batch = ints[Int.BATCH]
    tiles, most = -(-n_in // LINES), batch // LINES + 1
    inputs = ints[Int.LISTS] + thread * ints[Int.LISTS_BYTES]
    counts = inputs + most * n_in * _INT_BYTES
    noted = counts + most * _INT_BYTES
    noted_counts = noted + tiles * batch * _INT_BYTES
    return inputs, counts, noted, noted_counts, noted_counts + tiles * _INT_BYTES


@variants()
def panel(vectors: int) -> Any:
    """Return what computes a tile of so many vectors."""
    tile = tile_of(LINES, vectors)

    def panel(
        x: Any,
        x_stride: Any,
        x_step: Any,
        inputs: Any,
        count: Any,
        weight: Any,
        stride: Any,
        y: Any,
        y_stride: Any,
        one: Any,
    ) -> None:
        tile(x, x_stride, x_step, inputs, count, weight, stride, y, y_stride, one)

    return panel


_panel = panel.call


@part()
def forward(
    job: Any,
    start: Any,
    rows: Any,
    owner: Any,
    thread: Any,
    scratch: Any,
    one: Any,
) -> None:
    """Write X Wᵀ for rows from `start` on and the outputs of the thread `owner`."""
    ints = view(job, INTS, WHOLE)
    layer = view(ints[Int.LAYERS], LAYER, WHOLE)
    n_in, size = layer[Layer.N_IN], size_of(one)
    first, end = outputs_of(owner, ints[Int.SHARES], 0, layer[Layer.N_OUT], size)
    x_stride, y_stride, vectors = (
        layer[Layer.X_BYTES],
        layer[Layer.Y_BYTES],
        vectors_in(end - first, size),
    )
    x = layer[Layer.INPUT] + start * x_stride
    y = layer[Layer.OUTPUT] + start * y_stride + first * size
    weight = layer[Layer.WEIGHT] + owner * layer[Layer.SHARE_BYTES]
    lists, counts, _, _, _ = _own(thread, n_in, ints)
    tiles, lines, panels = -(-rows // LINES), padded(n_in, size), panels_for(vectors, WIDE)
    count = view(counts, tiles, _INT)
    for t in range(tiles):
        source, inputs = x + t * LINES * x_stride, lists + t * n_in * _INT_BYTES
        count[t] = living(source, x_stride, LINES, n_in, inputs, scratch, one)
    # a panel of the weight stays in the cache while all rows pass
    for p in range(panels):
        at = edge(p, panels, vectors)
        here = edge(p + 1, panels, vectors) - at
        for t in range(tiles):
            _panel(
                ints[Int.SPARSE_PANEL_1 - 1 + here], x + t * LINES * x_stride, x_stride, size,
                lists + t * n_in * _INT_BYTES, count[t], weight + at * lines * VECTOR_BYTES,
                here * VECTOR_BYTES, y + t * LINES * y_stride + at * VECTOR_BYTES, y_stride, one,
            )  # fmt: skip


@part()
def note(job: Any, start: Any, stop: Any, thread: Any, one: Any) -> None:
    """Note this thread's rows for the tiles of columns in which they are not zero."""
    ints = view(job, INTS, WHOLE)
    layer = view(ints[Int.LAYERS], LAYER, WHOLE)
    n_in, batch = layer[Layer.N_IN], ints[Int.BATCH]
    tiles = -(-n_in // LINES)
    zero = bits_of(type(one)(0))
    _, _, noted, counts, _ = _own(thread, n_in, ints)
    count, lists = view(counts, tiles, _INT), view(noted, tiles * batch, _INT)
    count[:] = _INT
    for i in range(start, stop):
        row = view(layer[Layer.INPUT] + i * layer[Layer.X_BYTES], n_in, zero)
        for t in range(tiles):
            p = min(t * LINES, n_in - LINES)
            lists[t * batch + count[t]] = i
            count[t] += (row[p] | row[p + 1] | row[p + 2] | row[p + 3]) != zero


@njit(**OPTIONS)
def place_of(first: Any, line: Any) -> Any:
    """Return where the first line of a panel of gradient lies, in bytes."""
    return (BLOCK + LINES) * first * VECTOR_BYTES + LINES * line


@part()
def gradient(
    job: Any,
    first_input: Any,
    inputs: Any,
    start: Any,
    vectors: Any,
    rows: Any,
    to: Any,
    thread: Any,
    threads: Any,
    one: Any,
) -> None:
    """Write ∂loss/∂Wᵀ = Xᵀ G of some inputs and the outputs from `start` on, in panels, to `to`.

    The last tile may begin before the first input: up to LINES − 1 lines before each panel are
    written.
    """
    ints = view(job, INTS, WHOLE)
    layer = view(ints[Int.LAYERS], LAYER, WHOLE)
    n_in, batch, size = layer[Layer.N_IN], ints[Int.BATCH], size_of(one)
    tiles, panels = -(-n_in // LINES), panels_for(vectors, WIDE)
    grad = layer[Layer.DELTA] + start * size
    _, _, _, _, list_ = _own(thread, n_in, ints)
    merged = view(list_, batch, _INT)
    for t in range(first_input // LINES, -(-(first_input + inputs) // LINES)):
        p, count = min(t * LINES, n_in - LINES), 0
        merged[0] = 0
        for other in range(threads):
            _, _, noted, counts, _ = _own(other, n_in, ints)
            of_other = view(noted + t * batch * _INT_BYTES, batch, _INT)
            for i in range(view(counts, tiles, _INT)[t]):
                merged[count] = of_other[i]
                count += 1
        for panel in range(panels):
            at = edge(panel, panels, vectors)
            here = edge(panel + 1, panels, vectors) - at
            line = here * VECTOR_BYTES
            _panel(
                ints[Int.SPARSE_PANEL_1 - 1 + here], layer[Layer.INPUT] + p * size, size,
                layer[Layer.X_BYTES], list_, max(count, 1), grad + at * VECTOR_BYTES,
                layer[Layer.Y_BYTES], to + place_of(at, line) + (p - first_input) * line, line, one,
            )  # fmt: skip
