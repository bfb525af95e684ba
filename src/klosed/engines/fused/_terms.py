"""Blocks of a float32 matrix, split into bfloat16 terms in the orders that AMX wants."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from klosed.engines.fused._amx import LINE, UNIT

__all__ = ["split_gradient_of", "split_input_of", "split_weight_of"]

_I16, _I32, _I64 = (ir.IntType(n) for n in (16, 32, 64))
_FLOATS = ir.VectorType(ir.FloatType(), 16)
_PAIRS = ir.VectorType(_I32, 16)  # of two bfloat16 numbers, or one float32 number's bits
_HALVES = ir.VectorType(_I16, 16)
_WHOLE = types.int64


def _all(value: int) -> Any:
    return ir.Constant(_PAIRS, [value] * 16)


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


class _Vectors:
    """Instructions on vectors of 16 float32 numbers."""

    def __init__(self, builder: Any, factor: Any) -> None:
        self.builder = builder
        self.factors = self._everywhere(factor, _FLOATS)

    def at(self, address: Any, stride: Any, number: int) -> Any:
        return self.builder.add(address, self.builder.mul(stride, _number(number)))

    def _everywhere(self, value: Any, kind: Any) -> Any:
        undefined = ir.Constant(kind, ir.Undefined)
        one = self.builder.insert_element(undefined, value, ir.Constant(_I32, 0))
        return self.builder.shuffle_vector(one, undefined, _all(0))

    def lanes_below(self, count: Any) -> Any:
        """Return the mask of the first `count` lanes: none where that is negative."""
        most = self._everywhere(self.builder.trunc(count, _I32), _PAIRS)
        return self.builder.icmp_signed("<", ir.Constant(_PAIRS, list(range(16))), most)

    def lanes_of_row(self, row: int, rows: Any, columns: Any) -> Any:
        """Return so many lanes of a row that is there, none of another."""
        is_there = self.builder.icmp_signed("<", _number(row), rows)
        return self.builder.select(is_there, columns, _number(0))

    def load(self, address: Any, mask: Any) -> Any:
        """Return the numbers at `address` times the factor, 0 where they are masked."""
        place = self.builder.inttoptr(address, _FLOATS.as_pointer())
        zeros = ir.Constant(_FLOATS, [0.0] * 16)
        found = self._memory("load.v16f32", _FLOATS, place, ir.Constant(_I32, 4), mask, zeros)
        return self.builder.fmul(found, self.factors)

    def store(self, value: Any, address: Any, mask: Any) -> None:
        place = self.builder.inttoptr(address, value.type.as_pointer())
        bits = value.type.element.width
        align = ir.Constant(_I32, bits // 8)
        self._memory(f"store.v16i{bits}", ir.VoidType(), value, place, align, mask)

    def _memory(self, name: str, result: Any, *args: Any) -> Any:
        kind = ir.FunctionType(result, [arg.type for arg in args])
        name = f"llvm.masked.{name}.p0"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, args)

    def rounded(self, x: Any) -> Any:
        """Return the nearest bfloat16 numbers, ties to even, as bits of float32 numbers."""
        b = self.builder
        bits = b.bitcast(x, _PAIRS)
        odd = b.and_(b.lshr(bits, _all(16)), _all(1))
        return b.and_(b.add(b.add(bits, _all(0x7FFF)), odd), _all(-0x10000))

    def rest(self, x: Any, bits: Any) -> Any:
        return self.builder.fsub(x, self.builder.bitcast(bits, _FLOATS))

    def halves(self, bits: Any) -> Any:
        return self.builder.trunc(self.builder.lshr(bits, _all(16)), _HALVES)

    def woven(self, first: Any, second: Any) -> Any:
        """Return pairs of two rows' numbers."""
        return self.builder.or_(self.builder.lshr(first, _all(16)), second)

    def side_by_side(self, first: Any, second: Any) -> Any:
        """Return pairs of neighbours in 32 numbers of one row."""
        words = ir.VectorType(_I16, 32)
        odd = ir.Constant(ir.VectorType(_I32, 32), list(range(1, 64, 2)))
        first, second = (self.builder.bitcast(x, words) for x in (first, second))
        return self.builder.bitcast(self.builder.shuffle_vector(first, second, odd), _PAIRS)

    def turned(self, lines: list[Any]) -> list[Any]:
        """Return the transpose of 16 lines of 16 pairs."""
        lines = list(lines)
        for distance in (8, 4, 2, 1):
            low, high = (
                ir.Constant(_PAIRS, [
                    (i & ~distance) + shift + (16 if i & distance else 0) for i in range(16)
                ])
                for shift in (0, distance)
            )  # fmt: skip
            for n in range(16):
                if not n & distance:
                    a, b = lines[n], lines[n + distance]
                    lines[n] = self.builder.shuffle_vector(a, b, low)
                    lines[n + distance] = self.builder.shuffle_vector(a, b, high)
        return lines


