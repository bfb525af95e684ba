"""Parameters as they were given: their names, their domains, and how gradients reach them.

A formula is written once, in one set of coordinates; this file turns `scale`, `log_scale`,
`variance` … into protected differences and turns gradients back. Imports nothing above special.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from klosed._arrays import Array, check_domain, is_tracing, namespace
from klosed.distributions.supports import POSITIVE, REAL, Support
from klosed.special import log_ratio, phi_ratio, psi, two_log

__all__ = ["Parameter", "Positive", "PositiveValue", "Ratio", "Real"]


class Parameter(ABC):
    """One parameter of a family, which the caller may give by any one of several names.

    Attributes
    ----------
    names : tuple of str
        The names it may be given by; the first is the usual one.
    key : str
        The coordinate in which formulas state their gradient.
    event_ndim : int
        Number of trailing axes that belong to one distribution of the batch.
    """

    names: tuple[str, ...]
    key: str
    event_ndim: int = 0

    @abstractmethod
    def domain(self, name: str) -> tuple[Support, str]:
        """Return where `name` must lie, and what to do if it does not."""

    @abstractmethod
    def bind(self, name: str, array: Array) -> Any:
        """Return what formulas compute with."""

    @abstractmethod
    def read(self, name: str, bound: Any) -> Array:
        """Return the bound parameter under any of its names."""

    @abstractmethod
    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        """Turn a gradient in `key` into the gradient in `name`."""

    def check(self, name: str, array: Array) -> None:
        """Raise ParameterError where the array leaves its domain; nothing while tracing."""
        if is_tracing(array):
            return
        support, advice = self.domain(name)
        between = support.is_between_numbers
        check_domain(name, array, support.contains, support.rule, advice, ends_decide=between)


class Real(Parameter):
    """Any real number, given by one name; formulas see the array itself."""

    def __init__(self, name: str, event_ndim: int = 0) -> None:
        self.names = (name,)
        self.key = name
        self.event_ndim = event_ndim

    def domain(self, name: str) -> tuple[Support, str]:
        return REAL, ""

    def bind(self, name: str, array: Array) -> Array:
        return array

    def read(self, name: str, bound: Array) -> Array:
        return bound

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return gradient


class Positive(Parameter):
    """A positive number σ, given as itself, as a power of itself, or as the log of either.

    `Positive("scale", variance=2)` accepts scale, variance = scale², log_scale, log_variance.
    Formulas see a `PositiveValue` and state their gradient in log_scale.
    """

    def __init__(self, name: str, **powers: float) -> None:
        self._exponents = {name: 1.0} | {n: 1.0 / p for n, p in powers.items()}
        self.names = (*self._exponents, *(f"log_{n}" for n in self._exponents))
        self.key = f"log_{name}"

    def domain(self, name: str) -> tuple[Support, str]:
        if name in self._exponents:
            return POSITIVE, f"Use log_{name} for an unconstrained parameter."
        return REAL, ""

    def bind(self, name: str, array: Array) -> PositiveValue:
        given_as_log = name not in self._exponents
        return PositiveValue(array, self._exponents[name.removeprefix("log_")], given_as_log)

    def read(self, name: str, bound: PositiveValue) -> Array:
        exponent = self._exponents[name.removeprefix("log_")]
        if exponent == bound.exponent and (name in self._exponents) != bound.given_as_log:
            return bound.given
        if name in self._exponents:
            return bound.value if exponent == 1.0 else bound.value ** (1.0 / exponent)
        return bound.log / exponent

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        exponent = self._exponents[name.removeprefix("log_")]
        scaled = gradient if exponent == 1.0 else exponent * gradient
        # dividing keeps what multiplying by 1/array would lose to overflow
        return scaled / array if name in self._exponents else scaled


class PositiveValue:
    """A positive number σ = given ** exponent, or exp(exponent · given).

    Dividing two of them gives a `Ratio`, whose digits survive near 1 and at the extremes.
    """

    def __init__(self, given: Array, exponent: float, given_as_log: bool) -> None:
        self.given, self.exponent, self.given_as_log = given, exponent, given_as_log

    @property
    def value(self) -> Array:
        xp = namespace(self.given)
        if self.given_as_log:
            return xp.exp(self.exponent * self.given)
        return _power(xp, self.given, self.exponent)

    @property
    def log(self) -> Array:
        log = self.given if self.given_as_log else namespace(self.given).log(self.given)
        return log if self.exponent == 1.0 else self.exponent * log

    @property
    def inverse(self) -> PositiveValue:
        """Return 1 / σ."""
        return PositiveValue(self.given, -self.exponent, self.given_as_log)

    def times(self, factor: float) -> PositiveValue:
        """Return factor · σ for a positive number."""
        if self.given_as_log:
            given = self.given + math.log(factor) / self.exponent
        else:
            given = self.given * factor ** (1.0 / self.exponent)
        return PositiveValue(given, self.exponent, self.given_as_log)

    def multiply(self, x: Array) -> Array:
        """Return x · σ, which for x = 0 is 0 however large σ is."""
        return self.inverse.divide(x)

    def divide(self, x: Array) -> Array:
        """Return x / σ, which for x = 0 is 0 however small σ is."""
        if not self.given_as_log:
            return x / self.value if self.exponent > 0 else x * self.inverse.value
        xp = namespace(self.given)
        # in two steps, because exp(−log σ) may overflow where x / σ does not
        half = xp.exp((-0.5 * self.exponent) * self.given)
        return xp.where(x == 0, 0.0, (x * half) * half)

    def __truediv__(self, other: PositiveValue) -> Ratio:
        if self.exponent == other.exponent and not (self.given_as_log or other.given_as_log):
            x, y = self.given, other.given
            return (
                RatioOfNumbers(x, y, self.exponent)
                if self.exponent > 0
                else RatioOfNumbers(y, x, -self.exponent)
            )
        if self.exponent == other.exponent and self.given_as_log and other.given_as_log:
            return RatioOfLogs(self.exponent * (self.given - other.given))
        (log, rest), (other_log, other_rest) = self._two_log, other._two_log
        return RatioOfLogs((log - other_log) + (rest - other_rest))

    @property
    def _two_log(self) -> tuple[Array, Array | float]:
        """Return log σ, and what rounding left off it."""
        if self.given_as_log:
            return self.log, 0.0
        log, rest = two_log(self.given)
        return self.exponent * log, self.exponent * rest


class Ratio(ABC):
    """A ratio r of two positive numbers, with its difference from 1 taken before dividing."""

    @property
    @abstractmethod
    def value(self) -> Array:
        """Return r."""

    @property
    @abstractmethod
    def minus_one(self) -> Array:
        """Return r − 1, to full relative accuracy."""

    @property
    @abstractmethod
    def log(self) -> Array:
        """Return log r, to full relative accuracy."""

    @property
    @abstractmethod
    def excess(self) -> Array:
        """Return r − 1 − log r ≥ 0, to full relative accuracy."""


class RatioOfLogs(Ratio):
    """r = exp(log)."""

    def __init__(self, log: Array) -> None:
        self._log = log

    @property
    def value(self) -> Array:
        return namespace(self._log).exp(self._log)

    @property
    def minus_one(self) -> Array:
        return namespace(self._log).expm1(self._log)

    @property
    def log(self) -> Array:
        return self._log

    @property
    def excess(self) -> Array:
        return psi(self._log)


class RatioOfNumbers(Ratio):
    """r = (x / y) ** exponent, exponent > 0."""

    def __init__(self, x: Array, y: Array, exponent: float) -> None:
        self._x, self._y, self._exponent = x, y, exponent
        self._xp = namespace(x)

    @property
    def value(self) -> Array:
        if self._exponent == 1.0:
            return self._x / self._y
        # the quotient itself may leave the range of floating point
        return _power(self._xp, self._x, self._exponent) / _power(self._xp, self._y, self._exponent)

    @property
    def minus_one(self) -> Array:
        u, a = (self._x - self._y) / self._y, self._exponent
        if a == 1.0:
            return u
        if a == 0.5:
            return u / (1.0 + self.value)
        xp = self._xp
        near = xp.abs(u) < 0.5
        return xp.where(near, xp.expm1(a * xp.log1p(xp.where(near, u, 0.0))), self.value - 1.0)

    @property
    def log(self) -> Array:
        log = log_ratio(self._x, self._y)
        return log if self._exponent == 1.0 else self._exponent * log

    @property
    def excess(self) -> Array:
        if self._exponent == 1.0:
            return phi_ratio(self._x, self._y)
        return phi_ratio(self.value, 1.0, self.minus_one)

    def excess_at(self, minus_one: Array) -> Array:
        """Return r − 1 − log r for a value of r − 1 that is known better than from x and y."""
        return phi_ratio(self.value, 1.0, minus_one)


def _power(xp: Any, x: Array, exponent: float) -> Array:
    if exponent == 1.0:
        return x
    return xp.sqrt(x) if exponent == 0.5 else x**exponent
