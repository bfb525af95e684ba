"""Two nonnegative numbers, rates or probabilities of one outcome, compared without losing digits.

Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from klosed._arrays import Array, namespace
from klosed.distributions._parameters import Positive, PositiveValue
from klosed.distributions.supports import NONNEGATIVE, Support
from klosed.special import bd0, log_ratio, phi_ratio, psi

__all__ = ["LogSizes", "Rate", "Sizes", "compare", "product", "slope"]


class Rate(Positive):
    """A rate that may be 0, given as itself or as its log; formulas see a `PositiveValue`.

    Formulas state their gradient both in log_rate and in rate: at 0 the one does not follow from
    the other.
    """

    def __init__(self) -> None:
        super().__init__("rate")

    def domain(self, name: str) -> tuple[Support, str]:
        if name == "rate":
            return NONNEGATIVE, "Use log_rate for an unconstrained parameter."
        return super().domain(name)


class Sizes:
    """Two nonnegative numbers x and m, and diff = x − m.

    `logs` returns log x and log m where x or m come from logarithms and may have underflowed.
    """

    def __init__(
        self, x: Array, m: Array, diff: Array, logs: Callable[[], tuple[Array, Array]] | None
    ) -> None:
        self.x, self.m, self.difference, self._logs = x, m, diff, logs

    @property
    def log_ratio(self) -> Array:
        """Return log(x/m)."""
        usual = log_ratio(self.x, self.m, self.difference)
        if self._logs is None:
            return usual
        xp = namespace(usual)
        log_x, log_m = self._logs()
        lost = xp.minimum(self.x, self.m) < _smallest(usual)
        return xp.where(lost, log_x - log_m, usual)

    @property
    def deviance(self) -> Array:
        """Return x log(x/m) + m − x."""
        usual = bd0(self.x, self.m, self.difference)
        if self._logs is None:
            return usual
        xp = namespace(usual)
        far = product(self.x, self.log_ratio) - self.difference
        value = xp.where(self.m < _smallest(usual), far, usual)
        # a number whose logarithm was given may exceed the largest number, and the other not
        return xp.where(xp.isinf(self.difference), math.inf, value)

    @property
    def deviance_per_x(self) -> Array:
        """Return log(x/m) + m/x − 1."""
        usual = phi_ratio(self.m, self.x, -self.difference)
        if self._logs is None:
            return usual
        return namespace(usual).where(self.m < _smallest(usual), self.log_ratio - 1.0, usual)


class LogSizes:
    """Two positive numbers x and m by their logarithms."""

    def __init__(self, x: PositiveValue, m: PositiveValue) -> None:
        self._x, self._m = x, m

    @property
    def log_ratio(self) -> Array:
        """Return log(x/m)."""
        return self._x.log - self._m.log

    @property
    def difference(self) -> Array:
        """Return x − m."""
        d = self._x.log - self._m.log
        xp = namespace(d)
        larger = PositiveValue(xp.maximum(self._x.log, self._m.log), 1.0, given_as_log=True)
        size = larger.multiply(-xp.expm1(-xp.abs(d)))
        return xp.where(d > 0.0, size, -size)

    @property
    def deviance(self) -> Array:
        """Return x log(x/m) + m − x."""
        d = self._m.log - self._x.log
        xp = namespace(d)
        near = self._x.multiply(psi(xp.clip(d, max=1.0)))
        far = xp.clip(d, min=1.0)
        return xp.where(d < 1.0, near, self._m.multiply(1.0 - (1.0 + far) * xp.exp(-far)))


def compare(x: PositiveValue, m: PositiveValue) -> Sizes | LogSizes:
    """Return two positive numbers, or zeros, beside each other."""
    if x.given_as_log and m.given_as_log:
        return LogSizes(x, m)
    logs = (lambda: (x.log, m.log)) if x.given_as_log or m.given_as_log else None
    return Sizes(x.value, m.value, x.value - m.value, logs)


def slope(m: Array, difference: Array) -> Array:
    """Return (m − x)/m, the derivative of the deviance in m; at x = m = 0 its limit 1."""
    where = namespace(m).where
    return where(m > 0.0, -difference / where(m > 0.0, m, 1.0), 1.0)


def product(x: Array, y: Array) -> Array:
    """Return x y, which for x = 0 is 0 also where y is infinite."""
    return x * namespace(x).where(x == 0.0, 0.0, y)


def _smallest(x: Array) -> float:
    return float(namespace(x).finfo(x.dtype).smallest_normal)
