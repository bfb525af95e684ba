"""A probability given as probs or as logits, and protected comparisons of two of them.

Imports nothing from klosed above special.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from klosed._arrays import Array, namespace
from klosed.distributions._parameters import Parameter
from klosed.distributions._sizes import Sizes, product
from klosed.distributions.supports import REAL, Interval, Support
from klosed.special import (
    bd0,
    log1p,
    log_sigmoid,
    psi,
    sigmoid,
    sigmoid_difference,
    softplus,
    softplus_bregman,
    softplus_difference,
)

__all__ = ["Contrast", "Probability", "ProbabilityValue"]


class Probability(Parameter):
    """A probability, given as probs or as logits = log(probs / (1 − probs)).

    The ends 0 and 1 are legal where `low_closed` and `high_closed` say so. Formulas see a
    `ProbabilityValue` and state their gradient both in logits and in probs: at the ends, the one
    does not follow from the other.
    """

    def __init__(self, low_closed: bool = True, high_closed: bool = True) -> None:
        self.names = ("probs", "logits")
        self.key = "logits"
        self._interval = Interval(0.0, 1.0, low_closed, high_closed)

    def domain(self, name: str) -> tuple[Support, str]:
        if name == "probs":
            return self._interval, "Use logits for an unconstrained parameter."
        return REAL, ""

    def bind(self, name: str, array: Array) -> ProbabilityValue:
        return ProbabilityValue(array, given_as_logits=name == "logits")

    def read(self, name: str, bound: ProbabilityValue) -> Array:
        return bound.value if name == "probs" else bound.logits

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return gradient / array / (1.0 - array) if name == "probs" else gradient


class ProbabilityValue:
    """A probability q = given, or 1/(1 + exp(−given)), beside its complement 1 − q."""

    def __init__(self, given: Array, given_as_logits: bool) -> None:
        self.given, self.given_as_logits = given, given_as_logits

    @property
    def value(self) -> Array:
        return sigmoid(self.given) if self.given_as_logits else self.given

    @property
    def complement(self) -> Array:
        return sigmoid(-self.given) if self.given_as_logits else 1.0 - self.given

    @property
    def log(self) -> Array:
        """Return log q."""
        if self.given_as_logits:
            return log_sigmoid(self.given)
        return namespace(self.given).log(self.given)

    @property
    def log_complement(self) -> Array:
        """Return log(1 − q)."""
        if self.given_as_logits:
            return log_sigmoid(-self.given)
        return log1p(-self.given)

    @property
    def logits(self) -> Array:
        return self.given if self.given_as_logits else self.log - self.log_complement

    @property
    def variance(self) -> Array:
        """Return q(1 − q)."""
        if not self.given_as_logits:
            return self.value * self.complement
        odds = namespace(self.given).exp(-namespace(self.given).abs(self.given))
        return odds / ((1.0 + odds) * (1.0 + odds))

    @property
    def odds(self) -> Array:
        """Return q/(1 − q)."""
        if self.given_as_logits:
            return namespace(self.given).exp(self.given)
        return self.given / (1.0 - self.given)

    @property
    def inverse_odds(self) -> Array:
        """Return (1 − q)/q."""
        if self.given_as_logits:
            return namespace(self.given).exp(-self.given)
        return (1.0 - self.given) / self.given

    @property
    def waiting_surprise(self) -> Array:
        """Return −(1 − q)/q · log(1 − q), also where q is too small for a number."""
        if not self.given_as_logits:
            return product(self.inverse_odds, -self.log_complement)
        xp = namespace(self.given)
        # below, 1 to the last digit
        logits = xp.clip(self.given, min=-40.0)
        return xp.exp(-logits) * softplus(logits)

    @property
    def possible(self) -> tuple[float | Array, float | Array]:
        """Return 1 where the complement, and where the event itself, is possible; else 0."""
        if self.given_as_logits:
            return 1.0, 1.0
        xp = namespace(self.given)
        dtype = self.given.dtype
        return xp.astype(self.given < 1.0, dtype), xp.astype(self.given > 0.0, dtype)

    def slope_against(self, contrast: Contrast) -> Array:
        """Return ∂D/∂p = (p − q)/(p(1 − p)), D the divergence of q from this probability p."""
        xp = namespace(self.given)
        inside = self.variance > 0.0
        slope = -contrast.difference / xp.where(inside, self.variance, 1.0)
        # at q = p = 0 or 1: the slope of −log(1 − p) or of −log p
        return xp.where(inside, slope, 1.0 - 2.0 * self.value)

    def against(self, other: ProbabilityValue) -> Contrast:
        """Return this probability q beside another p, with their differences protected."""
        if self.given_as_logits and other.given_as_logits:
            return ContrastOfLogits(self.given, other.given)
        return ContrastOfNumbers(*_outcomes(self, other))


class Contrast(ABC):
    """Two probabilities q and p of one event, compared before digits are lost."""

    @property
    @abstractmethod
    def difference(self) -> Array:
        """Return q − p."""

    @property
    @abstractmethod
    def log_odds(self) -> Array:
        """Return logit q − logit p."""

    @property
    @abstractmethod
    def log_ratio(self) -> Array:
        """Return log(q / p)."""

    @property
    @abstractmethod
    def divergence(self) -> Array:
        """Return D = q log(q/p) + (1 − q) log((1 − q)/(1 − p))."""

    @property
    @abstractmethod
    def divergence_per_event(self) -> Array:
        """Return D / q, also where q is too small for a number."""

    @property
    @abstractmethod
    def excess_per_event(self) -> Array:
        """Return (p − q)/q."""

    @property
    @abstractmethod
    def slope_per_event(self) -> Array:
        """Return ∂(D / q)/∂ logit q = −((1 − q)/q) log((1 − q)/(1 − p))."""

    @property
    @abstractmethod
    def flipped(self) -> Contrast:
        """Return the contrast of the complementary event, 1 − q and 1 − p."""


class ContrastOfLogits(Contrast):
    """q and p given by their logits a and b."""

    def __init__(self, a: Array, b: Array) -> None:
        self._a, self._b = a, b

    @property
    def difference(self) -> Array:
        return sigmoid_difference(self._a, self._b)

    @property
    def log_odds(self) -> Array:
        return self._a - self._b

    @property
    def log_ratio(self) -> Array:
        return softplus_difference(-self._b, -self._a)

    @property
    def divergence(self) -> Array:
        return softplus_bregman(self._b, self._a)

    @property
    def divergence_per_event(self) -> Array:
        d = self.divergence
        return self._per_event(psi, d, d)

    @property
    def excess_per_event(self) -> Array:
        return namespace(self._a).expm1(-self.log_ratio)

    @property
    def slope_per_event(self) -> Array:
        change = -softplus_difference(self._b, self._a)
        return self._per_event(lambda x: -namespace(x).expm1(x), change, None)

    @property
    def flipped(self) -> ContrastOfLogits:
        return ContrastOfLogits(-self._a, -self._b)

    def _per_event(
        self, limit: Callable[[Array], Array], times_odds: Array, plus: Array | None
    ) -> Array:
        """Return times_odds · (1 − q)/q + plus; limit(b − a) where q and p vanish."""
        xp = namespace(self._a)
        # in two steps, because the odds may overflow where the product does not
        half = xp.exp(-0.5 * self._a)
        usual = (times_odds * half) * half
        usual = usual if plus is None else usual + plus
        # here 1 − q and 1 − p are 1 to the last digit
        rare = xp.maximum(self._a, self._b) < -40.0
        return xp.where(rare, limit(xp.where(rare, self._b - self._a, 0.0)), usual)


class ContrastOfNumbers(Contrast):
    """q and p by the values of both outcomes."""

    def __init__(self, event: Sizes, other: Sizes) -> None:
        self._event, self._other = event, other

    @property
    def difference(self) -> Array:
        return self._event.difference

    @property
    def log_odds(self) -> Array:
        return self._event.log_ratio - self._other.log_ratio

    @property
    def log_ratio(self) -> Array:
        return self._event.log_ratio

    @property
    def divergence(self) -> Array:
        return self._event.deviance + self._other.deviance

    @property
    def divergence_per_event(self) -> Array:
        x, q, p, diff = self._event.x, self._other.x, self._other.m, self._other.difference
        return self._event.deviance_per_x + bd0(q / x, p / x, diff / x)

    @property
    def excess_per_event(self) -> Array:
        return -self.difference / self._event.x

    @property
    def slope_per_event(self) -> Array:
        return -product(self._other.x / self._event.x, self._other.log_ratio)

    @property
    def flipped(self) -> ContrastOfNumbers:
        return ContrastOfNumbers(self._other, self._event)


def _outcomes(q: ProbabilityValue, p: ProbabilityValue) -> tuple[Sizes, Sizes]:
    x, m = q.value, p.value
    if not (q.given_as_logits or p.given_as_logits):
        return Sizes(x, m, x - m, None), Sizes(1.0 - x, 1.0 - m, m - x, None)
    y, n = q.complement, p.complement
    # the smaller outcome holds the digits of the difference
    diff = namespace(x).where(x < 0.5, x - m, n - y)
    return (
        Sizes(x, m, diff, lambda: (q.log, p.log)),
        Sizes(y, n, -diff, lambda: (q.log_complement, p.log_complement)),
    )
