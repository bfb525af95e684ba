"""Probabilities of categories along the last axis, given as probs or as logits.

Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, clip, namespace, readable
from klosed.distributions._parameters import Parameter
from klosed.distributions._sampling import as_numpy
from klosed.distributions._sizes import product
from klosed.distributions.supports import Integers, Support
from klosed.errors import ShapeError

__all__ = [
    "Categories",
    "CategoriesValue",
    "ClassNumbers",
    "VectorsOfCounts",
    "covers_categories",
    "draw_class_numbers",
    "grad_entropy",
    "log_total",
    "total",
]

# Stands for a logit of −inf: no number with a weight is near it, and differences stay finite.
_NEVER = -1e30


class Categories(Parameter):
    """Probabilities of categories, given as probs or as logits; either is normalised here.

    A category may be impossible: its probs 0, its logit −inf. Formulas see a `CategoriesValue`
    and state their gradient both in logits and in probs.
    """

    names = ("probs", "logits")
    key = "logits"
    event_ndim = 1

    def domain(self, name: str) -> tuple[Support, str]:
        return (_Weights(), "") if name == "probs" else (_Scores(), "")

    def bind(self, name: str, array: Array) -> CategoriesValue:
        return CategoriesValue(array, given_as_logits=name == "logits")

    def read(self, name: str, bound: CategoriesValue) -> Array:
        if (name == "logits") == bound.given_as_logits:
            return bound.given
        return bound.value if name == "probs" else bound.log

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return gradient / array if name == "probs" else gradient

    def check(self, name: str, array: Array) -> None:
        if array.ndim == 0 or array.shape[-1] == 0:
            raise ShapeError(
                f"{name} must have a last axis of at least one category; "
                f"got shape {tuple(array.shape)}."
            )
        super().check(name, readable(array))


class CategoriesValue:
    """Probabilities πᵢ = given / Σ given, or exp(given) / Σ exp(given)."""

    def __init__(self, given: Array, given_as_logits: bool) -> None:
        self.given, self.given_as_logits = given, given_as_logits

    @property
    def size(self) -> int:
        """Return the number of categories."""
        return int(self.given.shape[-1])

    @property
    def possible(self) -> Array:
        """Return True for each category that may occur."""
        return self.given > (-math.inf if self.given_as_logits else 0.0)

    @property
    def value(self) -> Array:
        """Return the normalised probabilities."""
        weights = self.weights
        return weights / total(weights)

    @property
    def weights(self) -> Array:
        """Return the probabilities times a number that keeps them in range."""
        xp = namespace(self.given)
        if self.given_as_logits:
            return xp.exp(self.given - xp.max(self.given, axis=-1, keepdims=True))
        return self.given

    @property
    def log(self) -> Array:
        """Return the normalised log-probabilities."""
        xp = namespace(self.given)
        if not self.given_as_logits:
            return xp.log(self.value)
        shifted = self.given - xp.max(self.given, axis=-1, keepdims=True)
        return shifted - xp.log(total(xp.exp(shifted)))

    @property
    def scores(self) -> Array:
        """Return finite logits, in which a very low one stands for −inf."""
        xp = namespace(self.given)
        given = self.given if self.given_as_logits else xp.log(self.given)
        return clip(given, _NEVER)

    def at(self, x: Array) -> Array:
        """Return log π at class numbers x, which have no axis of categories."""
        hit = self.hits(x)
        xp = namespace(hit)
        return xp.sum(xp.where(hit, self.log, 0.0), axis=-1)

    def hits(self, x: Array) -> Array:
        """Return x == 0 … size − 1 on a new last axis."""
        xp = namespace(x)
        return x[..., None] == xp.arange(self.size, dtype=x.dtype)

    @property
    def entropy(self) -> Array:
        """Return −Σ π log π."""
        return namespace(self.given).sum(product(self.value, 0.0 - self.log), axis=-1)


def grad_entropy(pi: CategoriesValue) -> dict[str, Callable[[], Array]]:
    """Return the gradient of the entropy, stated in logits and in probs."""

    def deviation() -> Array:
        return -(pi.log + pi.entropy[..., None])

    return {
        "logits": lambda: product(pi.value, deviation()),
        "probs": lambda: deviation() / total(pi.given),
    }


def draw_class_numbers(
    rng: np.random.Generator, pi: CategoriesValue, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Draw class numbers by inverting the cumulative probabilities."""
    ends = np.cumsum(as_numpy(pi.weights), axis=-1)
    u = rng.random(shape)[..., None] * ends[..., -1:]
    # an impossible category has no width, so that no u < its end falls into it
    return np.sum(u >= ends, axis=-1)


@dataclass(frozen=True)
class ClassNumbers(Integers):
    """The class numbers 0 … high that are possible under `pi`."""

    pi: CategoriesValue = field(kw_only=True)

    def contains(self, x: Array) -> Array:
        return namespace(x).any(self.pi.hits(x) & self.pi.possible, axis=-1)

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, ClassNumbers) or other.high != self.high:
            return super().covers(other)
        return covers_categories(self.pi, other.pi)


class VectorsOfCounts(Support):
    """Vectors of counts that sum to `trials`, all in categories possible under `pi`."""

    pi: CategoriesValue
    event_ndim = 1

    @property
    @abstractmethod
    def trials(self) -> float | Array:
        """What the counts sum to."""

    def covers(self, other: Support) -> bool | Array:
        if not isinstance(other, VectorsOfCounts):
            return False
        possible = covers_categories(self.pi, other.pi)
        return (self.trials == other.trials) & ((self.trials == 0.0) | possible)


def covers_categories(p: CategoriesValue, q: CategoriesValue) -> Array:
    """Return True where every category possible under q is possible under p."""
    xp = namespace(p.given)
    if not (p.given_as_logits and q.given_as_logits):
        return xp.all(p.possible | ~q.possible, axis=-1)
    # a − b, where b = −inf counts as a huge number and a = −inf stays: three cheap passes
    return xp.max(q.given - clip(p.given, 1e5 * _NEVER), axis=-1) < -1e4 * _NEVER


def total(x: Array) -> Array:
    """Return the sum over the last axis, which stays with length one."""
    return namespace(x).sum(x, axis=-1, keepdims=True)


def log_total(x: Array) -> Array:
    """Return log Σ exp over the last axis, which stays; −inf where every x is −inf."""
    xp = namespace(x)
    top = xp.max(x, axis=-1, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0.0)
    return top + xp.log(total(xp.exp(x - top)))


class _Weights(Support):
    """Nonnegative finite numbers of positive sum over the last axis."""

    event_ndim = 1

    @property
    def rule(self) -> str:
        return "nonnegative and finite, with a positive sum over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        high = xp.max(x, axis=-1)
        return (xp.min(x, axis=-1) >= 0.0) & (high > 0.0) & (high < math.inf)

    def covers(self, other: Support) -> bool | Array:
        return isinstance(other, _Weights)


class _Scores(Support):
    """Numbers below infinity, not all −inf over the last axis."""

    event_ndim = 1

    @property
    def rule(self) -> str:
        return "below inf, and not all of them -inf over the last axis"

    def contains(self, x: Array) -> Array:
        return namespace(x).isfinite(namespace(x).max(x, axis=-1))

    def covers(self, other: Support) -> bool | Array:
        return isinstance(other, _Scores)
