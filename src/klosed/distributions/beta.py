"""The beta distribution on (0, 1). Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions import _concentrations as parts
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import keep_inside
from klosed.distributions.supports import UNIT_INTERVAL

__all__ = ["Beta"]


class Beta(Distribution):
    r"""Beta distribution with concentrations α of 1 and β of 0.

    .. math:: \log p(x) = (\alpha - 1) \log x + (\beta - 1) \log(1 - x) - \log B(\alpha, \beta)

    Parameters
    ----------
    concentration1, log_concentration1 : array
        α > 0, or log α; exactly one of them.
    concentration0, log_concentration0 : array
        β > 0, or log β; exactly one of them.

    Notes
    -----
    Mean α/(α + β). Density and entropy keep their digits at large concentrations. Draws that round
    to 0 or 1 become the nearest number inside. The noise of `rsample` is uniform on (0, 1), two
    numbers a draw along a last axis. Johnson, Kotz and Balakrishnan (1995), "Continuous univariate
    distributions", vol. 2, ch. 25.

    Examples
    --------
    >>> from klosed import Beta
    >>> q = Beta([2.0, 3.0], [2.0, 9.0])
    >>> q.mean.tolist(), q.log_prob(0.25).round(4).tolist()
    ([0.5, 0.25], [0.1178, 1.1305])
    >>> round(float(Beta(1e8, 1e8).entropy()), 6)
    -8.831123
    """

    specification = (Positive("concentration1"), Positive("concentration0"))
    support = UNIT_INTERVAL
    concentration1: Array
    concentration0: Array
    log_concentration1: Array
    log_concentration0: Array

    def __init__(
        self,
        concentration1: Any = None,
        concentration0: Any = None,
        *,
        log_concentration1: Any = None,
        log_concentration0: Any = None,
    ) -> None:
        super().__init__(
            concentration1=concentration1,
            concentration0=concentration0,
            log_concentration1=log_concentration1,
            log_concentration0=log_concentration0,
        )

    @property
    def concentrations(self) -> Array:
        """Both concentrations, (α, β), along a new last axis."""
        return pair(self.core.concentration1.value, self.core.concentration0.value)

    @property
    def mean(self) -> Array:
        alpha = self.concentrations
        return alpha[..., 0] / parts.total(alpha)[..., 0]

    @property
    def variance(self) -> Array:
        alpha = self.concentrations
        whole = parts.total(alpha)[..., 0]
        return (alpha[..., 0] / whole) * (alpha[..., 1] / whole) / (whole + 1.0)

    def _log_prob(self, x: Array) -> Array:
        return parts.log_density(self.concentrations, pair(x, 1.0 - x))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha, beta = self.core.concentration1.value, self.core.concentration0.value
        slopes = parts.grad_log_density(self.concentrations, pair(x, 1.0 - x))
        return split(self, slopes), lambda: (alpha - 1.0) / x - (beta - 1.0) / (1.0 - x)

    def _entropy(self) -> Array:
        return parts.entropy(self.concentrations)

    def _grad_entropy(self) -> Gradients:
        return split(self, parts.grad_entropy(self.concentrations))

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        draws = parts.draw_parts(rng, self.concentrations, (*shape, 2))[..., 0]
        return keep_inside(self.array(draws))

    @property
    def noise_shape(self) -> Shape:
        return (2,)

    def _rsample(self, noise: Array) -> Array:
        return keep_inside(parts.parts_of_noise(self.concentrations, noise)[..., 0])


def pair(first: Array, second: Array) -> Array:
    """Return two arrays, broadcast, side by side along a new last axis."""
    xp = namespace(first)
    return xp.stack(xp.broadcast_arrays(first, second), axis=-1)


def split(dist: Beta, gradient: Array) -> Gradients:
    """Return the gradient in (α, β) along the last axis as one of each parameter."""
    alpha, beta = dist.core.concentration1.value, dist.core.concentration0.value
    return {
        "concentration1": gradient[..., 0],
        "concentration0": gradient[..., 1],
        "log_concentration1": lambda: gradient[..., 0] * alpha,
        "log_concentration0": lambda: gradient[..., 1] * beta,
    }