def split_input_of(terms: int) -> Any:
    """Return a function that splits two rows of 16 columns, into rows and pairs."""

    @intrinsic
    def split_input(
        typing: Any,
        source: Any,
        stride: Any,
        count: Any,
        columns: Any,
        factor: Any,
        rows: Any,
        row_bytes: Any,
        rows_term: Any,
        pairs: Any,
        pairs_term: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source, stride, count, columns, factor, rows, row_bytes, rows_term, *rest = args
            pairs, pairs_term = rest
            v = _Vectors(builder, factor)
            masks = [v.lanes_below(v.lanes_of_row(r, count, columns)) for r in (0, 1)]
            rests = [v.load(v.at(source, stride, r), masks[r]) for r in (0, 1)]
            for term in range(terms):
                found = [v.rounded(rest) for rest in rests]
                start = v.at(rows, rows_term, term)
                for r, bits in enumerate(found):
                    v.store(v.halves(bits), v.at(start, row_bytes, r), masks[r])
                v.store(v.woven(*found), v.at(pairs, pairs_term, term), masks[0])
                rests = [v.rest(*both) for both in zip(rests, found, strict=True)]
            return context.get_dummy_value()

        return types.void(*[_WHOLE] * 4, types.float32, *[_WHOLE] * 5), generate

    return split_input


def split_gradient_of(terms: int) -> Any:
    """Return a function that splits 32 rows of 16 columns, into rows and turned.

    `count` rows and so many columns are there; `pairs` of rows go to the turned ones.
    """

    @intrinsic
    def split_gradient(
        typing: Any,
        source: Any,
        stride: Any,
        count: Any,
        columns: Any,
        factor: Any,
        rows: Any,
        row_bytes: Any,
        rows_term: Any,
        turned: Any,
        turned_bytes: Any,
        turned_term: Any,
        pairs: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source, stride, count, columns, factor, rows, row_bytes, rows_term, *rest = args
            turned, turned_bytes, turned_term, pairs = rest
            v = _Vectors(builder, factor)
            everywhere = range(2 * UNIT)
            masks = [v.lanes_below(v.lanes_of_row(r, count, columns)) for r in everywhere]
            rests = [v.load(v.at(source, stride, r), masks[r]) for r in everywhere]
            written = v.lanes_below(pairs)
            for term in range(terms):
                found = [v.rounded(rest) for rest in rests]
                start = v.at(rows, rows_term, term)
                for r, bits in enumerate(found):
                    v.store(v.halves(bits), v.at(start, row_bytes, r), masks[r])
                start = v.at(turned, turned_term, term)
                lines = [v.woven(*found[r : r + 2]) for r in everywhere[::2]]
                for n, line in enumerate(v.turned(lines)):
                    v.store(line, v.at(start, turned_bytes, n), written)
                rests = [v.rest(*both) for both in zip(rests, found, strict=True)]
            return context.get_dummy_value()

        return types.void(*[_WHOLE] * 4, types.float32, *[_WHOLE] * 7), generate

    return split_gradient


def split_weight_of(terms: int, *, has_pairs: bool) -> Any:
    """Return a function that splits 16 rows of 32 columns, into turned and, maybe, pairs."""

    @intrinsic
    def split_weight(
        typing: Any,
        source: Any,
        stride: Any,
        count: Any,
        columns: Any,
        factor: Any,
        turned: Any,
        turned_term: Any,
        pairs: Any,
        pairs_term: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source, stride, count, columns, factor, turned, turned_term, *rest = args
            pairs, pairs_term = rest
            v = _Vectors(builder, factor)
            everywhere = ir.Constant(ir.VectorType(ir.IntType(1), 16), [1] * 16)
            rests = []
            for r in range(UNIT):
                there, row = v.lanes_of_row(r, count, columns), v.at(source, stride, r)
                for first in (0, UNIT):
                    mask = v.lanes_below(builder.sub(there, _number(first)))
                    rests.append(v.load(builder.add(row, _number(4 * first)), mask))
            for term in range(terms):
                found = [v.rounded(rest) for rest in rests]
                start = v.at(turned, turned_term, term)
                lines = [v.side_by_side(*found[n : n + 2]) for n in range(0, 2 * UNIT, 2)]
                for n, line in enumerate(v.turned(lines)):
                    v.store(line, builder.add(start, _number(2 * LINE * n)), everywhere)
                start = v.at(pairs, pairs_term, term)
                for n in range(0, 2 * UNIT, 4) if has_pairs else ():
                    for side in (0, 1):
                        line = v.woven(found[n + side], found[n + side + 2])
                        place = builder.add(start, _number((n // 2 + side) * LINE))
                        v.store(line, place, everywhere)
                rests = [v.rest(*both) for both in zip(rests, found, strict=True)]
            return context.get_dummy_value()

        return types.void(*[_WHOLE] * 4, types.float32, *[_WHOLE] * 4), generate

    return split_weight
