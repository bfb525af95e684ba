"""The Moyal distribution on the line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL

__all__ = ["Moyal"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_MEAN = np.euler_gamma + math.log(2.0)


class Moyal(Distribution):
    r"""Moyal distribution with location μ and scale σ, on the real line.

    .. math::
        \log p(x) = -\tfrac12\left(z + e^{-z}\right) - \log\sigma - \tfrac12\log 2\pi, \quad
        z = (x - \mu)/\sigma

    Parameters
    ----------
    loc : array
        μ, any real number: the mode.
    scale, log_scale : array
        σ > 0 or log σ; exactly one of them.

    Notes
    -----
    exp(−z) is the square of a standard normal number, which is the noise that `rsample` takes.
    Entropy ½(1 + γ + log 4π) + log σ, mean μ + σ(γ + log 2), with Euler's constant γ.
    Moyal (1955), "Theory of ionization fluctuations", doi:10.1080/14786440308521076.

    Examples
    --------
    >>> from klosed import Moyal
    >>> q = Moyal([0.0, 1.0], scale=2.0)
    >>> q.log_prob(1.0).round(4).tolist(), q.mean.round(4).tolist()
    ([-2.1654, -2.1121], [2.5407, 3.5407])
    """

    specification = (Real("loc"), Positive("scale"))
    support = REAL
    loc: Array
    scale: Array
    log_scale: Array

    def __init__(self, loc: Any, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(loc=loc, scale=scale, log_scale=log_scale)

    @property
    def mean(self) -> Array:
        return self._expand(self.core.loc + _MEAN * self.core.scale.value)

    @property
    def variance(self) -> Array:
        scale = self.core.scale.value
        return self._expand((0.5 * math.pi**2) * scale * scale)

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x - self.core.loc)
        xp = namespace(z)
        # far to the left z is nothing beside exp(−z), and both are infinite
        energy = xp.clip(z, min=-1e30) + xp.exp(-z)
        return -0.5 * energy - self.core.scale.log - _HALF_LOG_2PI

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x - self.core.loc)
        pull = 0.5 * namespace(z).expm1(-z)
        slope = self.core.scale.divide(pull)
        return {"loc": -slope, "log_scale": lambda: -1.0 - z * pull}, slope

    def _entropy(self) -> Array:
        return self.core.scale.log + (_HALF_LOG_2PI + 0.5 * _MEAN + 0.5)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _rsample(self, noise: Array) -> Array:
        xp = namespace(noise)
        return self.core.loc - 2.0 * self.core.scale.value * xp.log(xp.abs(noise))
