"""The uniform distribution on the sphere. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._directions import log_sphere_area
from klosed.distributions._parameters import Real
from klosed.distributions.supports import SPHERE
from klosed.errors import ParameterError

__all__ = ["SphericalUniform"]


class SphericalUniform(Distribution):
    r"""Uniform distribution on the unit sphere in d dimensions.

    .. math:: \log p(x) = -\log S_d, \qquad S_d = \frac{2\pi^{d/2}}{\Gamma(d/2)}

    Parameters
    ----------
    dimension : int
        d ≥ 2, the length of the vectors.
    like : array, optional
        An array of the wanted batch shape, kind and dtype; its values count for nothing, and
        gradients in it are 0. A plain number fits every kind.

    Notes
    -----
    Entropy log S_d. The noise of `rsample` is standard normal; its direction is the draw.
    Mardia and Jupp (2000), "Directional statistics", section 9.3.1.

    Examples
    --------
    >>> from klosed import SphericalUniform
    >>> q = SphericalUniform(3)
    >>> round(float(q.log_prob([0.0, 0.6, 0.8])), 4), round(float(q.entropy()), 4)
    (-2.531, 2.531)
    """

    specification = (Real("like"),)
    support = SPHERE
    like: Array

    def __init__(self, dimension: int, like: Any = 0.0) -> None:
        if not isinstance(dimension, (int, np.integer)) or dimension < 2:
            raise ParameterError(f"dimension must be an integer >= 2; got {dimension!r}.")
        self.dimension = int(dimension)
        super().__init__(like=like)

    def __repr__(self) -> str:
        return f"SphericalUniform({self.dimension}, batch_shape={self.batch_shape})"

    @property
    def event_shape(self) -> Shape:
        return (self.dimension,)

    @property
    def mean(self) -> Array:
        return self._expand(0.0 * self.core.like[..., None])

    @property
    def variance(self) -> Array:
        return self.mean + 1.0 / self.dimension

    def _log_prob(self, x: Array) -> Array:
        return 0.0 * self.core.like - log_sphere_area(self.dimension)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        return {}, 0.0 * x

    def _entropy(self) -> Array:
        return 0.0 * self.core.like + log_sphere_area(self.dimension)

    def _grad_entropy(self) -> Gradients:
        return {}

    def _rsample(self, noise: Array) -> Array:
        xp = namespace(noise)
        return noise / xp.sqrt(xp.sum(noise * noise, axis=-1, keepdims=True))
