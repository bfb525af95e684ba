"""Products of steps: C = A B by tiles of registers.

BLAS asks for letters and pointers, chooses a kernel and packs at every call; a layer of 64 × 32
weights is done before that, and of a larger one and a hundred rows packing is a third of the work.
Here B has rows of whole vectors, and A any strides, so that the same tiles make Y = X Wᵀ of a
transposed weight, G W, and Gᵀ X.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._products import ROWS, VECTOR_BYTES, VECTORS

__all__ = [
    "MASKED",
    "PLAIN",
    "POSITIVE",
    "add_rows",
    "edge",
    "multiply",
    "padded",
    "panels_for",
    "transpose",
    "vectors_for",
    "vectors_in",
]

PLAIN, POSITIVE, MASKED = 0, 1, 2

_I32, _I64 = ir.IntType(32), ir.IntType(64)


@register_jitable(**OPTIONS)
def padded(n: Any, size: Any) -> Any:
    """Return n, rounded up to whole vectors and whole tiles of numbers of so many bytes."""
    unit = max(ROWS, VECTOR_BYTES // size)
    return -(-n // unit) * unit


@register_jitable(**OPTIONS)
def vectors_in(n: Any, size: Any) -> Any:
    """Return how many vectors a row has that is filled up."""
    return padded(n, size) * size // VECTOR_BYTES


@njit(**OPTIONS)
def vectors_for(n: Any, size: Any) -> Any:
    """Return how many vectors hold n numbers of so many bytes."""
    return -(-n * size // VECTOR_BYTES)


@register_jitable(**OPTIONS)
def panels_for(vectors: Any, most: Any) -> Any:
    """Return how many panels of at most so many vectors hold all of them."""
    return -(-vectors // most)


@register_jitable(**OPTIONS)
def edge(panel: Any, panels: Any, vectors: Any) -> Any:
    """Return the vector that a panel begins with: they are about equally wide."""
    return vectors * panel // panels


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _tile_of(rows: int, vectors: int) -> Any:
    """Return a function that computes `rows` rows of so many vectors of C.

    All strides are in bytes: A has one from row to row and one from column to column, B and C one
    from row to row. Sums begin with what stands at `start`. For `then` see `multiply`.
    """

    @intrinsic
    def tile(
        typing: Any,
        a: Any,
        a_stride: Any,
        a_step: Any,
        count: Any,
        b: Any,
        b_stride: Any,
        start: Any,
        start_stride: Any,
        c: Any,
        c_stride: Any,
        then: Any,
        mask: Any,
        like: Any,
    ) -> Any:
        lanes = VECTOR_BYTES // (like.bitwidth // 8)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, a_stride, a_step, count, b, b_stride, start, start_stride, c, c_stride = args[:10]
            then, mask = args[10:12]
            real = context.get_value_type(like)
            vector = ir.VectorType(real, lanes)
            fma = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(vector, [vector] * 3),
                f"llvm.fma.v{lanes}f{like.bitwidth}",
            )
            undefined = ir.Constant(vector, ir.Undefined)
            everywhere = ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes)

            def spread(value: Any) -> Any:
                one = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
                return builder.shuffle_vector(one, undefined, everywhere)

            def place(address: Any, kind: Any, index: int) -> Any:
                return builder.gep(builder.inttoptr(address, kind.as_pointer()), [_number(index)])

            def row(address: Any, stride: Any, r: int) -> Any:
                return builder.add(address, builder.mul(stride, _number(r)))

            def load(address: Any, v: int) -> Any:
                return builder.load(place(address, vector, v), align=VECTOR_BYTES)

            begun = [
                load(row(start, start_stride, r), v) for r in range(rows) for v in range(vectors)
            ]
            before = builder.block
            loop, after = (builder.append_basic_block(name) for name in ("tile", "tile.end"))
            offsets = [builder.mul(a_stride, _number(r)) for r in range(rows)]
            builder.branch(loop)

            builder.position_at_end(loop)
            k, source, panel = (builder.phi(_I64) for _ in range(3))
            for each, first in ((k, _number(0)), (source, a), (panel, b)):
                each.add_incoming(first, before)
            sums = [builder.phi(vector) for _ in begun]
            for each, first in zip(sums, begun, strict=True):
                each.add_incoming(first, before)
            lines = [load(panel, v) for v in range(vectors)]
            added: list[Any] = []
            for offset in offsets:
                value = spread(builder.load(place(builder.add(source, offset), real, 0)))
                for line in lines:
                    added.append(builder.call(fma, [value, line, sums[len(added)]]))
            following = builder.add(k, _number(1))
            k.add_incoming(following, loop)
            source.add_incoming(builder.add(source, a_step), loop)
            panel.add_incoming(builder.add(panel, b_stride), loop)
            for each, total in zip(sums, added, strict=True):
                each.add_incoming(total, loop)
            builder.cbranch(builder.icmp_signed("<", following, count), loop, after)

            builder.position_at_end(after)
            zero = ir.Constant(vector, [0.0] * lanes)

            def plain(total: Any, n: int) -> Any:
                return total

            def positive(total: Any, n: int) -> Any:
                return builder.select(builder.fcmp_ordered("<", total, zero), zero, total)

            def masked(total: Any, n: int) -> Any:
                other = load(row(mask, c_stride, n // vectors), n % vectors)
                return builder.select(builder.fcmp_ordered(">", other, zero), total, zero)

            ways = [builder.append_basic_block("tile.then") for _ in range(3)]
            end = builder.append_basic_block("tile.stored")
            choice = builder.switch(then, ways[0])
            for code, (way, make) in enumerate(zip(ways, (plain, positive, masked), strict=True)):
                if code:
                    choice.add_case(_number(code), way)
                builder.position_at_end(way)
                for n, total in enumerate(added):
                    target = row(c, c_stride, n // vectors)
                    at = place(target, vector, n % vectors)
                    builder.store(make(total, n), at, align=VECTOR_BYTES)
                builder.branch(end)
            builder.position_at_end(end)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12, like), generate

    return tile


_HALF = ROWS // 2
_tile_1, _tile_2, _tile_3 = (_tile_of(ROWS, vectors) for vectors in (1, 2, 3))
_half_tile_2, _half_tile_3 = (_tile_of(_HALF, vectors) for vectors in (2, 3))


@part()
def multiply(
    a: Any,
    a_stride: Any,
    a_step: Any,
    count: Any,
    b: Any,
    b_stride: Any,
    start: Any,
    start_stride: Any,
    c: Any,
    c_stride: Any,
    rows: Any,
    vectors: Any,
    then: Any,
    mask: Any,
    one: Any,
) -> None:
    """Write S + A B to C, for rows in whole or half tiles and so many vectors of columns.

    B has rows that begin so many bytes apart or, where `b_stride` is negative, lies in panels of
    −`b_stride` rows, one behind the other. S is what stands at `start`: with a stride of 0 the same
    in each row, with C itself a sum that goes on. Then POSITIVE leaves out what is not, and MASKED
    what is not where `mask` is, which lies as C does.
    """
    tile_a, tile_start, tile_c = ROWS * a_stride, ROWS * start_stride, ROWS * c_stride
    panels, first_row, stride = panels_for(vectors, VECTORS), b, b_stride
    for panel in range(panels):
        first = edge(panel, panels, vectors)
        here, far = edge(panel + 1, panels, vectors) - first, first * VECTOR_BYTES
        b = first_row + far
        if stride < 0:
            b, b_stride = first_row - stride * far, here * VECTOR_BYTES
        x, s, y, m = a, start + far, c + far, mask + far
        for row in range(0, rows, ROWS):
            is_half = row + _HALF >= rows
            if here == 3 and is_half:
                _half_tile_3(
                    x, a_stride, a_step, count, b, b_stride, s, start_stride, y, c_stride, then, m,
                    one,
                )  # fmt: skip
            elif here == 2 and is_half:
                _half_tile_2(
                    x, a_stride, a_step, count, b, b_stride, s, start_stride, y, c_stride, then, m,
                    one,
                )  # fmt: skip
            elif here == 3:
                _tile_3(
                    x, a_stride, a_step, count, b, b_stride, s, start_stride, y, c_stride, then, m,
                    one,
                )  # fmt: skip
            elif here == 2:
                _tile_2(
                    x, a_stride, a_step, count, b, b_stride, s, start_stride, y, c_stride, then, m,
                    one,
                )  # fmt: skip
            else:
                _tile_1(
                    x, a_stride, a_step, count, b, b_stride, s, start_stride, y, c_stride, then, m,
                    one,
                )  # fmt: skip
            x, s, y, m = x + tile_a, s + tile_start, y + tile_c, m + tile_c


@intrinsic
def _sum_block(typing: Any, a: Any, a_stride: Any, rows: Any, c: Any, like: Any) -> Any:
    """Add a vector of columns of rows, a multiple of four, to the one at `c`."""
    lanes = VECTOR_BYTES // (like.bitwidth // 8)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, a_stride, rows, c, _ = args
        vector = ir.VectorType(context.get_value_type(like), lanes)

        def load(at: Any) -> Any:
            return builder.load(builder.inttoptr(at, vector.as_pointer()), align=VECTOR_BYTES)

        zero, before = ir.Constant(vector, [0.0] * lanes), builder.block
        loop, after = (builder.append_basic_block(name) for name in ("sum", "sum.end"))
        first = load(c)
        builder.cbranch(builder.icmp_signed(">", rows, _number(0)), loop, after)
        builder.position_at_end(loop)
        place, left = builder.phi(_I64), builder.phi(_I64)
        place.add_incoming(a, before)
        left.add_incoming(rows, before)
        sums = [builder.phi(vector) for _ in range(4)]
        added, at = [], place
        for n, total in enumerate(sums):
            total.add_incoming(zero if n else first, before)
            added.append(builder.fadd(total, load(at)))
            at = builder.add(at, a_stride)
        fewer = builder.sub(left, _number(4))
        place.add_incoming(at, loop)
        left.add_incoming(fewer, loop)
        for each, total in zip(sums, added, strict=True):
            each.add_incoming(total, loop)
        total = builder.fadd(builder.fadd(*added[:2]), builder.fadd(*added[2:]))
        builder.cbranch(builder.icmp_signed(">", fewer, _number(0)), loop, after)
        builder.position_at_end(after)
        found = builder.phi(vector)
        found.add_incoming(first, before)
        found.add_incoming(total, loop)
        builder.store(found, builder.inttoptr(c, vector.as_pointer()), align=VECTOR_BYTES)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4, like), generate


@part()
def add_rows(a: Any, a_stride: Any, rows: Any, vectors: Any, c: Any, one: Any) -> None:
    """Add rows of so many vectors to the one row at `c`."""
    whole, n = rows - rows % 4, VECTOR_BYTES // size_of(one)
    for v in range(vectors):
        place, to = a + v * VECTOR_BYTES, c + v * VECTOR_BYTES
        _sum_block(place, a_stride, whole, to, one)
        total = view(to, n, one)
        for i in range(whole, rows):
            row = view(place + i * a_stride, n, one)
            for j in range(n):
                total[j] += row[j]


@intrinsic
def _transpose_block(typing: Any, a: Any, a_stride: Any, c: Any, c_stride: Any, like: Any) -> Any:
    """Write the transpose of a square of as many rows as a vector has lanes."""
    lanes = VECTOR_BYTES // (like.bitwidth // 8)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, a_stride, c, c_stride, _ = args
        vector = ir.VectorType(context.get_value_type(like), lanes)

        def place(address: Any, stride: Any, r: int) -> Any:
            at = builder.add(address, builder.mul(stride, _number(r)))
            return builder.inttoptr(at, vector.as_pointer())

        rows = [builder.load(place(a, a_stride, r), align=VECTOR_BYTES) for r in range(lanes)]
        half = lanes // 2
        # each round takes turns between the elements of rows i and i + half
        low, high = (
            ir.Constant(
                ir.VectorType(_I32, lanes),
                [first + i // 2 + (lanes if i % 2 else 0) for i in range(lanes)],
            )
            for first in (0, half)
        )
        for _ in range(lanes.bit_length() - 1):
            rows = [
                builder.shuffle_vector(rows[i], rows[i + half], mask)
                for i in range(half)
                for mask in (low, high)
            ]
        for r, row in enumerate(rows):
            builder.store(row, place(c, c_stride, r), align=VECTOR_BYTES)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4, like), generate


@part()
def transpose(
    a: Any, a_stride: Any, rows: Any, vectors: Any, c: Any, c_stride: Any, one: Any
) -> None:
    """Write Aᵀ of whole squares: rows and columns are padded to whole vectors."""
    lanes = VECTOR_BYTES // size_of(one)
    for i in range(0, rows, lanes):
        for v in range(vectors):
            _transpose_block(
                a + i * a_stride + v * VECTOR_BYTES, a_stride,
                c + v * lanes * c_stride + i * size_of(one), c_stride, one,
            )  # fmt: skip
