"""Directions as vectors, the angle between two of them, and draws on the sphere.

Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, namespace
from klosed.distributions._parameters import Real
from klosed.distributions._sampling import as_numpy
from klosed.distributions.supports import Support
from klosed.errors import ShapeError

__all__ = ["Angle", "Direction", "at_right_angles", "draw_around", "log_sphere_area", "unit"]


class Direction(Real):
    """A direction, given as a vector of any positive length.

    Formulas see the vector and depend on it through `Angle` alone. So the gradient is that of
    the normalised vector: at right angles to it, and for unit vectors tangent to the sphere.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, event_ndim=1)

    def domain(self, name: str) -> tuple[Support, str]:
        return _NonzeroVectors(), "Only its direction counts."

    def check(self, name: str, array: Array) -> None:
        if array.ndim < 1 or array.shape[-1] < 2:
            raise ShapeError(
                f"{name} must end in (d,) with d >= 2; got shape {tuple(array.shape)}."
            )
        super().check(name, array)


@dataclass(frozen=True)
class _NonzeroVectors(Support):
    event_ndim = 1

    @property
    def rule(self) -> str:
        return "a vector whose squared length is > 0 and finite"

    def contains(self, x: Array) -> Array:
        square = namespace(x).sum(x * x, axis=-1)
        return (square > 0) & (square < math.inf)

    def covers(self, other: Support) -> bool:
        return self == other


class Angle:
    """The angle θ between vectors a and b, from their difference where they nearly agree.

    Where they point apart, b is replaced by −b, so that nothing cancels near π either.
    """

    def __init__(self, a: Array, b: Array) -> None:
        xp = namespace(a)

        def dot(x: Array, y: Array) -> Array:
            return xp.sum(x * y, axis=-1, keepdims=True)

        length_a, self._length_b = xp.sqrt(dot(a, a)), xp.sqrt(dot(b, b))
        # by a power of two, so that vectors of like length are subtracted as they are
        like_a = 2.0 ** xp.round(xp.log2(length_a / self._length_b))
        self._apart = dot(a, b) < 0
        b = xp.where(self._apart, -like_a, like_a) * b
        length_b = like_a * self._length_b
        step = a - b
        longer = dot(step, a + b) / (length_a + length_b)
        # â − b̂, with b̂ turned to the side of â
        self._chord = (step - b * (longer / length_b)) / length_a
        self._unit_a, self._unit_b, self._length_a = a / length_a, b / length_b, length_a
        self._half_square = 0.5 * dot(self._chord, self._chord)

    @property
    def one_minus_cos(self) -> Array:
        """Return 1 − cos θ."""
        h = self._half_square
        return namespace(h).where(self._apart, 2.0 - h, h)[..., 0]

    @property
    def one_plus_cos(self) -> Array:
        """Return 1 + cos θ."""
        h = self._half_square
        return namespace(h).where(self._apart, h, 2.0 - h)[..., 0]

    @property
    def slope_a(self) -> Array:
        """Return the gradient of cos θ in a, (b̂ − cos θ â)/|a|."""
        slope = self._half_square * self._unit_a - self._chord
        return namespace(slope).where(self._apart, -slope, slope) / self._length_a

    @property
    def slope_b(self) -> Array:
        """Return the gradient of cos θ in b, (â − cos θ b̂)/|b|."""
        return (self._half_square * self._unit_b + self._chord) / self._length_b


def unit(x: Array) -> Array:
    """Return the vectors along the last axis, divided by their length."""
    xp = namespace(x)
    return x / xp.sqrt(xp.sum(x * x, axis=-1, keepdims=True))


def at_right_angles(axis: Array, noise: Array) -> Array:
    """Return unit vectors at right angles to unit vectors: the directions of noise across them."""
    return unit(noise - namespace(axis).sum(noise * axis, axis=-1, keepdims=True) * axis)


def log_sphere_area(d: int) -> float:
    """Return the log of the area of the unit sphere in d dimensions, 2π^(d/2) / Γ(d/2)."""
    return math.log(2.0) + 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d)


def draw_around(
    rng: np.random.Generator,
    direction: Array,
    one_minus_cos: NDArray[np.float64],
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Draw unit vectors of the given full shape at drawn angles from a direction."""
    direction = as_numpy(direction)
    axis = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    across = rng.standard_normal(shape)
    across -= np.sum(across * axis, axis=-1, keepdims=True) * axis
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    h = one_minus_cos[..., None]
    return (1.0 - h) * axis + np.sqrt(h * (2.0 - h)) * across
