"""Sets: where a distribution puts its mass, and where a parameter may lie.

Imports nothing from klosed above floor 0.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from klosed._arrays import Array, namespace, widened

__all__ = [
    "CIRCLE",
    "NONNEGATIVE",
    "NONNEGATIVE_INTEGERS",
    "POSITIVE",
    "POSITIVE_DEFINITE",
    "REAL",
    "SIMPLEX",
    "SPHERE",
    "UNIT_INTERVAL",
    "Circle",
    "Integers",
    "Interval",
    "Matrices",
    "Product",
    "Simplex",
    "Sphere",
    "Support",
]


class Support(ABC):
    """A set together with the measure that densities on it refer to."""

    event_ndim: int = 0

    @property
    def unbounded(self) -> bool:
        """True for the whole space, where nothing is outside."""
        return False

    @property
    def is_between_numbers(self) -> bool:
        """True for all the real numbers between two that are the same for the whole batch."""
        return False

    @property
    @abstractmethod
    def rule(self) -> str:
        """What an element must be, as an error message says it: "x must be {rule}"."""

    @abstractmethod
    def contains(self, x: Array) -> Array:
        """Return True for each element of the batch that lies in the set."""

    @abstractmethod
    def covers(self, other: Support) -> bool | Array:
        """Return True where mass on all of `other` is never outside this set.

        Sets of measure zero count for nothing: (0, 1) covers [0, 1], and no set of real numbers
        covers a set of integers.
        """


@dataclass(frozen=True)
class Interval(Support):
    """Real numbers between two ends; the ends may be arrays of the batch shape."""

    low: float | Array = -math.inf
    high: float | Array = math.inf
    low_closed: bool = False
    high_closed: bool = False

    @property
    def unbounded(self) -> bool:
        ends = (self.low, self.high)
        return self.is_between_numbers and ends == (-math.inf, math.inf)

    @property
    def is_between_numbers(self) -> bool:
        return isinstance(self.low, float) and isinstance(self.high, float)

    @property
    def rule(self) -> str:
        if self.unbounded:
            return "finite"
        if isinstance(self.low, float) and isinstance(self.high, float):
            if self.high == math.inf:
                return f"{'>=' if self.low_closed else '>'} {self.low:g} and finite"
            left, right = "[" if self.low_closed else "(", "]" if self.high_closed else ")"
            return f"in {left}{self.low:g}, {self.high:g}{right}"
        return "between low and high"

    def contains(self, x: Array) -> Array:
        if self.unbounded:
            return namespace(x).isfinite(x)
        above = x >= self.low if self.low_closed else x > self.low
        below = x <= self.high if self.high_closed else x < self.high
        return above & below

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, Interval):
            return False
        return _both(_ordered(self.low, other.low), _ordered(other.high, self.high))


@dataclass(frozen=True)
class Circle(Interval):
    """Angles in radians: mass lies between low and high, but any real number stands for one."""

    @property
    def unbounded(self) -> bool:
        return False

    @property
    def rule(self) -> str:
        return "finite"

    def contains(self, x: Array) -> Array:
        return namespace(x).isfinite(x)


@dataclass(frozen=True)
class Integers(Support):
    """Integers from low to high, both included; the ends may be arrays of the batch shape."""

    low: float | Array = 0.0
    high: float | Array = math.inf

    @property
    def rule(self) -> str:
        if isinstance(self.low, float) and isinstance(self.high, float):
            if self.high == math.inf:
                return f"an integer >= {self.low:g}"
            return f"an integer in [{self.low:g}, {self.high:g}]"
        return "an integer between low and high"

    def contains(self, x: Array) -> Array:
        # infinity equals its own floor
        return (x >= self.low) & (x <= self.high) & (x < math.inf) & (namespace(x).floor(x) == x)

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, Integers):
            return False
        return _both(_ordered(self.low, other.low), _ordered(other.high, self.high))


@dataclass(frozen=True)
class Simplex(Support):
    """Vectors of nonnegative numbers that sum to one, within rounding."""

    event_ndim = 1

    @property
    def rule(self) -> str:
        return "nonnegative and sum to 1 over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        slack = 1e3 * float(xp.finfo(x.dtype).eps)
        return xp.all(x >= 0, axis=-1) & (xp.abs(xp.sum(x, axis=-1) - 1.0) <= slack)

    def covers(self, other: Support) -> bool | Array:
        return isinstance(other, Simplex)


@dataclass(frozen=True)
class Sphere(Support):
    """Vectors of length one, within 6e-6 in float64 and 5e-3 in float32.

    Densities depend on the direction alone: a vector normalised in a coarser dtype is welcome.
    """

    event_ndim = 1

    @property
    def rule(self) -> str:
        return "of length 1 over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        slack = float(xp.finfo(x.dtype).eps) ** (1 / 3)
        return xp.abs(xp.sum(x * x, axis=-1) - 1.0) <= slack

    def covers(self, other: Support) -> bool | Array:
        return isinstance(other, Sphere)


@dataclass(frozen=True)
class Matrices(Support):
    """Square matrices that are symmetric positive definite, or lower triangular factors of such."""

    factor: bool = False
    event_ndim = 2

    @property
    def rule(self) -> str:
        if self.factor:
            return "lower triangular with a positive diagonal"
        return "symmetric positive definite"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        if self.factor:
            zero_above = xp.all(xp.triu(x, k=1) == 0, axis=(-2, -1))
            return zero_above & xp.all(xp.linalg.diagonal(x) > 0, axis=-1)
        x = widened(x)
        # unit diagonal first: rows of very different size would hide a small eigenvalue's sign
        diagonal = xp.linalg.diagonal(x)
        positive = xp.all((diagonal > 0) & (diagonal < math.inf), axis=-1)
        roots = xp.sqrt(xp.where(positive[..., None], diagonal, 1.0))
        scaled = x / roots[..., :, None] / roots[..., None, :]
        slack = 1e3 * float(xp.finfo(x.dtype).eps)
        asymmetry = xp.abs(scaled - xp.matrix_transpose(scaled))
        regular = positive & xp.all(asymmetry <= slack, axis=(-2, -1))
        safe = xp.where(regular[..., None, None], scaled, 0.0)
        return regular & (xp.linalg.eigvalsh(safe)[..., 0] > 0)

    def covers(self, other: Support) -> bool | Array:
        return self == other


@dataclass(frozen=True)
class Product(Support):
    """Arrays whose last `ndim` axes hold elements of `base`, each on its own."""

    base: Support
    ndim: int

    @property
    def event_ndim(self) -> int:  # type: ignore[override]
        return self.base.event_ndim + self.ndim

    @property
    def unbounded(self) -> bool:
        return self.base.unbounded

    @property
    def rule(self) -> str:
        return f"{self.base.rule} in every element"

    def contains(self, x: Array) -> Array:
        return _all_over(self.base.contains(x), self.ndim)

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, Product) or other.ndim != self.ndim:
            return False
        each = self.base.covers(other.base)
        return each if isinstance(each, bool) else _all_over(each, self.ndim)


def _ordered(a: float | Array, b: float | Array) -> bool | Array:
    # ends that are arrays are finite, so infinite ones decide without looking at values
    if isinstance(a, float) and abs(a) == math.inf:
        return _decided(a < 0 or (isinstance(b, float) and b == a))
    if isinstance(b, float) and abs(b) == math.inf:
        return _decided(b > 0)
    return _decided(a <= b) if isinstance(a, float) and isinstance(b, float) else a <= b


def _decided(condition: bool) -> bool:
    """Return a condition on numbers, which torch.compile may hold for symbols, as True or False."""
    if condition:  # noqa: SIM103  (a branch is what decides it)
        return True
    return False


def _both(a: bool | Array, b: bool | Array) -> bool | Array:
    if a is False or b is False:
        return False
    return b if a is True else a if b is True else a & b


def _all_over(each: Array, ndim: int) -> Array:
    # ends shared by the whole event come without its axes
    axes = tuple(range(-min(ndim, each.ndim), 0))
    return namespace(each).all(each, axis=axes) if axes else each


REAL = Interval()
POSITIVE = Interval(0.0)
NONNEGATIVE = Interval(0.0, low_closed=True)
UNIT_INTERVAL = Interval(0.0, 1.0)
NONNEGATIVE_INTEGERS = Integers()
SIMPLEX = Simplex()
SPHERE = Sphere()
CIRCLE = Circle(-math.pi, math.pi, low_closed=True, high_closed=True)
POSITIVE_DEFINITE = Matrices()
