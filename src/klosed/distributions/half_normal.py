"""The half-normal distribution. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients
from klosed.distributions._parameters import Positive
from klosed.distributions.supports import NONNEGATIVE

__all__ = ["HalfNormal"]

_HALF_LOG_2_OVER_PI = 0.5 * math.log(2.0 / math.pi)


class HalfNormal(Distribution):
    r"""Distribution of |x| for x normal with mean 0 and standard deviation σ.

    .. math:: \log p(x) = -\tfrac12 z^2 - \log\sigma + \tfrac12\log\tfrac2\pi, \quad z = x/\sigma

    Parameters
    ----------
    scale, log_scale : array
        σ > 0 or log σ, of the normal distribution that is folded; exactly one of them.

    Notes
    -----
    Entropy ½ log(πe/2) + log σ. `rsample` takes standard normal noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 13.

    Examples
    --------
    >>> from klosed import HalfNormal
    >>> q = HalfNormal([1.0, 2.0])
    >>> q.mean.round(4).tolist(), q.log_prob(1.0).round(4).tolist()
    ([0.7979, 1.5958], [-0.7258, -1.0439])
    """

    specification = (Positive("scale"),)
    support = NONNEGATIVE
    scale: Array
    log_scale: Array

    def __init__(self, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(scale=scale, log_scale=log_scale)

    @property
    def mean(self) -> Array:
        return self._expand(math.sqrt(2.0 / math.pi) * self.core.scale.value)

    @property
    def variance(self) -> Array:
        scale = self.core.scale.value
        return self._expand((1.0 - 2.0 / math.pi) * scale * scale)

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x)
        return -0.5 * z * z - self.core.scale.log + _HALF_LOG_2_OVER_PI

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x)
        return {"log_scale": lambda: (z - 1.0) * (z + 1.0)}, lambda: -self.core.scale.divide(z)

    def _entropy(self) -> Array:
        return self.core.scale.log + (0.5 - _HALF_LOG_2_OVER_PI)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _rsample(self, noise: Array) -> Array:
        return self.core.scale.value * namespace(noise).abs(noise)
