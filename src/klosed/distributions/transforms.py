"""Invertible maps of the line, as data. Imports nothing from klosed above special.

A transform has no array parameters, so that two of them can be compared while a graph is traced.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace, quietly
from klosed.distributions.supports import POSITIVE, REAL, UNIT_INTERVAL, Interval
from klosed.errors import ParameterError
from klosed.special import log_ratio, log_sigmoid, logexpm1, sigmoid, softplus

__all__ = [
    "AffineTransform",
    "ComposeTransform",
    "ExpTransform",
    "PowerTransform",
    "SigmoidTransform",
    "SoftplusTransform",
    "TanhTransform",
    "Transform",
]


class Transform(ABC):
    """A strictly monotone, differentiable map y = T(x) of an open interval onto another."""

    domain: Interval = REAL
    range: Interval = REAL
    increasing: bool = True

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """Return y = T(x)."""

    @abstractmethod
    def inverse(self, y: Array) -> Array:
        """Return x with T(x) = y."""

    @abstractmethod
    def log_slope(self, x: Array) -> Array:
        """Return log |T′(x)|."""

    @abstractmethod
    def grad_log_slope(self, x: Array) -> Array | float:
        """Return the derivative of log |T′| at x."""

    def constant_log_slope(self) -> float | None:
        """Return log |T′| where it is the same everywhere, else None."""
        return None

    def slope(self, x: Array) -> Array:
        """Return T′(x)."""
        size = namespace(x).exp(self.log_slope(x))
        return size if self.increasing else -size

    def image(self, interval: Interval) -> Interval:
        """Return the interval onto which an interval of the domain is mapped."""
        low, high = self._end(interval.low), self._end(interval.high)
        if self.increasing:
            return Interval(low, high, interval.low_closed, interval.high_closed)
        return Interval(high, low, interval.high_closed, interval.low_closed)

    def _end(self, end: Any) -> Any:
        if not isinstance(end, float):
            return self.forward(end)
        # the usual ends are known without arrays, which torch.compile could not trace here
        if end == self.domain.low:
            return self.range.low if self.increasing else self.range.high
        if end == self.domain.high:
            return self.range.high if self.increasing else self.range.low
        with quietly():
            return float(self.forward(np.asarray(end)))


@dataclass(frozen=True)
class ExpTransform(Transform):
    """y = exp(x)."""

    range = POSITIVE

    def forward(self, x: Array) -> Array:
        return namespace(x).exp(x)

    def inverse(self, y: Array) -> Array:
        return namespace(y).log(y)

    def log_slope(self, x: Array) -> Array:
        return x

    def grad_log_slope(self, x: Array) -> float:
        return 1.0


@dataclass(frozen=True)
class SigmoidTransform(Transform):
    """y = 1/(1 + exp(−x))."""

    range = UNIT_INTERVAL

    def forward(self, x: Array) -> Array:
        return sigmoid(x)

    def inverse(self, y: Array) -> Array:
        return log_ratio(y, 1.0 - y, 2.0 * (y - 0.5))

    def log_slope(self, x: Array) -> Array:
        return log_sigmoid(x) + log_sigmoid(-x)

    def grad_log_slope(self, x: Array) -> Array:
        return -namespace(x).tanh(0.5 * x)


@dataclass(frozen=True)
class TanhTransform(Transform):
    """y = tanh(x)."""

    range = Interval(-1.0, 1.0)

    def forward(self, x: Array) -> Array:
        return namespace(x).tanh(x)

    def inverse(self, y: Array) -> Array:
        return namespace(y).atanh(y)

    def log_slope(self, x: Array) -> Array:
        return log_sigmoid(2.0 * x) + log_sigmoid(-2.0 * x) + math.log(4.0)

    def grad_log_slope(self, x: Array) -> Array:
        return -2.0 * namespace(x).tanh(x)


@dataclass(frozen=True)
class SoftplusTransform(Transform):
    """y = log(1 + exp(x))."""

    range = POSITIVE

    def forward(self, x: Array) -> Array:
        return softplus(x)

    def inverse(self, y: Array) -> Array:
        return logexpm1(y)

    def log_slope(self, x: Array) -> Array:
        return log_sigmoid(x)

    def grad_log_slope(self, x: Array) -> Array:
        return sigmoid(-x)


@dataclass(frozen=True)
class PowerTransform(Transform):
    """y = x ** exponent for x > 0.

    Parameters
    ----------
    exponent : float
        Any number but 0.
    """

    exponent: float
    domain = POSITIVE
    range = POSITIVE

    def __post_init__(self) -> None:
        _check_plain("exponent", self.exponent)

    @property
    def increasing(self) -> bool:  # type: ignore[override]
        return self.exponent > 0

    def forward(self, x: Array) -> Array:
        return x**self.exponent

    def inverse(self, y: Array) -> Array:
        return y ** (1.0 / self.exponent)

    def log_slope(self, x: Array) -> Array:
        return math.log(abs(self.exponent)) + (self.exponent - 1.0) * namespace(x).log(x)

    def grad_log_slope(self, x: Array) -> Array:
        return (self.exponent - 1.0) / x


@dataclass(frozen=True)
class AffineTransform(Transform):
    """y = loc + scale · x.

    Parameters
    ----------
    loc : float
        Any number.
    scale : float
        Any number but 0.
    """

    loc: float
    scale: float

    def __post_init__(self) -> None:
        _check_plain("loc", self.loc, zero=True)
        _check_plain("scale", self.scale)

    @property
    def increasing(self) -> bool:  # type: ignore[override]
        return self.scale > 0

    def forward(self, x: Array) -> Array:
        return self.loc + self.scale * x

    def inverse(self, y: Array) -> Array:
        return (y - self.loc) / self.scale

    def log_slope(self, x: Array) -> Array:
        return namespace(x).full_like(x, self.constant_log_slope())

    def grad_log_slope(self, x: Array) -> float:
        return 0.0

    def constant_log_slope(self) -> float:
        return math.log(abs(self.scale))


@dataclass(frozen=True)
class ComposeTransform(Transform):
    """One transform after the other, the first in `parts` first.

    Parameters
    ----------
    parts : sequence of Transform
        Each maps into the domain of the next.
    """

    parts: tuple[Transform, ...]

    def __post_init__(self) -> None:
        if isinstance(self.parts, Sequence):
            object.__setattr__(self, "parts", tuple(self.parts))
        if (
            not isinstance(self.parts, tuple)
            or not self.parts
            or not all(isinstance(part, Transform) for part in self.parts)
        ):
            raise ParameterError(
                f"parts must be one or more transforms; got {self.parts!r}. Compose transforms of "
                "klosed.distributions.transforms."
            )
        for first, second in zip(self.parts, self.parts[1:], strict=False):
            if second.domain.covers(first.range) is not True:
                raise ParameterError(
                    f"each of parts must map into the domain of the next; {first!r} gives numbers "
                    f"{first.range.rule}, {second!r} takes numbers {second.domain.rule}. Put an "
                    "ExpTransform or an AffineTransform between them."
                )

    @property
    def domain(self) -> Interval:  # type: ignore[override]
        return self.parts[0].domain

    @property
    def range(self) -> Interval:  # type: ignore[override]
        return self.image(self.domain)

    @property
    def increasing(self) -> bool:  # type: ignore[override]
        return sum(not part.increasing for part in self.parts) % 2 == 0

    def forward(self, x: Array) -> Array:
        for part in self.parts:
            x = part.forward(x)
        return x

    def _end(self, end: Any) -> Any:
        for part in self.parts:
            end = part._end(end)
        return end

    def inverse(self, y: Array) -> Array:
        for part in reversed(self.parts):
            y = part.inverse(y)
        return y

    def log_slope(self, x: Array) -> Array:
        total = namespace(x).zeros_like(x)
        for part in self.parts:
            total, x = total + part.log_slope(x), part.forward(x)
        return total

    def grad_log_slope(self, x: Array) -> Array:
        total, slope = namespace(x).zeros_like(x), namespace(x).ones_like(x)
        for part in self.parts:
            total = total + slope * part.grad_log_slope(x)
            slope, x = slope * part.slope(x), part.forward(x)
        return total

    def constant_log_slope(self) -> float | None:
        slopes = [part.constant_log_slope() for part in self.parts]
        return None if None in slopes else sum(slope or 0.0 for slope in slopes)


def _check_plain(name: str, value: Any, *, zero: bool = False) -> None:
    plain = isinstance(value, (int, float)) and math.isfinite(value)
    if not plain or (value == 0 and not zero):
        rule = "a finite number" if zero else "a finite number other than 0"
        raise ParameterError(
            f"{name} must be {rule}; got {value!r}. Parameters that are arrays belong to the base "
            "distribution."
        )
