"""The Pareto distribution on a half line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, PositiveValue, Ratio
from klosed.distributions.supports import Interval

__all__ = ["Pareto"]


class Pareto(Distribution):
    r"""Pareto distribution with scale m and shape α on the numbers x ≥ m.

    .. math:: \log p(x) = \log\alpha - \alpha\log(x/m) - \log x, \qquad x \ge m

    Parameters
    ----------
    scale, log_scale : array
        m > 0, the least value, or log m; exactly one of them.
    alpha, log_alpha : array
        α > 0, the exponent of the tail, or log α; exactly one of them.

    Notes
    -----
    Entropy log(m/α) + 1 + 1/α. The mean is infinite for α ≤ 1, the variance for α ≤ 2. `rsample`
    takes standard exponential noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 20.

    Examples
    --------
    >>> from klosed import Pareto
    >>> q = Pareto(1.0, [1.0, 3.0])
    >>> q.mean.tolist(), q.log_prob(2.0).round(4).tolist()
    ([inf, 1.5], [-1.3863, -1.674])
    """

    specification = (Positive("scale"), Positive("alpha"))
    scale: Array
    alpha: Array
    log_scale: Array
    log_alpha: Array

    def __init__(
        self, scale: Any = None, alpha: Any = None, *, log_scale: Any = None, log_alpha: Any = None
    ) -> None:
        super().__init__(scale=scale, log_scale=log_scale, alpha=alpha, log_alpha=log_alpha)

    @property
    def support(self) -> Interval:
        return Interval(self.core.scale.value, math.inf, low_closed=True)

    @property
    def mean(self) -> Array:
        return self._moment(1.0, lambda alpha: alpha / (alpha - 1.0))

    @property
    def variance(self) -> Array:
        def moment(alpha: Array) -> Array:
            factor = alpha / ((alpha - 1.0) * (alpha - 1.0) * (alpha - 2.0))
            return self.core.scale.multiply(factor)

        return self._moment(2.0, moment)

    def _moment(self, order: float, of_alpha: Callable[[Array], Array]) -> Array:
        alpha = self.core.alpha.value
        xp = namespace(alpha)
        finite = alpha > order
        moment = self.core.scale.multiply(of_alpha(xp.where(finite, alpha, order + 1.0)))
        return self._expand(xp.where(finite, moment, math.inf))

    def _above(self, x: Array) -> Ratio:
        """Return x / m."""
        return PositiveValue(x, 1.0, given_as_log=False) / self.core.scale

    def _log_prob(self, x: Array) -> Array:
        log = namespace(x).log(x)
        return self.core.alpha.log - self.core.alpha.multiply(self._above(x).log) - log

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha = self.core.alpha.value
        return (
            {"log_scale": alpha, "log_alpha": lambda: 1.0 - alpha * self._above(x).log},
            lambda: -(alpha + 1.0) / x,
        )

    def _entropy(self) -> Array:
        return self.core.scale.log - self.core.alpha.log + (1.0 + self.core.alpha.inverse.value)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0, "log_alpha": lambda: -1.0 - self.core.alpha.inverse.value}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.standard_exponential(shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.scale.value * namespace(noise).exp(self.core.alpha.divide(noise))
