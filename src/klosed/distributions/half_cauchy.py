"""The half-Cauchy distribution. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive
from klosed.distributions.cauchy import log1p_square
from klosed.distributions.supports import NONNEGATIVE

__all__ = ["HalfCauchy"]

_LOG_2_OVER_PI = math.log(2.0 / math.pi)


class HalfCauchy(Distribution):
    r"""Distribution of |x| for x of the Cauchy distribution with location 0 and scale σ.

    .. math:: \log p(x) = -\log(1 + z^2) - \log\sigma + \log\tfrac2\pi, \quad z = x/\sigma

    Parameters
    ----------
    scale, log_scale : array
        σ > 0 or log σ: the median; exactly one of them.

    Notes
    -----
    Entropy log(2πσ). The mean is infinite. `rsample` takes standard Cauchy noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 16.

    Examples
    --------
    >>> from klosed import HalfCauchy
    >>> HalfCauchy([1.0, 2.0]).log_prob(1.0).round(4).tolist()
    [-1.1447, -1.3679]
    """

    specification = (Positive("scale"),)
    support = NONNEGATIVE
    scale: Array
    log_scale: Array

    def __init__(self, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(scale=scale, log_scale=log_scale)

    def _log_prob(self, x: Array) -> Array:
        return _LOG_2_OVER_PI - log1p_square(self.core.scale.divide(x)) - self.core.scale.log

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x)
        # 1 + z² = h², in parts that do not overflow
        h = namespace(z).hypot(z, namespace(z).ones_like(z))
        share = z / h
        return (
            {"log_scale": lambda: 2.0 * share * share - 1.0},
            lambda: -2.0 * self.core.scale.divide(share / h),
        )

    def _entropy(self) -> Array:
        return self.core.scale.log + math.log(2.0 * math.pi)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.standard_cauchy(shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.scale.value * namespace(noise).abs(noise)
