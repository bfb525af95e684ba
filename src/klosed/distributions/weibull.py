"""The Weibull distribution. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, PositiveValue
from klosed.distributions._sampling import keep_positive
from klosed.distributions.supports import POSITIVE
from klosed.special import lgamma1p, lgamma_bregman

__all__ = ["Weibull"]

_EULER_GAMMA = 0.5772156649015329


class Weibull(Distribution):
    r"""Weibull distribution with scale λ and concentration k.

    .. math:: \log p(x) = \log k + \ell - e^\ell - \log x, \quad \ell = k\log(x/\lambda)

    Parameters
    ----------
    scale, log_scale : array
        λ > 0, or log λ; exactly one of them.
    concentration, log_concentration : array
        k > 0, the shape, or log k; exactly one of them.

    Notes
    -----
    Entropy 1 + γ(1 − 1/k) + log(λ/k). `rsample` takes standard exponential noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 21.

    Examples
    --------
    >>> from klosed import Weibull
    >>> q = Weibull([1.0, 2.0], concentration=2.0)
    >>> q.log_prob(1.0).round(4).tolist()
    [-0.3069, -0.9431]
    >>> q.entropy().round(4).tolist()
    [0.5955, 1.2886]
    """

    specification = (Positive("scale"), Positive("concentration"))
    support = POSITIVE
    scale: Array
    log_scale: Array
    concentration: Array
    log_concentration: Array

    def __init__(
        self,
        scale: Any = None,
        concentration: Any = None,
        *,
        log_scale: Any = None,
        log_concentration: Any = None,
    ) -> None:
        super().__init__(
            scale=scale,
            log_scale=log_scale,
            concentration=concentration,
            log_concentration=log_concentration,
        )

    @property
    def mean(self) -> Array:
        return self._expand(self.core.scale.multiply(self._relative_mean()))

    @property
    def variance(self) -> Array:
        # Γ(1 + 2u) − Γ(1 + u)² without subtracting, by a second difference of log Γ
        u = self.core.concentration.inverse.value
        middle = 1.0 + u
        bend = lgamma_bregman(middle + u, middle, u) + lgamma_bregman(u / u, middle, -u)
        squared = self._relative_mean() ** 2 * namespace(u).expm1(bend)
        return self._expand(self.core.scale.multiply(self.core.scale.multiply(squared)))

    def _relative_mean(self) -> Array:
        u = self.core.concentration.inverse.value
        return namespace(u).exp(lgamma1p(u))

    def _log_prob(self, x: Array) -> Array:
        log_power = self._log_power(x)
        xp = namespace(x)
        return self.core.concentration.log + log_power - xp.exp(log_power) - xp.log(x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        log_power = self._log_power(x)
        excess = namespace(x).expm1(log_power)
        pull = self.core.concentration.multiply(excess)
        return (
            {"log_scale": pull, "log_concentration": lambda: 1.0 - log_power * excess},
            lambda: -(1.0 + pull) / x,
        )

    def _log_power(self, x: Array) -> Array:
        ratio = PositiveValue(x, 1.0, given_as_log=False) / self.core.scale
        return self.core.concentration.multiply(ratio.log)

    def _entropy(self) -> Array:
        k = self.core.concentration
        return (1.0 + _EULER_GAMMA) - _EULER_GAMMA * k.inverse.value + self.core.scale.log - k.log

    def _grad_entropy(self) -> Gradients:
        return {
            "log_scale": 1.0,
            "log_concentration": lambda: _EULER_GAMMA * self.core.concentration.inverse.value - 1.0,
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return keep_positive(self._rsample(self.array(rng.standard_exponential(shape))))

    def _rsample(self, noise: Array) -> Array:
        xp = namespace(noise)
        return self.core.scale.multiply(xp.exp(self.core.concentration.divide(xp.log(noise))))
