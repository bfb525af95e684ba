"""The KL of two gammas, which their relatives share. Imports only distributions and below."""

from __future__ import annotations

import math
from dataclasses import dataclass

from klosed._arrays import Array, in_blocks, is_nowhere, namespace
from klosed.distributions._base import Core, Distribution, Gradients
from klosed.distributions._parameters import PositiveValue, Ratio, RatioOfLogs
from klosed.special import (
    difference_of_products,
    digamma_difference,
    digamma_minus_log_difference,
    gamma_shape_bregman,
    lgamma_bregman,
    log_ratio,
    phi_ratio,
    trigamma,
    trigamma_minus_reciprocal,
)

__all__ = ["TwoGammas", "as_df", "difference", "fixed", "grad_kl_of_df", "kl_of_df"]


@dataclass
class TwoGammas:
    r"""q = Gamma(a, b) and p = Gamma(c, d), by concentration and rate.

    .. math::
        \mathrm{KL} = c\,\varphi(u - 1) + R(c) - R(a) - (c - a) R'(a), \qquad
        u = \frac{ad}{bc}, \quad R(x) = \log\Gamma(x) - x\log x + x

    u is the ratio of the means. Both terms are nonnegative, because R is convex.

    `b_slack` is what rounding left off b, in the way b was given.
    """

    a: PositiveValue
    b: PositiveValue
    c: PositiveValue
    d: PositiveValue
    b_slack: Array | float = 0.0

    def __post_init__(self) -> None:
        # not a cached property, whose lock torch.compile cannot trace
        self._means = self._ratio_of_means()

    @classmethod
    def between(cls, q: Distribution, p: Distribution) -> TwoGammas:
        """Return the gammas of two operands that have a concentration and a rate."""
        return q.core.beside(p.core, _two_gammas)

    def value(self) -> Array:
        """Return KL(q‖p) in nats."""
        excess = self._means.excess
        shape = gamma_shape_bregman(self.c.value, self.a.value, self._step)
        scaled = self.c.value * excess
        # φ(u − 1) may overflow where c (u − 1), from which it then hardly differs, does not
        over = excess == math.inf
        if not (in_blocks(excess) and is_nowhere(over)):
            scaled = namespace(excess).where(over, self._tilt, scaled)
        return scaled + shape

    def gradients(self) -> tuple[Gradients, Gradients]:
        """Return the gradients in concentration, its log, and the log of the rate."""
        a, c = self.a.value, self.c.value
        tilt = self._tilt

        def of_a() -> Array:
            return tilt / a - self._step * trigamma_minus_reciprocal(a)

        def of_c() -> Array:
            return digamma_minus_log_difference(c, a, self._step) - self._means.log

        return (
            {"concentration": of_a, "log_concentration": lambda: a * of_a(), "log_rate": -tilt},
            {"concentration": of_c, "log_concentration": lambda: c * of_c(), "log_rate": tilt},
        )

    @property
    def _step(self) -> Array:
        return difference(self.c, self.a)

    def _ratio_of_means(self) -> Ratio:
        if self._given_as_numbers:
            up, down = self._rates
            a, c = self.a.value, self.c.value
            slack = self.b_slack * (-c if self.b.exponent > 0 else a)
            return _RatioOfProducts(a, up, c, down, slack)
        return RatioOfLogs((self.a / self.c).log + (self.d / self.b).log)

    @property
    def _tilt(self) -> Array:
        """Return c (u − 1), the gradient in log d."""
        if isinstance(self._means, _RatioOfProducts):
            return self._means.difference / self._rates[1]
        return self.c.value * self._means.minus_one

    @property
    def _rates(self) -> tuple[Array, Array]:
        """Return what a and c are multiplied by in the ratio of the means."""
        rates = self.d.given, self.b.given
        return rates if self.b.exponent > 0 else rates[::-1]

    @property
    def _given_as_numbers(self) -> bool:
        logs = any(v.given_as_log for v in (self.a, self.b, self.c, self.d))
        return not logs and self.b.exponent == self.d.exponent


def _two_gammas(q: Core, p: Core) -> TwoGammas:
    return TwoGammas(q.concentration, q.rate, p.concentration, p.rate)


class _RatioOfProducts(Ratio):
    """r = a b / (c d), with a b − c d to the last digits, and with what their factors lack."""

    def __init__(self, a: Array, b: Array, c: Array, d: Array, slack: Array) -> None:
        self._x, self._y = a * b, c * d
        self.difference = difference_of_products(a, b, c, d) + slack

    @property
    def value(self) -> Array:
        return self._x / self._y

    @property
    def minus_one(self) -> Array:
        return self.difference / self._y

    @property
    def log(self) -> Array:
        return log_ratio(self._x, self._y, self.difference)

    @property
    def excess(self) -> Array:
        return phi_ratio(self._x, self._y, self.difference)


def fixed(value: float, beside: PositiveValue, of: Distribution) -> PositiveValue:
    """Return a constant as a number, given in the way that another parameter was."""
    return PositiveValue(of.array(value**beside.exponent), beside.exponent, given_as_log=False)


def kl_of_df(q: PositiveValue, p: PositiveValue) -> Array:
    """Return KL of two chi-squared distributions by their degrees of freedom, in nats."""
    return lgamma_bregman(0.5 * p.value, 0.5 * q.value, 0.5 * difference(p, q))


def grad_kl_of_df(q: PositiveValue, p: PositiveValue) -> tuple[Gradients, Gradients]:
    """Return the gradients of `kl_of_df`."""
    a, c, step = 0.5 * q.value, 0.5 * p.value, 0.5 * difference(p, q)
    return (
        as_df({"log_concentration": lambda: -a * (step * trigamma(a))}),
        as_df({"log_concentration": lambda: c * digamma_difference(c, a, step)}),
    )


def as_df(gradients: Gradients) -> Gradients:
    """Return gradients in a concentration as gradients in twice it, the degrees of freedom."""
    return {"log_df": gradients["log_concentration"]}


def difference(x: PositiveValue, y: PositiveValue) -> Array:
    """Return x − y, to the last digits also where they are given by their logarithms."""
    if x.given_as_log or y.given_as_log:
        return y.value * (x / y).minus_one
    return x.value - y.value
