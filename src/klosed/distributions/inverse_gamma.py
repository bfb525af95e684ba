"""The inverse gamma distribution. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._gamma import (
    entropy_of_log,
    grad_entropy_of_log,
    grad_log_density,
    log_density,
)
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import as_numpy, keep_positive
from klosed.distributions.supports import POSITIVE
from klosed.special import digamma, gamma_quantile, trigamma

__all__ = ["InverseGamma"]


class InverseGamma(Distribution):
    r"""Inverse gamma distribution: 1/x is Gamma(α, β).

    .. math:: \log p(x) = \alpha\log(\beta/x) - \beta/x - \log x - \log\Gamma(\alpha)

    Parameters
    ----------
    concentration, log_concentration : array
        α > 0, or log α; exactly one of them.
    rate, log_rate : array
        β > 0, or log β; exactly one of them. The rate of 1/x, hence a scale of x.

    Notes
    -----
    Entropy log Γ(α) + α − (1 + α) ψ(α) + log β. The mean is inf for α ≤ 1, the variance for
    α ≤ 2. The noise of `rsample` is uniform on (0, 1), and draws fall as it rises.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 17.

    Examples
    --------
    >>> from klosed import InverseGamma
    >>> q = InverseGamma([1.0, 3.0], rate=2.0)
    >>> q.mean.tolist(), q.variance.tolist()
    ([inf, 1.0], [inf, 1.0])
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-1.3069, -0.6137], [2.8476, 0.6952])
    """

    specification = (Positive("concentration"), Positive("rate"))
    support = POSITIVE
    concentration: Array
    log_concentration: Array
    rate: Array
    log_rate: Array

    def __init__(
        self,
        concentration: Any = None,
        rate: Any = None,
        *,
        log_concentration: Any = None,
        log_rate: Any = None,
    ) -> None:
        super().__init__(
            concentration=concentration,
            log_concentration=log_concentration,
            rate=rate,
            log_rate=log_rate,
        )

    @property
    def mean(self) -> Array:
        return self._expand(self.core.rate.multiply(self._reciprocal(1.0)))

    @property
    def variance(self) -> Array:
        return self._expand(self.mean**2 * self._reciprocal(2.0))

    def _reciprocal(self, shift: float) -> Array:
        """Return 1/(α − shift), inf where that is not positive."""
        alpha = self.core.concentration.value
        xp = namespace(alpha)
        return xp.where(alpha > shift, 1.0 / xp.where(alpha > shift, alpha - shift, 1.0), math.inf)

    def _log_prob(self, x: Array) -> Array:
        y = self.core.rate.multiply(1.0 / x)
        return log_density(self.core.concentration.value, y) - namespace(x).log(x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha, y = self.core.concentration.value, self.core.rate.multiply(1.0 / x)
        excess = alpha - y
        return (
            {"log_concentration": lambda: grad_log_density(alpha, y), "log_rate": excess},
            lambda: -(excess + 1.0) / x,
        )

    def _entropy(self) -> Array:
        alpha = self.core.concentration.value
        return entropy_of_log(alpha) - digamma(alpha) + self.core.rate.log

    def _grad_entropy(self) -> Gradients:
        alpha = self.core.concentration.value
        return {
            "log_concentration": lambda: grad_entropy_of_log(alpha) - alpha * trigamma(alpha),
            "log_rate": 1.0,
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        inverse = keep_positive(rng.standard_gamma(as_numpy(self.core.concentration.value), shape))
        return keep_positive(self.array(as_numpy(self.core.rate.value) / inverse))

    def _rsample(self, noise: Array) -> Array:
        inverse = keep_positive(gamma_quantile(self.core.concentration.value, noise))
        return keep_positive(self.core.rate.value / inverse)
