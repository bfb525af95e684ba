"""Counts: their total as a parameter, and densities that keep their digits for large counts.

All densities are Loader's (2000), "Fast and accurate computation of binomial probabilities".
Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from klosed._arrays import Array, namespace
from klosed.distributions._categories import CategoriesValue
from klosed.distributions._parameters import Parameter, PositiveValue
from klosed.distributions._probabilities import ProbabilityValue
from klosed.distributions._sizes import Sizes
from klosed.distributions.supports import NONNEGATIVE_INTEGERS, Integers, Support
from klosed.special import (
    digamma,
    digamma_minus_log,
    lgamma1p,
    log_ratio,
    stirling_remainder,
    trigamma,
)
from klosed.special._evaluate import choose, evaluate, scalar_form

__all__ = [
    "Counts",
    "TotalCount",
    "factorial_excess",
    "grad_factorial_excess",
    "log_binomial",
    "log_multinomial",
    "log_negative_binomial",
    "log_poisson",
]


@dataclass(frozen=True)
class Counts(Integers):
    """The counts 0, 1, 2, … up to `high`, an array that may hold infinity."""

    @classmethod
    def unless(cls, only_zero: Array, like: Array) -> Counts:
        """Return all counts, but only 0 where `only_zero` holds."""
        xp = namespace(like)
        return cls(0.0, xp.where(only_zero, 0.0, xp.full_like(like, math.inf)))

    def covers(self, other: Support) -> bool | Array:
        if isinstance(other, Integers) and isinstance(other.high, float):
            high = namespace(self.high).full_like(self.high, other.high)
            return super().covers(Integers(other.low, high))
        return super().covers(other)


class TotalCount(Parameter):
    """A number of trials: an integer, so that its gradient is 0."""

    def __init__(self) -> None:
        self.names = ("total_count",)
        self.key = "total_count"

    def domain(self, name: str) -> tuple[Support, str]:
        return NONNEGATIVE_INTEGERS, ""

    def bind(self, name: str, array: Array) -> Array:
        return array

    def read(self, name: str, bound: Array) -> Array:
        return bound

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return gradient


def factorial_excess(x: Array) -> Array:
    """Return log x! − x log x + x ≥ 0 for x ≥ 0, which grows like ½ log(2πx)."""
    return evaluate(_FACTORIAL_EXCESS, x=x)


def grad_factorial_excess(x: Array) -> Array:
    """Return its derivative ψ(1 + x) − log x."""
    return evaluate(_GRAD_FACTORIAL_EXCESS, x=x)


def log_poisson(x: Array, rate: PositiveValue) -> Array:
    """Return x log λ − λ − log x!."""
    log_rate = rate.log if rate.given_as_log else None
    return 0.0 - factorial_excess(x) - _deviance(x, rate.value, log_rate)


def log_binomial(x: Array, n: Array, p: ProbabilityValue) -> Array:
    """Return log[n! / (x! (n − x)!) · p^x (1 − p)^(n − x)]."""
    ways = factorial_excess(n) - factorial_excess(x) - factorial_excess(n - x)
    return ways - _split_deviance(x, n - x, n, p)


def log_negative_binomial(x: Array, r: Array, p: ProbabilityValue) -> Array:
    """Return log[Γ(x + r) / (x! Γ(r)) · p^x (1 − p)^r]."""
    n = x + r
    ways = factorial_excess(n) - factorial_excess(r) - factorial_excess(x)
    return ways - log_ratio(n, r, x) - _split_deviance(x, r, n, p)


def log_multinomial(x: Array, n: Array, pi: CategoriesValue) -> Array:
    """Return log[n! / Π x! · Π π^x], over the last axis."""
    mean = n[..., None] * pi.value
    log_mean = namespace(n).log(n)[..., None] + pi.log if pi.given_as_logits else None
    each = factorial_excess(x) + _deviance(x, mean, log_mean)
    return factorial_excess(n) - namespace(x).sum(each, axis=-1)


def _split_deviance(x: Array, y: Array, n: Array, p: ProbabilityValue) -> Array:
    """Return the deviances of x and y from the parts np and n(1 − p) of their sum."""
    if not p.given_as_logits:
        return _deviance(x, n * p.value, None) + _deviance(y, n * p.complement, None)
    log_n = namespace(n).log(n)
    return _deviance(x, n * p.value, log_n + p.log) + _deviance(
        y, n * p.complement, log_n + p.log_complement
    )


def _deviance(x: Array, m: Array, log_m: Array | None) -> Array:
    """Return the deviance of a count from its mean, which may underflow where its log is known."""
    if log_m is None:
        return Sizes(x, m, x - m, None).deviance
    xp = namespace(x)
    # the deviance of no events does not ask for their logarithm
    log_x = xp.log(xp.where(x > 0.0, x, 1.0))
    return Sizes(x, m, x - m, lambda: (log_x, log_m)).deviance


def _factorial_excess(x: Array) -> Array:
    return choose(x < 3.0, _excess_below, _excess_above, x, then_at=(1.0,), otherwise_at=(3.0,))


def _excess_below(x: Array) -> Array:
    xp = namespace(x)
    return lgamma1p(x) + x * (1.0 - xp.log(xp.where(x > 0.0, x, 1.0)))


def _excess_above(x: Array) -> Array:
    return 0.5 * namespace(x).log((2.0 * math.pi) * x) + stirling_remainder(x)


def _grad_factorial_excess(x: Array) -> Array:
    return choose(
        x < 1.0,
        lambda x: digamma(1.0 + x) - namespace(x).log(x),
        lambda x: digamma_minus_log(x) + 1.0 / x,
        x, then_at=(0.5,), otherwise_at=(1.0,),
    )  # fmt: skip


_FACTORIAL_EXCESS = scalar_form(_factorial_excess, lambda x: (grad_factorial_excess(x),))
_GRAD_FACTORIAL_EXCESS = scalar_form(
    _grad_factorial_excess, lambda x: (trigamma(1.0 + x) - 1.0 / x,)
)
