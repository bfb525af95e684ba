"""Whole numbers at an address: the tables that compiled code walks.

They could be Numba's arrays, as other numbers are, but it takes several times as long to compile
what these do. Here is a pointer and a count, and no index is negative.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

__all__ = ["wholes_at"]

_I64 = ir.IntType(64)
_WHOLE = types.int64


class _Wholes(types.Type):  # type: ignore[misc]
    """So many whole numbers or, of a table, rows of them."""

    def __init__(self, *, has_rows: bool) -> None:
        self.has_rows = has_rows
        super().__init__(name="klosed rows of wholes" if has_rows else "klosed wholes")


_NUMBERS, _ROWS = _Wholes(has_rows=False), _Wholes(has_rows=True)


@register_model(_Wholes)
class _Model(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        members = [("data", types.CPointer(_WHOLE)), ("count", _WHOLE)]
        super().__init__(manager, kind, members + [("columns", _WHOLE)] * kind.has_rows)


def wholes_at(*sizes: Any) -> tuple[Any, Any]:
    """Return what an intrinsic of address, sizes and an example returns: numbers, or rows."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = builder.inttoptr(args[0], _I64.as_pointer())
        return cgutils.pack_struct(builder, [data, *args[1:-1]])

    kind = _ROWS if len(sizes) > 1 else _NUMBERS
    return kind(_WHOLE, *[_WHOLE] * len(sizes), _WHOLE), generate


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        of, index = args
        if not isinstance(of, _Wholes) or isinstance(index, types.SliceType):
            return None
        is_row = of.has_rows and not isinstance(index, types.BaseTuple)
        return signature(_NUMBERS if is_row else _WHOLE, of, index)


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(types.none, *args[:2], _WHOLE) if args[0] == _NUMBERS else None


@infer_global(len)
class _Length(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(_WHOLE, *args) if isinstance(args[0], _Wholes) else None


def _wide(builder: Any, index: Any, kind: Any) -> Any:
    """Return an index as 64 bits."""
    if index.type.width == _I64.width:
        return index
    return (builder.sext if getattr(kind, "signed", True) else builder.zext)(index, _I64)


def _place(builder: Any, kinds: Any, of: Any, index: Any) -> Any:
    """Return the address of a number, or of the first one of a row."""
    kind, index_kind = kinds[:2]
    data = builder.extract_value(of, 0)
    if not kind.has_rows:
        return builder.gep(data, [_wide(builder, index, index_kind)])
    columns = builder.extract_value(of, 2)
    if not isinstance(index_kind, types.BaseTuple):
        return builder.gep(data, [builder.mul(_wide(builder, index, index_kind), columns)])
    row, column = (
        _wide(builder, builder.extract_value(index, i), each) for i, each in enumerate(index_kind)
    )
    return builder.gep(data, [builder.add(builder.mul(row, columns), column)])


@lower_builtin(operator.getitem, _Wholes, types.Any)
def _get(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    place = _place(builder, signature.args, *args)
    if signature.return_type == _NUMBERS:
        return cgutils.pack_struct(builder, [place, builder.extract_value(args[0], 2)])
    return builder.load(place)


@lower_builtin(operator.setitem, _Wholes, types.Any, types.Any)
def _set(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    builder.store(args[2], _place(builder, signature.args, *args[:2]))
    return context.get_dummy_value()


@lower_builtin(operator.setitem, _Wholes, types.SliceType, types.Any)
def _fill(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Write one number to some places, none beyond the last."""
    of, part, value = args
    bounds = context.make_helper(builder, signature.args[1], part)
    data, count = (builder.extract_value(of, i) for i in (0, 1))
    is_within = builder.icmp_signed("<", bounds.stop, count)
    stop = builder.select(is_within, bounds.stop, count)
    with cgutils.for_range_slice(builder, bounds.start, stop, _I64(1)) as (i, _):
        builder.store(value, builder.gep(data, [i]))
    return context.get_dummy_value()


@lower_builtin(len, _Wholes)
def _length(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return builder.extract_value(args[0], 1)
