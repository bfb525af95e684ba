"""The exponential distribution on the positive half line. Imports nothing above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive
from klosed.distributions.supports import NONNEGATIVE

__all__ = ["Exponential"]


class Exponential(Distribution):
    r"""Exponential distribution with rate λ on the numbers x ≥ 0.

    .. math:: \log p(x) = \log\lambda - \lambda x

    Parameters
    ----------
    rate, scale, log_rate, log_scale : array
        λ > 0, 1/λ, log λ or −log λ; exactly one of them. The logarithms keep digits, and reach
        rates, that a floating-point λ cannot.

    Notes
    -----
    Entropy 1 − log λ. `rsample` takes standard exponential noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 19.

    Examples
    --------
    >>> from klosed import Exponential
    >>> q = Exponential(rate=[1.0, 0.5])
    >>> q.mean.tolist(), q.log_prob(2.0).round(4).tolist()
    ([1.0, 2.0], [-2.0, -1.6931])
    >>> float(Exponential(scale=1.0).entropy())
    1.0
    """

    specification = (Positive("rate", scale=-1),)
    support = NONNEGATIVE
    rate: Array
    scale: Array
    log_rate: Array
    log_scale: Array

    def __init__(
        self, rate: Any = None, *, scale: Any = None, log_rate: Any = None, log_scale: Any = None
    ) -> None:
        super().__init__(rate=rate, scale=scale, log_rate=log_rate, log_scale=log_scale)

    @property
    def mean(self) -> Array:
        return self._expand(self.core.rate.inverse.value)

    @property
    def variance(self) -> Array:
        return self.mean * self.mean

    def _log_prob(self, x: Array) -> Array:
        return self.core.rate.log - self.core.rate.multiply(x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        return (
            {"log_rate": lambda: 1.0 - self.core.rate.multiply(x)},
            lambda: -self.core.rate.value,
        )

    def _entropy(self) -> Array:
        return 1.0 - self.core.rate.log

    def _grad_entropy(self) -> Gradients:
        return {"log_rate": -1.0}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.standard_exponential(shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.rate.divide(noise)
