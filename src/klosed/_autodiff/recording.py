"""Arrays without numbers that keep what is done to them. Floor 0: imports nothing.

A formula called on them once leaves a list of operations, equal ones once, that can be repeated on
any numbers. What needs numbers (a branch on values, a matrix product) raises `Unrecordable`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Node", "Recorded", "Recording", "Unrecordable"]

Shape = tuple[int, ...]

# As many take longer to record than a walk over numbers takes.
_MOST_NODES = 4000
# Not the larger of two, which of two zeros is the first.
_COMMUTATIVE = frozenset((np.add, np.multiply))


class Unrecordable(Exception):  # noqa: N818  (the caller then takes another way)
    """What a formula does takes numbers, or is unknown here."""


class Node(NamedTuple):
    """One operation, or an "input" or a "constant", which have an `array`.

    `wide` values have a number for each number of an event, others one for each event.
    """

    name: str
    operands: tuple[int, ...]
    dtype: np.dtype[Any]
    wide: bool
    array: NDArray[Any] | None = None


class Recording:
    """The operations of a formula on `size` events of `width` numbers of one dtype."""

    def __init__(self, dtype: np.dtype[Any], size: int, width: int) -> None:
        self.dtype, self.size, self.width = dtype, size, width
        self.nodes: list[Node] = []
        self._known: dict[Any, int] = {}
        self.namespace = _Namespace(self)

    def input(self, array: NDArray[Any], event: Shape) -> Recorded:
        """Return an argument: one number for all, those of one event, or those of every event."""
        if not array.ndim:
            return self.constant(array)
        node = Node("input", (), array.dtype, bool(event), array)
        return self._keep((array.ctypes.data, array.shape), node, array.shape)

    def constant(self, value: Any, dtype: Any = None) -> Recorded:
        """Return one number for all."""
        array = np.asarray(value, dtype=dtype or self.dtype)
        if array.ndim:
            raise Unrecordable("an array without a record")
        node = Node("constant", (), array.dtype, wide=False, array=array)
        return self._keep((array.dtype, array.tobytes()), node, ())

    def call(self, ufunc: np.ufunc, *given: Any) -> Recorded:
        """Return what a function of NumPy makes of each number."""
        operands = [v if type(v) is Recorded else self._plain(v) for v in given]
        name, dtype = _loop(ufunc, *[v.dtype.char for v in operands])
        if all(v.node.name == "constant" for v in operands):
            with np.errstate(all="ignore"):
                return self.constant(ufunc(*(v.node.array for v in operands)), dtype)
        if ufunc in _COMMUTATIVE and operands[0].index > operands[1].index:
            operands.reverse()
        return self.made(name, dtype, *operands)

    def _plain(self, value: Any) -> Recorded:
        return self.constant(value, np.bool_ if isinstance(value, bool) else None)

    def select(self, condition: Any, a: Any, b: Any) -> Recorded:
        """Return a where the condition holds, else b."""
        if not isinstance(condition, Recorded):
            condition = self.constant(condition, np.bool_)
        a, b = (v if isinstance(v, Recorded) else self.constant(v) for v in (a, b))
        if (condition.dtype, a.dtype, b.dtype) != (np.bool_, self.dtype, self.dtype):
            raise Unrecordable("a choice between other than numbers")
        known = condition.node.array
        if known is not None or a.index == b.index:
            chosen = a if known is None or bool(known) else b
            return chosen.shaped(np.broadcast_shapes(condition.shape, a.shape, b.shape))
        return self.made(f"select {self.dtype.char}", self.dtype, condition, a, b)

    def reduce(self, ufunc: np.ufunc, first: Any, x: Recorded, axis: Any, keep: bool) -> Recorded:
        """Return a reduction over the numbers of an event, from `first` on."""
        if axis not in (-1, x.ndim - 1, (-1,)) or not x.node.wide:
            raise Unrecordable(f"{ufunc.__name__} over other than an event")
        start = self.constant(first, x.dtype)
        name, _ = _loop(ufunc, x.dtype.char, x.dtype.char)
        made = self.made(f"reduce {name}", x.dtype, start, x, wide=False)
        return made.shaped((*x.shape[:-1], 1) if keep else x.shape[:-1])

    def made(
        self, name: str, dtype: np.dtype[Any], *operands: Recorded, wide: bool | None = None
    ) -> Recorded:
        """Return the result of one operation on recorded arrays."""
        shape = operands[0].shape
        for v in operands[1:]:
            if v.shape != shape and v.shape:
                shape = np.broadcast_shapes(shape, v.shape) if shape else v.shape
        indices = tuple([v.index for v in operands])
        if wide is None:
            wide = any(v.node.wide for v in operands)
        return self._keep(indices, Node(name, indices, dtype, wide), shape)

    def _keep(self, key: Any, node: Node, shape: Shape) -> Recorded:
        index = self._known.setdefault((node.name, key), len(self.nodes))
        if index == len(self.nodes):
            if index >= _MOST_NODES:
                raise Unrecordable("too long")
            self.nodes.append(node)
        return Recorded(self, index, shape)


def _forward(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda self, *others: self.recording.call(ufunc, self, *others)


def _backward(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda self, other: self.recording.call(ufunc, other, self)


class Recorded:
    """An array without numbers: a place in a recording."""

    __slots__ = ("dtype", "index", "node", "recording", "shape")
    __array_ufunc__ = None  # numbers of NumPy leave their operators to this class
    device = None

    def __init__(self, recording: Recording, index: int, shape: Shape) -> None:
        self.recording, self.index, self.shape = recording, index, shape
        self.node = recording.nodes[index]
        self.dtype = self.node.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def shaped(self, shape: Shape) -> Recorded:
        """Return the same in another shape, to which it broadcasts or from which ones are left."""
        return Recorded(self.recording, self.index, shape)

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return self.recording.namespace

    def __pow__(self, exponent: Any) -> Recorded:
        square = isinstance(exponent, (int, float)) and exponent == 2
        return self * self if square else self.recording.call(np.power, self, exponent)

    def __getitem__(self, key: Any) -> Recorded:
        if key == (..., None) and not self.node.wide:
            return self.shaped((*self.shape, 1))
        if key == (..., 0) and not self.node.wide and self.shape[-1:] == (1,):
            return self.shaped(self.shape[:-1])
        return self._refuse()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise Unrecordable("numbers are asked for")

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __array__ = _refuse
    __add__, __radd__ = _forward(np.add), _backward(np.add)
    __sub__, __rsub__ = _forward(np.subtract), _backward(np.subtract)
    __mul__, __rmul__ = _forward(np.multiply), _backward(np.multiply)
    __truediv__, __rtruediv__ = _forward(np.divide), _backward(np.divide)
    __and__, __rand__ = _forward(np.bitwise_and), _backward(np.bitwise_and)
    __or__, __ror__ = _forward(np.bitwise_or), _backward(np.bitwise_or)
    __lt__, __le__, __gt__, __ge__ = map(
        _forward, (np.less, np.less_equal, np.greater, np.greater_equal)
    )
    __eq__, __ne__ = _forward(np.equal), _forward(np.not_equal)
    __neg__, __abs__, __invert__ = map(_forward, (np.negative, np.absolute, np.invert))
    __hash__ = None  # type: ignore[assignment]


class _Namespace:
    """What of the array API can be recorded."""

    __name__ = "recording"

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.where, self.asarray = recording.select, self._as_array
        self.finfo, self.isdtype = np.finfo, np.isdtype
        reductions = {
            "sum": (np.add, 0.0), "max": (np.maximum, -np.inf), "min": (np.minimum, np.inf),
            "any": (np.logical_or, False), "all": (np.logical_and, True),
        }  # fmt: skip
        for name, (ufunc, first) in reductions.items():
            setattr(self, name, partial(self._reduced, ufunc, first))

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name, None)
        if isinstance(found, np.ufunc):
            return partial(self._recording.call, found)
        if isinstance(found, type) and issubclass(found, np.generic):
            return found
        raise Unrecordable(name)

    def _as_array(self, value: Any, dtype: Any = None, device: Any = None) -> Recorded:
        return value if isinstance(value, Recorded) else self._recording.constant(value, dtype)

    def _reduced(
        self, ufunc: np.ufunc, first: Any, x: Recorded, axis: Any = None, keepdims: bool = False
    ) -> Recorded:
        return self._recording.reduce(ufunc, first, x, axis, keepdims)

    def astype(self, x: Recorded, dtype: Any) -> Recorded:
        if x.dtype == dtype:
            return x
        if x.dtype != np.bool_ or dtype != self._recording.dtype:
            raise Unrecordable(f"{x.dtype} as {dtype}")
        return self._recording.select(x, 1.0, 0.0)

    def full_like(self, x: Recorded, value: Any) -> Recorded:
        return self._recording.constant(value, x.dtype).shaped(x.shape)

    def zeros_like(self, x: Recorded) -> Recorded:
        return self.full_like(x, 0.0)

    def ones_like(self, x: Recorded) -> Recorded:
        return self.full_like(x, 1.0)

    def clip(self, x: Recorded, min: Any = None, max: Any = None) -> Recorded:
        x = x if min is None else self._recording.call(np.maximum, x, min)
        return x if max is None else self._recording.call(np.minimum, x, max)

    def broadcast_to(self, x: Recorded, shape: Shape) -> Recorded:
        np.broadcast_shapes(x.shape, shape)
        return x.shaped(tuple(shape))

    def broadcast_arrays(self, *arrays: Recorded) -> list[Recorded]:
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
        return [x.shaped(shape) for x in arrays]

    def reshape(self, x: Recorded, shape: Shape) -> Recorded:
        ones_apart = [n for n in shape if n != 1] == [n for n in x.shape if n != 1]
        if tuple(shape) != x.shape and (x.node.wide or not ones_apart):
            raise Unrecordable("another shape")
        return x.shaped(tuple(shape))

    def argmax(self, x: Recorded, axis: Any = None, keepdims: bool = False) -> Recorded:
        top = self.max(x, axis=axis, keepdims=keepdims)
        name = f"argmax {x.dtype.char}"
        return self._recording.made(name, np.dtype(np.int64), top, x, wide=False).shaped(top.shape)

    def take_along_axis(self, x: Recorded, where: Recorded, axis: int = -1) -> Recorded:
        if axis != -1 or where.shape[-1:] != (1,) or where.dtype != np.int64:
            raise Unrecordable("more than one number of an event")
        made = self._recording.made(f"take {x.dtype.char}", x.dtype, where, x, wide=False)
        return made.shaped((*x.shape[:-1], 1))


@cache
def _loop(ufunc: np.ufunc, *codes: str) -> tuple[str, np.dtype[Any]]:
    """Return what a ufunc is called for operands of these dtypes, and what comes out."""
    for types in ufunc.types:
        if types.startswith(f"{''.join(codes)}->") and ufunc.nout == 1 and len(codes) <= 2:
            return f"{ufunc.__name__} {types}", np.dtype(types[-1])
    raise Unrecordable(f"{ufunc.__name__} of {codes}")
