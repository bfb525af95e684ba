"""The union of the sets on which the components of a mixture live. Imports nothing above special.

Sets whose ends are arrays hold one component a place of their last batch axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from klosed._arrays import Array, kind, like, namespace
from klosed.distributions._categories import CategoriesValue, ClassNumbers, VectorsOfCounts
from klosed.distributions.multinomial import CountVectors
from klosed.distributions.one_hot_categorical import OneHots
from klosed.distributions.supports import Integers, Interval, Product, Support

__all__ = ["IntegerUnion", "IntervalUnion", "union"]


@dataclass(frozen=True, kw_only=True)
class IntervalUnion(Interval):
    """The union of intervals, from the least low to the greatest high; there may be gaps."""

    members: Interval
    possible: Array

    def contains(self, x: Array) -> Array:
        return _any(self.members.contains(x[..., None]) & self.possible)

    def covers(self, other: Support) -> bool | Array:
        return _sweep(self, other, 0.0) if isinstance(other, Interval) else False


@dataclass(frozen=True, kw_only=True)
class IntegerUnion(Integers):
    """The union of ranges of integers; there may be gaps."""

    members: Integers
    possible: Array

    def contains(self, x: Array) -> Array:
        return _any(self.members.contains(x[..., None]) & self.possible)

    def covers(self, other: Support) -> bool | Array:
        # what follows an integer directly leaves no gap
        return _sweep(self, other, 1.0) if isinstance(other, Integers) else False


@dataclass(frozen=True, kw_only=True)
class CountVectorUnion(CountVectors):
    """The least face that holds all vectors of counts of the components."""

    members: CountVectors
    possible: Array

    def contains(self, x: Array) -> Array:
        return _any(self.members.contains(x[..., None, :]) & self.possible)

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, VectorsOfCounts):
            return False
        n = other.trials
        same = _any(
            (self.members.n == (n if isinstance(n, float) else n[..., None])) & self.possible
        )
        return same & replace(self.members, n=n, pi=self.pi).covers(other)


def union(members: Support, possible: Array) -> Support:
    """Return the union of the sets of all possible components.

    Exact for intervals, ranges of integers and categories. For products of such and for counts
    it is the smallest set of their kind around them all, so that a set it does not cover is
    really not covered.
    """
    return _union(members, possible, 0)


def _union(members: Support, possible: Array, ndim: int) -> Support:
    """Return the union, where ndim event axes follow the axis of components."""
    match members:
        case Product():
            return Product(_union(members.base, possible, ndim + members.ndim), members.ndim)
        case ClassNumbers():
            return replace(members, pi=_categories(members.pi, possible, ndim))
        case OneHots():
            return OneHots(_categories(members.pi, possible, ndim))
        case CountVectors():
            n = _reduce(members.n, possible, ndim, -math.inf, "max")
            pi = _categories(members.pi, possible, ndim)
            if ndim:
                return CountVectors(n, pi)
            return CountVectorUnion(n, pi, members=members, possible=possible)
        case Interval() | Integers() if not _shared(members):
            low = _reduce(members.low, possible, ndim, math.inf, "min")
            high = _reduce(members.high, possible, ndim, -math.inf, "max")
            if isinstance(members, Integers):
                if ndim:
                    return Integers(low, high)
                return IntegerUnion(low, high, members=members, possible=possible)
            ends = (low, high, members.low_closed, members.high_closed)
            if ndim:
                return Interval(*ends)
            return IntervalUnion(*ends, members=members, possible=possible)
        case _:
            return members


def _shared(members: Interval | Integers) -> bool:
    """Return True for ends that no component can have of its own."""
    return isinstance(members.low, float) and isinstance(members.high, float)


def _reduce(end: float | Array, possible: Array, ndim: int, never: float, how: str) -> Any:
    """Return the least or greatest end of the possible components."""
    if isinstance(end, float) or end.ndim <= ndim:
        return end  # shared by the components
    xp = namespace(end)
    mask = xp.reshape(possible, tuple(possible.shape) + (1,) * ndim)
    reduce: Callable[..., Array] = getattr(xp, how)
    return reduce(xp.where(mask, end, never), axis=-1 - ndim)


def _categories(pi: CategoriesValue, possible: Array, ndim: int) -> CategoriesValue:
    if pi.given.ndim <= ndim + 1:
        return pi
    xp = namespace(pi.given)
    mask = xp.reshape(possible, tuple(possible.shape) + (1,) * (ndim + 1))
    some = xp.any(pi.possible & mask, axis=-2 - ndim)
    return CategoriesValue(xp.astype(some, pi.given.dtype), given_as_logits=False)


def _sweep(p: Any, q: Any, step: float) -> Array:
    """Return True where the union p covers q, an interval or a union of such.

    Goes from the low end of each piece of q as far as pieces of p reach without a gap.
    """
    xp = namespace(p.possible)
    p_low, p_high, p_possible = _pieces(p, p)
    q_low, q_high, q_possible = _pieces(q, p)
    p_high = xp.where(p_possible, p_high, -math.inf)
    reach = q_low - step
    for _ in range(p_high.shape[-1]):
        met = p_low[..., None, :] <= reach[..., None] + step
        onward = xp.max(xp.where(met, p_high[..., None, :], -math.inf), axis=-1)
        reach = xp.maximum(reach, onward)
    return xp.all((reach >= q_high) | ~q_possible, axis=-1)


def _pieces(s: Any, beside: Any) -> list[Array]:
    """Return low, high and what is possible, of one shape, each with an axis of components."""
    xp = namespace(beside.possible)
    # a union has at least one end that is an array
    given = beside.members.low if kind(beside.members.low) else beside.members.high
    if hasattr(s, "members"):
        low, high, possible = s.members.low, s.members.high, s.possible
    else:
        low, high = (like(end, given)[..., None] for end in (s.low, s.high))
        possible = high == high
    return list(xp.broadcast_arrays(like(low, given), like(high, given), possible))


def _any(x: Array) -> Array:
    return namespace(x).any(x, axis=-1)
