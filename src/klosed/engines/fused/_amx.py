"""Products of matrices of bfloat16 numbers, with sums in float32, by AMX.

AMX multiplies tiles of 16 × 32 and 32 × 16 numbers. A float32 number is the sum of three bfloat16
numbers, its terms, each at most 2⁻⁸ of the one before (Henry, Tang and Heinecke 2019,
doi:10.1109/ARITH.2019.00019). Of a product of two sums those products of terms count that are as
large as the first times the last: six for three terms, three for two.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from klosed.engines.fused._products import features

__all__ = [
    "COLUMNS",
    "DEPTH",
    "LINE",
    "UNIT",
    "block_of",
    "clear_tiles",
    "has_amx",
    "memory",
    "set_tiles",
]

UNIT = 16  # rows, or columns, of a tile of results
COLUMNS = 32  # of a panel of the second factor
DEPTH = 32  # products that one instruction adds up
LINE = 64  # bytes of DEPTH bfloat16 numbers, or of UNIT results
_REQUEST_PERMISSION, _TILE_DATA, _SYSCALL = 0x1023, 18, 158
_I8, _I64 = ir.IntType(8), ir.IntType(64)
_POINTER = _I8.as_pointer()


@cache
def has_amx() -> bool:
    """Return True if this process may use AMX for bfloat16 numbers.

    Linux keeps the tiles of a thread only for processes that asked for it, as this one then does.
    """
    wanted = {"amx-bf16", "amx-tile", "avx512f", "avx512bw", "avx512vl"}
    if platform.system() != "Linux" or not wanted <= features():
        return False
    permitted: int = ctypes.CDLL(None).syscall(_SYSCALL, _REQUEST_PERMISSION, _TILE_DATA)
    return permitted == 0


def _counted(a_terms: int, b_terms: int) -> list[tuple[int, int]]:
    """Return the pairs of terms whose products count, so ordered that one factor often stays."""
    most, found = max(a_terms, b_terms), []
    for i in range(a_terms):
        of_one = [(i, j) for j in range(b_terms) if i + j < most]
        found += of_one if i % 2 else of_one[::-1]
    return found


def _call(builder: Any, name: str, *args: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}")
    builder.call(function, args)


def _tile(number: int) -> Any:
    return ir.Constant(_I8, number)


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def block_of(tall: int, wide: int, a_terms: int, b_terms: int) -> Any:
    """Return a function that computes C = A B for a block of tall × wide tiles of results.

    Rows of A lie a stride apart; B lies in pairs of rows, 64 bytes for 16 columns of both, 128 from
    one pair to the next. The terms of each lie a stride apart, too. `steps` times DEPTH products.
    """

    @intrinsic
    def block(
        typing: Any,
        a: Any,
        a_stride: Any,
        a_term: Any,
        b: Any,
        b_term: Any,
        steps: Any,
        c: Any,
        c_stride: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, a_stride, a_term, b, b_term, steps, c, c_stride = args

            def at(address: Any, stride: Any, number: int) -> Any:
                return builder.add(address, builder.mul(stride, _number(number)))

            def move(how: str, tile: int, address: Any, stride: Any) -> None:
                _call(builder, how, _tile(tile), builder.inttoptr(address, _POINTER), stride)

            for t in range(tall):
                for w in range(wide):
                    _call(builder, "tilezero", _tile(2 * t + w))
            before = builder.block
            loop, after = (builder.append_basic_block(name) for name in ("step", "step.end"))
            builder.branch(loop)
            builder.position_at_end(loop)
            k = builder.phi(_I64)
            k.add_incoming(_number(0), before)
            a_k = builder.add(a, builder.mul(k, _number(LINE)))
            b_k = builder.add(b, builder.mul(k, _number(DEPTH * LINE)))
            last: tuple[int, int] = (-1, -1)
            for i, j in _counted(a_terms, b_terms):
                for t in range(tall) if i != last[0] else ():
                    move("tileloadd64", 4 + t, at(at(a_k, a_term, i), a_stride, UNIT * t), a_stride)
                for w in range(wide) if j != last[1] else ():
                    place = builder.add(at(b_k, b_term, j), _number(w * LINE))
                    move("tileloadd64", 6 + w, place, _number(2 * LINE))
                last = i, j
                for t in range(tall):
                    for w in range(wide):
                        _call(builder, "tdpbf16ps", _tile(2 * t + w), _tile(4 + t), _tile(6 + w))
            following = builder.add(k, _number(1))
            k.add_incoming(following, builder.block)
            builder.cbranch(builder.icmp_signed("<", following, steps), loop, after)
            builder.position_at_end(after)
            for t in range(tall):
                for w in range(wide):
                    place = builder.add(at(c, c_stride, UNIT * t), _number(w * LINE))
                    move("tilestored64", 2 * t + w, place, c_stride)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 8), generate

    return block


@intrinsic
def memory(typing: Any) -> Any:
    """Return the address of memory on this function's stack: a line, and a block of results."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.ArrayType(_I8, LINE + 2 * UNIT * 2 * LINE))
        place.align = LINE
        return builder.ptrtoint(place, _I64)

    return types.int64(), generate


@intrinsic
def set_tiles(typing: Any, address: Any) -> Any:
    """Make all tiles of this thread 16 rows of 64 bytes; needs a line of memory."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], _POINTER)
        palette, bytes_, rows = [1] + [0] * 15, [LINE, 0] * 8 + [0] * 16, [UNIT] * 8 + [0] * 8
        shapes = ir.Constant(ir.ArrayType(_I8, LINE), bytearray(palette + bytes_ + rows))
        builder.store(shapes, builder.bitcast(place, shapes.type.as_pointer()))
        _call(builder, "ldtilecfg", place)
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def clear_tiles(typing: Any) -> Any:
    """Leave the tiles, so that the system need not keep them."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _call(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), generate
