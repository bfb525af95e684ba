"""The Kumaraswamy distribution on (0, 1). Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import keep_inside
from klosed.distributions.supports import UNIT_INTERVAL
from klosed.special import (
    digamma_difference,
    lgamma1p,
    lgamma_bregman,
    lgamma_difference,
    log1mexp,
    trigamma,
)

__all__ = ["Kumaraswamy"]


class Kumaraswamy(Distribution):
    r"""Kumaraswamy distribution: 1 − (1 − Xᵃ)ᵇ is uniform on (0, 1).

    .. math:: \log p(x) = \log a + \log b + (a - 1) \log x + (b - 1) \log(1 - x^a)

    Parameters
    ----------
    concentration1, log_concentration1 : array
        a > 0, or log a; exactly one of them.
    concentration0, log_concentration0 : array
        b > 0, or log b; exactly one of them.

    Notes
    -----
    Moments E[Xⁿ] = b B(1 + n/a, b), entropy (1 − 1/b) + (1 − 1/a) H(b) − log(ab) with
    H(b) = ψ(b + 1) − ψ(1). `rsample` takes standard exponential noise e, of which
    log(1 − Xᵃ) is −e/b. Draws that round to 0 or 1 become the nearest number inside.
    Kumaraswamy (1980), "A generalized probability density function for double-bounded random
    processes", doi:10.1016/0022-1694(80)90036-0; Jones (2009), doi:10.1016/j.stamet.2008.04.001.

    Examples
    --------
    >>> from klosed import Kumaraswamy
    >>> q = Kumaraswamy([1.0, 2.0], [2.0, 3.0])
    >>> q.mean.round(4).tolist(), q.log_prob(0.5).round(4).tolist()
    ([0.3333, 0.4571], [0.0, 0.5232])
    """

    specification = (Positive("concentration1"), Positive("concentration0"))
    support = UNIT_INTERVAL
    concentration1: Array
    concentration0: Array
    log_concentration1: Array
    log_concentration0: Array

    def __init__(
        self,
        concentration1: Any = None,
        concentration0: Any = None,
        *,
        log_concentration1: Any = None,
        log_concentration0: Any = None,
    ) -> None:
        super().__init__(
            concentration1=concentration1,
            log_concentration1=log_concentration1,
            concentration0=concentration0,
            log_concentration0=log_concentration0,
        )

    @property
    def harmonic(self) -> Array:
        """H(b) = ψ(b + 1) − ψ(1), which is −a E[log X]."""
        b = self.core.concentration0.value
        return digamma_difference(1.0 + b, 1.0 + 0.0 * b, b)

    @property
    def mean(self) -> Array:
        b, c = self.core.concentration0.value, self.core.concentration1.inverse.value
        log_mean = lgamma1p(c) - lgamma_difference(1.0 + b + c, 1.0 + b + 0.0 * c, c)
        return namespace(c).exp(log_mean)

    @property
    def variance(self) -> Array:
        b, c = self.core.concentration0.value, self.core.concentration1.inverse.value

        def bend(x: Array) -> Array:
            # log Γ(x + c) + log Γ(x − c) − 2 log Γ(x)
            return lgamma_bregman(x + c, x, c) + lgamma_bregman(x - c, x, -c)

        return self.mean**2 * namespace(c).expm1(bend(1.0 + c) - bend(1.0 + b + c))

    def _log_prob(self, x: Array) -> Array:
        a, b = self.core.concentration1, self.core.concentration0
        log_x = namespace(x).log(x)
        return (a.log + b.log) + ((a.value - 1.0) * log_x + (b.value - 1.0) * self._log_rest(log_x))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        a, b = self.core.concentration1.value, self.core.concentration0.value
        xp = namespace(x)
        log_x = xp.log(x)
        # the odds xᵃ/(1 − xᵃ)
        pull = (b - 1.0) / xp.expm1(-a * log_x)
        return {
            "log_concentration1": lambda: 1.0 + a * log_x * (1.0 - pull),
            "log_concentration0": lambda: 1.0 + b * self._log_rest(log_x),
        }, lambda: ((a - 1.0) - a * pull) / x

    def _log_rest(self, log_x: Array) -> Array:
        """Return log(1 − xᵃ)."""
        return log1mexp(-self.core.concentration1.value * log_x)

    def _entropy(self) -> Array:
        a, b = self.core.concentration1, self.core.concentration0
        h = self.harmonic
        return (1.0 - b.inverse.value) + (h - h / a.value) - (a.log + b.log)

    def _grad_entropy(self) -> Gradients:
        a, b = self.core.concentration1.value, self.core.concentration0.value
        return {
            "log_concentration1": lambda: self.harmonic / a - 1.0,
            "log_concentration0": lambda: 1.0 / b - 1.0 + (1.0 - 1.0 / a) * (b * trigamma(1.0 + b)),
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return keep_inside(self._rsample(self.array(rng.standard_exponential(shape))))

    def _rsample(self, noise: Array) -> Array:
        a, b = self.core.concentration1, self.core.concentration0
        return namespace(noise).exp(a.divide(log1mexp(b.divide(noise))))
