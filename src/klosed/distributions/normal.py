"""The normal distribution on the line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL

__all__ = ["Normal"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class Normal(Distribution):
    r"""Normal distribution N(μ, σ²) on the real line.

    .. math:: \log p(x) = -\tfrac12 z^2 - \log\sigma - \tfrac12\log 2\pi, \quad z = (x - \mu)/\sigma

    Parameters
    ----------
    loc : array
        μ, any real number.
    scale, log_scale, variance, log_variance : array
        σ, log σ, σ² or log σ²; exactly one of them. The logarithms keep digits, and reach
        scales, that a floating-point σ cannot.

    Notes
    -----
    Entropy ½ log(2πe) + log σ. `rsample` takes standard normal noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 13.

    Examples
    --------
    >>> from klosed import Normal
    >>> q = Normal([0.0, 1.0], scale=2.0)
    >>> q.log_prob(1.0).round(4).tolist()
    [-1.7371, -1.6121]
    >>> round(float(Normal(0.0, log_variance=0.0).entropy()), 4)
    1.4189
    """

    specification = (Real("loc"), Positive("scale", variance=2))
    support = REAL
    loc: Array
    scale: Array
    log_scale: Array
    log_variance: Array

    def __init__(
        self,
        loc: Any,
        scale: Any = None,
        *,
        log_scale: Any = None,
        variance: Any = None,
        log_variance: Any = None,
    ) -> None:
        super().__init__(
            loc=loc, scale=scale, log_scale=log_scale, variance=variance, log_variance=log_variance
        )

    @property
    def mean(self) -> Array:
        return self._expand(self.core.loc)

    @property
    def variance(self) -> Array:
        return self._expand(self.specification[1].read("variance", self.core.scale))

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x - self.core.loc)
        return -0.5 * z * z - self.core.scale.log - _HALF_LOG_2PI

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x - self.core.loc)
        slope = self.core.scale.divide(z)
        return {"loc": slope, "log_scale": lambda: (z - 1.0) * (z + 1.0)}, -slope

    def _entropy(self) -> Array:
        return self.core.scale.log + (0.5 + _HALF_LOG_2PI)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + self.core.scale.value * noise
