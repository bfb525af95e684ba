"""The log of a gamma variable. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._gamma import entropy_of_log, grad_entropy_of_log, log_peak
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import as_numpy
from klosed.distributions.supports import REAL
from klosed.special import digamma, digamma_minus_log, log_gamma_quantile, psi, trigamma

__all__ = ["ExpGamma"]


class ExpGamma(Distribution):
    r"""Exp-gamma distribution: exp(x) is Gamma(α, β).

    .. math:: \log p(x) = \alpha(x + \log\beta) - \beta e^x - \log\Gamma(\alpha)

    Parameters
    ----------
    concentration, log_concentration : array
        α > 0, or log α; exactly one of them.
    rate, scale, log_rate, log_scale : array
        β > 0, 1/β, log β or −log β; exactly one of them.

    Notes
    -----
    Computed as log p = −α ψ(t) + (α log α − α − log Γ(α)) with t = x + log β − log α and
    ψ(t) = exp(t) − 1 − t. Entropy log Γ(α) + α − α ψ(α). Draws reach where those of `Gamma`
    underflow. The noise of `rsample` is uniform on (0, 1).
    Johnson, Kotz and Balakrishnan (1995), "Continuous univariate distributions", vol. 2, ch. 22.

    Examples
    --------
    >>> from klosed import ExpGamma
    >>> q = ExpGamma([1.0, 2.0], rate=0.5)
    >>> q.mean.round(4).tolist(), q.variance.round(4).tolist()
    ([0.1159, 1.1159], [1.6449, 0.6449])
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-1.0523, -0.7454], [1.5772, 1.1544])
    """

    specification = (Positive("concentration"), Positive("rate", scale=-1))
    support = REAL
    concentration: Array
    log_concentration: Array
    rate: Array
    scale: Array
    log_rate: Array
    log_scale: Array

    def __init__(
        self,
        concentration: Any = None,
        rate: Any = None,
        *,
        scale: Any = None,
        log_concentration: Any = None,
        log_rate: Any = None,
        log_scale: Any = None,
    ) -> None:
        super().__init__(
            concentration=concentration,
            log_concentration=log_concentration,
            rate=rate,
            scale=scale,
            log_rate=log_rate,
            log_scale=log_scale,
        )

    @property
    def mean(self) -> Array:
        return self._expand(digamma(self.core.concentration.value) - self.core.rate.log)

    @property
    def variance(self) -> Array:
        return self._expand(trigamma(self.core.concentration.value))

    def _log_prob(self, x: Array) -> Array:
        alpha = self.core.concentration.value
        return log_peak(alpha) - alpha * psi(self._offset(x))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha, t = self.core.concentration.value, self._offset(x)
        slope = -alpha * namespace(t).expm1(t)

        def of_alpha() -> Array:
            return alpha * (t - digamma_minus_log(alpha))

        return {"log_concentration": of_alpha, "log_rate": slope}, slope

    def _offset(self, x: Array) -> Array:
        """Return x less the mode."""
        return x + (self.core.rate.log - self.core.concentration.log)

    def _entropy(self) -> Array:
        return self._expand(entropy_of_log(self.core.concentration.value))

    def _grad_entropy(self) -> Gradients:
        return {"log_concentration": grad_entropy_of_log(self.core.concentration.value)}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        # Γ(α) = Γ(α + 1) U^(1/α), by logarithms, because U^(1/α) may underflow
        alpha = as_numpy(self.core.concentration.value)
        boost = np.log(rng.standard_gamma(alpha + 1.0, shape))
        log_draws = boost - rng.standard_exponential(shape) / alpha
        return self.array(log_draws - as_numpy(self.core.rate.log))

    def _rsample(self, noise: Array) -> Array:
        return log_gamma_quantile(self.core.concentration.value, noise) - self.core.rate.log
