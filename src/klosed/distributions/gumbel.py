"""The Gumbel distribution on the line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL

__all__ = ["Gumbel"]


class Gumbel(Distribution):
    r"""Gumbel distribution of maxima, with location μ and scale β, on the real line.

    .. math:: \log p(x) = -z - e^{-z} - \log\beta, \quad z = (x - \mu)/\beta

    Parameters
    ----------
    loc : array
        μ, any real number: the mode.
    scale, log_scale : array
        β > 0 or log β; exactly one of them.

    Notes
    -----
    Entropy 1 + γ + log β, mean μ + γβ, with Euler's constant γ. `rsample` takes standard Gumbel
    noise.
    Johnson, Kotz and Balakrishnan (1995), "Continuous univariate distributions", vol. 2, ch. 22.

    Examples
    --------
    >>> from klosed import Gumbel
    >>> q = Gumbel([0.0, 1.0], scale=2.0)
    >>> q.log_prob(1.0).round(4).tolist(), q.mean.round(4).tolist()
    ([-1.7997, -1.6931], [1.1544, 2.1544])
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
        return self._expand(self.core.loc + np.euler_gamma * self.core.scale.value)

    @property
    def variance(self) -> Array:
        scale = self.core.scale.value
        return self._expand((math.pi**2 / 6.0) * scale * scale)

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x - self.core.loc)
        xp = namespace(z)
        # far to the left z is nothing beside exp(−z), and both are infinite
        return -xp.clip(z, min=-1e30) - xp.exp(-z) - self.core.scale.log

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x - self.core.loc)
        pull = namespace(z).expm1(-z)
        slope = self.core.scale.divide(pull)
        return {"loc": -slope, "log_scale": lambda: -1.0 - z * pull}, slope

    def _entropy(self) -> Array:
        return self.core.scale.log + (1.0 + np.euler_gamma)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.gumbel(size=shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + self.core.scale.value * noise
