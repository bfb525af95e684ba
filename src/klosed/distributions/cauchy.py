"""The Cauchy distribution on the line. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL

__all__ = ["Cauchy", "log1p_square"]

_LOG_PI = math.log(math.pi)


class Cauchy(Distribution):
    r"""Cauchy distribution with location μ and scale σ on the real line.

    .. math:: \log p(x) = -\log(1 + z^2) - \log(\pi\sigma), \quad z = (x - \mu)/\sigma

    Parameters
    ----------
    loc : array
        μ, any real number: the median.
    scale, log_scale : array
        σ > 0 or log σ: half the distance of the quartiles; exactly one of them.

    Notes
    -----
    Entropy log(4πσ). Mean and variance do not exist. `rsample` takes standard Cauchy noise.
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 16.

    Examples
    --------
    >>> from klosed import Cauchy
    >>> q = Cauchy([0.0, 1.0], scale=2.0)
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-2.061, -1.8379], [3.2242, 3.2242])
    """

    specification = (Real("loc"), Positive("scale"))
    support = REAL
    loc: Array
    scale: Array
    log_scale: Array

    def __init__(self, loc: Any, scale: Any = None, *, log_scale: Any = None) -> None:
        super().__init__(loc=loc, scale=scale, log_scale=log_scale)

    def _log_prob(self, x: Array) -> Array:
        z = self.core.scale.divide(x - self.core.loc)
        return -log1p_square(z) - self.core.scale.log - _LOG_PI

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.core.scale.divide(x - self.core.loc)
        # 1 + z² = h², in parts that do not overflow
        h = namespace(z).hypot(z, namespace(z).ones_like(z))
        share = z / h
        slope = 2.0 * self.core.scale.divide(share / h)
        return {"loc": slope, "log_scale": lambda: 2.0 * share * share - 1.0}, -slope

    def _entropy(self) -> Array:
        return self.core.scale.log + (math.log(4.0) + _LOG_PI)

    def _grad_entropy(self) -> Gradients:
        return {"log_scale": 1.0}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.standard_cauchy(shape)))

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + self.core.scale.value * noise


def log1p_square(x: Array) -> Array:
    """Return log(1 + x²) without overflow on the way."""
    xp = namespace(x)
    far = xp.abs(x) > 1e8  # where the 1 is lost
    near_x, far_x = xp.where(far, 0.0, x), xp.where(far, xp.abs(x), 1.0)
    return xp.where(far, 2.0 * xp.log(far_x), xp.log1p(near_x * near_x))
