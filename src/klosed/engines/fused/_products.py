"""Products of many rows with one matrix that was put in order beforehand: Y = X Wᵀ.

A tile of Y stays in vector registers while it is added up, and inputs that are zero in every row
of the tile are left out: half the outputs of a ReLU layer are zero, and samples that belong to
one example mostly agree on which. BLAS, which orders its matrices anew at each call, can do
neither.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import njit, types
from numba.core import cgutils, config
from numba.extending import intrinsic
from numpy.typing import NDArray

from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._intrinsics import bits_of, size_of, view
from klosed.engines.fused._network import aligned
from klosed.engines.fused._tables import WHOLE

__all__ = [
    "INTO_PANELS",
    "ROWS",
    "VECTORS",
    "VECTOR_BYTES",
    "features",
    "find_living",
    "in_panels",
    "living",
    "multiply",
    "padded",
    "tile_of",
]

Array = NDArray[Any]
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def features() -> set[str]:
    """Return what the processor that is compiled for can do."""
    named = config.CPU_FEATURES  # of another processor than this one, where Numba was told so
    if named is None:
        return {name for name, there in get_host_cpu_features().items() if there}
    return {name[1:] for name in named.split(",") if name.startswith("+")}


def _shape() -> tuple[int, int]:
    """Return the bytes of a vector, and the rows of a tile: as many as registers can hold."""
    found = features()
    if "avx512f" in found:
        return 64, 8
    if platform.machine().lower() in ("aarch64", "arm64"):
        return 16, 8
    return (32, 4) if "avx" in found else (16, 4)


VECTOR_BYTES, ROWS = _shape()
VECTORS = 3  # in a row of a tile
INTO_PANELS = 0  # a stride that no product has


def padded(n: int, itemsize: int) -> int:
    """Return n, rounded up to whole vectors."""
    lanes = VECTOR_BYTES // itemsize
    return n + -n % lanes


def in_panels(weight: Array, further: int = 0) -> Array:
    """Return W of shape (n_out, n_in) as `multiply` reads it, with so many further lines of zeros.

    A panel holds what three vectors of outputs, or one at the end, take from each input in turn.
    """
    n_out, n_in = weight.shape[0], weight.shape[1] + further
    lanes = VECTOR_BYTES // weight.itemsize
    whole = np.zeros((padded(n_out, weight.itemsize), n_in), weight.dtype)
    whole[:n_out, : weight.shape[1]] = weight
    end = len(whole) // (VECTORS * lanes) * VECTORS * lanes
    panels = aligned(whole.size, weight.dtype)
    for block, outputs, first in ((whole[:end], VECTORS * lanes, 0), (whole[end:], lanes, end)):
        to = panels[first * n_in : first * n_in + block.size].reshape(-1, n_in, outputs)
        to[...] = block.reshape(-1, outputs, n_in).swapaxes(1, 2)
    return panels


def tile_of(rows: int, vectors: int) -> Any:
    """Return a function that computes `rows` rows of so many vectors of outputs.

    Y = Σ x_k p_k over the `count` inputs k whose numbers lie at the address `inputs`. What is
    known by its address has a stride in bytes: x one from row to row and a step from input to
    input, the panel one from input to input, y one from row to row.
    """

    @intrinsic
    def tile(
        typing: Any,
        x: Any,
        x_stride: Any,
        x_step: Any,
        inputs: Any,
        count: Any,
        panel: Any,
        panel_stride: Any,
        y: Any,
        y_stride: Any,
        like: Any,
    ) -> Any:
        lanes = VECTOR_BYTES // (like.bitwidth // 8)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, x_stride, x_step, inputs, count, panel, panel_stride, y, y_stride, _ = args
            real = context.get_value_type(like)
            vector = ir.VectorType(real, lanes)
            fma = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(vector, [vector] * 3),
                f"llvm.fma.v{lanes}f{like.bitwidth}",
            )
            undefined = ir.Constant(vector, ir.Undefined)
            everywhere = ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes)

            def number(value: int) -> Any:
                return ir.Constant(_I64, value)

            def place(address: Any, kind: Any, index: Any) -> Any:
                return builder.gep(builder.inttoptr(address, kind.as_pointer()), [index])

            def row(address: Any, stride: Any, r: Any) -> Any:
                return builder.add(address, builder.mul(stride, r))

            before = builder.block
            loop, after = (builder.append_basic_block(name) for name in ("tile", "tile.end"))
            sources = [row(x, x_stride, number(r)) for r in range(rows)]
            builder.branch(loop)

            builder.position_at_end(loop)
            i = builder.phi(_I64)
            i.add_incoming(number(0), before)
            sums = [builder.phi(vector) for _ in range(rows * vectors)]
            for each in sums:
                each.add_incoming(ir.Constant(vector, [0.0] * lanes), before)
            k = builder.zext(builder.load(place(inputs, _I32, i)), _I64)
            first, step = row(panel, panel_stride, k), builder.mul(k, x_step)
            weights = [
                builder.load(place(first, vector, number(v)), align=like.bitwidth // 8)
                for v in range(vectors)
            ]
            added: list[Any] = []
            for source in sources:
                one = builder.insert_element(
                    undefined,
                    builder.load(place(builder.add(source, step), real, number(0))),
                    ir.Constant(_I32, 0),
                )
                value = builder.shuffle_vector(one, undefined, everywhere)
                for weight in weights:
                    added.append(builder.call(fma, [value, weight, sums[len(added)]]))
            following = builder.add(i, number(1))
            i.add_incoming(following, loop)
            for each, total in zip(sums, added, strict=True):
                each.add_incoming(total, loop)
            builder.cbranch(builder.icmp_signed("<", following, count), loop, after)

            builder.position_at_end(after)
            for n, total in enumerate(added):
                target = row(y, y_stride, number(n // vectors))
                at = place(target, vector, number(n % vectors))
                builder.store(total, at, align=like.bitwidth // 8)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(*[whole] * 9, like), generate

    return tile


_wide_tile, _narrow_tile = tile_of(ROWS, VECTORS), tile_of(ROWS, 1)


@njit(**OPTIONS)
def living(x: Any, stride: Any, rows: Any, n: Any, to: Any, bits: Any, one: Any) -> Any:
    """Write which of n inputs are not zero in all of so many rows; return how many.

    At least one, so that a tile's loop can test at its end.
    """
    zero = bits_of(type(one)(0))
    inputs, bits = view(to, n, np.int32(0)), view(bits, n, zero)
    bits[:] = zero
    for r in range(rows):
        row = view(x + r * stride, n, zero)
        for k in range(n):
            bits[k] |= row[k]
    count = 0
    for k in range(n):
        inputs[count] = k
        count += bits[k] != zero
    return max(count, 1)


@njit(**OPTIONS)
def find_living(
    x: Any, x_stride: Any, n_in: Any, counts: Any, tiles: Any, work: Any, one: Any
) -> None:
    """List the inputs that are not zero, for so many tiles of rows.

    `work` has memory for `tiles` rows of inputs and one more, `counts` a place a tile.
    """
    counts = view(counts, tiles, WHOLE)
    for t in range(tiles):
        source, inputs = x + t * ROWS * x_stride, work + t * x_stride
        counts[t] = living(source, x_stride, ROWS, n_in, inputs, work + tiles * x_stride, one)


@part()
def multiply(
    x: Any,
    x_stride: Any,
    lines: Any,
    panels: Any,
    y: Any,
    y_stride: Any,
    n_out: Any,
    counts: Any,
    tiles: Any,
    work: Any,
    one: Any,
) -> None:
    """Write X Wᵀ to `y`, for so many tiles of rows, of the inputs that were listed for each.

    A panel has so many lines, one for each input. With a `y_stride` of INTO_PANELS the rows of the
    product become lines of the panels themselves, from line `y` on.
    """
    counts = view(counts, tiles, WHOLE)
    lanes = VECTOR_BYTES // size_of(one)
    vectors, v, size = -(-n_out // lanes), 0, size_of(one)
    while v < vectors:
        panel, is_wide = panels + v * lines * VECTOR_BYTES, v + VECTORS <= vectors
        line = VECTORS * VECTOR_BYTES if is_wide else VECTOR_BYTES
        for t in range(tiles):
            source, inputs = x + t * ROWS * x_stride, work + t * x_stride
            target, stride = y + t * ROWS * y_stride + v * VECTOR_BYTES, y_stride
            if y_stride == INTO_PANELS:
                target, stride = panel + (y + t * ROWS) * line, line
            if is_wide:
                _wide_tile(
                    source, x_stride, size, inputs, counts[t], panel, line, target, stride, one
                )
            else:
                _narrow_tile(
                    source, x_stride, size, inputs, counts[t], panel, line, target, stride, one
                )
        v += VECTORS if is_wide else 1
