"""The Laplace distribution on the line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL

__all__ = ["Laplace"]

_LOG_2 = math.log(2.0)


class Laplace(Distribution):
    r"""Laplace distribution with location μ and scale b on the real line.

    .. math:: \log p(x) = -|z| - \log(2b), \quad z = (x - \mu)/b

    Parameters
    ----------
    loc : array
        μ, any real number.
    scale, log_scale : array
        b > 0 or log b; exactly one of them.

    Notes
    -----
    Entropy 1 + log(2b). `rsample` takes standard Laplace noise. At x = μ, where the density has
    a corner, the gradient in x and μ is 0.
    Johnson, Kotz and Balakrishnan (1995), "Continuous univariate distributions", vol. 2, ch. 24.

    Examples
    --------
    >>> from klosed import Laplace
    >>> q = Laplace([0.0, 1.0], scale=2.0)
    >>> q.log_prob(1.0).round(4).tolist(), q.variance.tolist()
    ([-1.8863, -1.3863], [8.0, 8.0])
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
        return self._expand(self.core.loc)

    @property
    def variance(self) -> Array:
        scale = self.core.scale.value
        return self._expand(2.0 * scale * scale)

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x - self.core.loc)
        return -namespace(z).abs(z) - self.core.scale.log - _LOG_2

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x - self.core.loc)
        xp = namespace(z)
        # array_api_compat's sign cannot be mapped by torch.func.vmap
        slope = self.core.scale.divide(xp.astype(z > 0, z.dtype) - xp.astype(z < 0, z.dtype))
        return {"loc": slope, "log_scale": lambda: xp.abs(z) - 1.0}, -slope

    def _entropy(self) -> Array:
        return self.core.scale.log + (1.0 + _LOG_2)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.laplace(size=shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + self.core.scale.value * noise
