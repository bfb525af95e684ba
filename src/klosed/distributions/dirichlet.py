"""The Dirichlet distribution on the simplex. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array
from klosed._autodiff import Gradient
from klosed.distributions import _concentrations as parts
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive
from klosed.distributions.supports import SIMPLEX
from klosed.errors import ShapeError

__all__ = ["Dirichlet"]


class PositiveVector(Positive):
    """Positive numbers along the last axis, all of one distribution."""

    event_ndim = 1


class Dirichlet(Distribution):
    r"""Dirichlet distribution of proportions x₁ … x_K that sum to one.

    .. math:: \log p(x) = \sum_k (\alpha_k - 1) \log x_k
       + \log\Gamma\Big(\sum_k \alpha_k\Big) - \sum_k \log\Gamma(\alpha_k)

    Parameters
    ----------
    concentration, log_concentration : array of shape (..., K)
        α > 0, or log α; exactly one of them.

    Notes
    -----
    The density is with respect to the first K − 1 coordinates. Its gradient in x is that of
    log p(x/Σx), (αₖ − 1)/xₖ − Σ(α − 1): it has no part across the simplex. Density and entropy keep
    their digits at large concentrations. The noise of `rsample` is uniform on
    (0, 1). Kotz, Balakrishnan and Johnson (2000), "Continuous multivariate
    distributions", vol. 1, ch. 49.

    Examples
    --------
    >>> from klosed import Dirichlet
    >>> q = Dirichlet([[1.0, 1.0, 1.0], [2.0, 3.0, 5.0]])
    >>> q.mean.tolist()[1], q.log_prob([0.25, 0.25, 0.5]).round(4).tolist()
    ([0.2, 0.3, 0.5], [0.6931, 1.9992])
    """

    specification = (PositiveVector("concentration"),)
    support = SIMPLEX
    concentration: Array
    log_concentration: Array

    def __init__(self, concentration: Any = None, *, log_concentration: Any = None) -> None:
        super().__init__(concentration=concentration, log_concentration=log_concentration)

    def _check(self) -> None:
        super()._check()
        ((name, array),) = self.parameters.items()
        if array.ndim == 0 or array.shape[-1] < 2:
            raise ShapeError(
                f"{name} must hold at least 2 numbers along its last axis; got shape "
                f"{tuple(array.shape)}. Give one number for each part."
            )

    @property
    def event_shape(self) -> Shape:
        return tuple(self.core.concentration.given.shape)[-1:]

    @property
    def mean(self) -> Array:
        alpha = self.core.concentration.value
        return alpha / parts.total(alpha)

    @property
    def variance(self) -> Array:
        whole = parts.total(self.core.concentration.value)
        return self.mean * (1.0 - self.mean) / (whole + 1.0)

    def _log_prob(self, x: Array) -> Array:
        return parts.log_density(self.core.concentration.value, x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha = self.core.concentration.value
        slopes = parts.grad_log_density(alpha, x)
        return scaled(self, slopes), lambda: (alpha - 1.0) / x - parts.total(alpha - 1.0)

    def _entropy(self) -> Array:
        return parts.entropy(self.core.concentration.value)

    def _grad_entropy(self) -> Gradients:
        return scaled(self, parts.grad_entropy(self.core.concentration.value))

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.array(parts.draw_parts(rng, self.core.concentration.value, shape))

    def _rsample(self, noise: Array) -> Array:
        return parts.parts_of_noise(self.core.concentration.value, noise)


def scaled(dist: Dirichlet, gradient: Array) -> Gradients:
    """Return a gradient in α under both names that α may be given by."""
    return {
        "concentration": gradient,
        "log_concentration": lambda: gradient * dist.core.concentration.value,
    }
