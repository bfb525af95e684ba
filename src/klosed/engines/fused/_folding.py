"""A decoder's first layer about the posterior's mean: what a row's samples have in common.

Samples z of one row mostly agree on which ReLUs are on. Let A be the units that are on at the mean
μ. With p = W₁ z + b₁,

    W₂ relu(p) = W₂ v + M z + c,    v = relu(p) − [A] p,    [M | c] = W₂ [A] [W₁ | b₁],

and v is zero for each unit that is as it is at the mean, on or off: products leave it out. M and c
are computed once a row and become further lines of W₂'s panels, z and 1 further inputs of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import grid, size_of, view
from klosed.engines.fused._network import aligned
from klosed.engines.fused._products import (
    INTO_PANELS,
    ROWS,
    find_living,
    multiply,
    padded,
)
from klosed.engines.fused._tables import LAYER, SCORE, WHOLE, Layer, Score

__all__ = ["difference", "fold", "lines_for", "pays", "samples_to_fold", "turned"]

Array = NDArray[Any]
_INT, _DOUBLE = np.int32(0), np.float64(0)
_SAMPLES = 4  # of a row, for each line that is added: what computing it saves
_multiply = multiply.call


def lines_for(n_components: int) -> int:
    """Return how many lines z and 1 add to the panels: whole tiles."""
    return -(-(n_components + 1) // ROWS) * ROWS


def pays(n_components: int, hidden: int) -> bool:
    """Return True if this is worth while for so many hidden units, given samples enough."""
    return 2 * lines_for(n_components) <= hidden


def samples_to_fold(n_components: int) -> int:
    """Return how many samples of a row it takes to gain anything."""
    return _SAMPLES * lines_for(n_components)


def turned(weight: Array, bias: Array) -> Array:
    """Return [W₁ | b₁]ᵀ, filled up to whole tiles of rows and whole vectors of columns."""
    hidden, k = weight.shape
    rows, columns = lines_for(k), padded(hidden, weight.itemsize)
    both = aligned(rows * columns, weight.dtype).reshape(rows, columns)
    both[:] = 0
    both[:k, :hidden], both[k, :hidden] = weight.T, bias
    return both


@part()
def fold(job: Any, row: Any, one: Any) -> None:
    """Find A for a row of the data, and write [M | c] to the panels of W₂."""
    ints, real = view(job, SCORE, WHOLE), type(one)
    layers = grid(ints[Score.LAYERS], ints[Score.N_LAYERS], LAYER, WHOLE)
    strides = view(ints[Score.STRIDES], 2, WHOLE)
    k, hidden, lines = layers[0, Layer.N_IN], layers[0, Layer.N_OUT], layers[1, Layer.N_IN]
    at, counts, work = ints[Score.MULTIPLY], ints[Score.COUNTS], ints[Score.WORK]
    z, y = layers[0, Layer.INPUT], layers[0, Layer.OUTPUT]
    mean, loc = view(z, k, one), view(ints[Score.LOC] + row * k * 8, k, _DOUBLE)
    for j in range(k):
        mean[j] = real(loc[j])
    find_living(z, strides[0], k, counts, 1, work, one)
    _multiply(at, z, strides[0], k, layers[0, Layer.WEIGHT], y, strides[1], hidden, counts, 1, work,
              one)  # fmt: skip
    p, bias = view(y, hidden, one), view(layers[0, Layer.BIAS], hidden, one)
    is_on, units, count = view(ints[Score.IS_ON], hidden, one), view(work, hidden, _INT), 0
    for j in range(hidden):
        # any A is right but an empty one: a tile's loop tests at its end
        is_in = p[j] + bias[j] > real(0) or (count == 0 and j == hidden - 1)
        is_on[j] = one if is_in else real(0)
        units[count] = j
        count += is_in
    view(counts, 1, WHOLE)[0] = count
    stride = ints[Score.TURNED_BYTES]
    for line in range(hidden, lines, ROWS):
        _multiply(
            at, ints[Score.TURNED] + (line - hidden) * stride, stride, lines,
            layers[1, Layer.WEIGHT], line, INTO_PANELS, layers[1, Layer.N_OUT], counts, 1, work,
            one,
        )  # fmt: skip


@part()
def difference(job: Any, rows: Any, one: Any) -> None:
    """Make of the first layer's products what W₂'s further lines want: v, z and 1."""
    ints, zero = view(job, SCORE, WHOLE), type(one)(0)
    layers = grid(ints[Score.LAYERS], ints[Score.N_LAYERS], LAYER, WHOLE)
    strides = view(ints[Score.STRIDES], 2, WHOLE)
    k, hidden = layers[0, Layer.N_IN], layers[0, Layer.N_OUT]
    bias, is_on = view(layers[0, Layer.BIAS], hidden, one), view(ints[Score.IS_ON], hidden, one)
    for i in range(rows):
        z = view(layers[0, Layer.INPUT] + i * strides[0], k, one)
        place = layers[0, Layer.OUTPUT] + i * strides[1]
        y = view(place, hidden, one)
        for j in range(hidden):
            p = y[j] + bias[j]
            y[j] = (p if p > zero else (zero if p <= zero else p)) - is_on[j] * p
        further = view(place + hidden * size_of(one), k + 1, one)
        for j in range(k):
            further[j] = z[j]
        further[k] = one
