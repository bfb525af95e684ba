"""The uniform distribution on an interval. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, check_domain, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Real
from klosed.distributions.supports import Interval

__all__ = ["Uniform"]


class Uniform(Distribution):
    r"""Uniform distribution on [a, b].

    .. math:: \log p(x) = -\log(b - a), \qquad a \le x \le b

    Parameters
    ----------
    low, high : array
        a < b.

    Notes
    -----
    Entropy log(b − a). `rsample` takes noise that is uniform on [0, 1].
    Johnson, Kotz and Balakrishnan (1995), "Continuous univariate distributions", vol. 2, ch. 26.

    Examples
    --------
    >>> from klosed import Uniform
    >>> q = Uniform(0.0, [1.0, 4.0])
    >>> q.mean.tolist(), q.log_prob(2.0).round(4).tolist()
    ([0.5, 2.0], [-inf, -1.3863])
    """

    specification = (Real("low"), Real("high"))
    low: Array
    high: Array

    def __init__(self, low: Any, high: Any) -> None:
        super().__init__(low=low, high=high)

    def _check(self) -> None:
        super()._check()
        low = self.core.low
        check_domain("high", self.core.high, lambda high: high > low, "> low")

    @property
    def support(self) -> Interval:
        return Interval(self.core.low, self.core.high, low_closed=True, high_closed=True)

    @property
    def width(self) -> Array:
        """Return b − a."""
        return self.core.high - self.core.low

    @property
    def mean(self) -> Array:
        return self._expand(0.5 * self.core.low + 0.5 * self.core.high)

    @property
    def variance(self) -> Array:
        return self._expand(self.width * self.width / 12.0)

    def _log_prob(self, x: Array) -> Array:
        return -self._entropy()

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        slope = 1.0 / self.width
        return {"low": slope, "high": -slope}, None

    def _entropy(self) -> Array:
        return namespace(self.core.low).log(self.width)

    def _grad_entropy(self) -> Gradients:
        slope = 1.0 / self.width
        return {"low": -slope, "high": slope}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.random(shape)))

    def _rsample(self, noise: Array) -> Array:
        low, high = self.core.low, self.core.high
        xp = namespace(noise)
        # rounding must not carry a draw past an end
        return xp.minimum(xp.maximum(low * (1.0 - noise) + high * noise, low), high)
