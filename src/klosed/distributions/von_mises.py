"""The von Mises distribution of angles. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, clip, constant, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._parameters import Positive, Real
from klosed.distributions._sampling import as_numpy
from klosed.distributions.supports import CIRCLE
from klosed.special import (
    bessel_complement,
    bessel_slope,
    log_bessel_bregman,
    log_bessel_scaled,
    two_sum,
    von_mises_quantile,
)

__all__ = ["Turn", "VonMises"]

_LOG_2PI = math.log(2.0 * math.pi)


class VonMises(Distribution):
    r"""Von Mises distribution of angles in radians.

    .. math:: \log p(x) = \kappa \cos(x - \mu) - \log\left(2\pi I_0(\kappa)\right)

    Parameters
    ----------
    loc : array
        μ, any real number: an angle in radians.
    concentration, log_concentration : array
        κ > 0 or log κ; exactly one of them.

    Notes
    -----
    The density is periodic; draws lie in [−π, π]. Entropy log 2π less the KL from the uniform
    distribution. There is no `mean`, which a circle lacks, but a `circular_mean`. `rsample` takes
    standard normal noise, with which draws turn from μ, by the quantile; it takes 15 µs a draw.
    Mardia and Jupp (2000), "Directional statistics", section 3.5.4.

    Examples
    --------
    >>> from klosed import VonMises
    >>> q = VonMises([0.0, 1.0], concentration=2.0)
    >>> q.log_prob(1.0).round(4).tolist()
    [-1.5813, -0.6619]
    >>> q.entropy().round(4).tolist(), q.circular_variance.round(4).tolist()
    ([1.2663, 1.2663], [0.3022, 0.3022])
    """

    specification = (Real("loc"), Positive("concentration"))
    support = CIRCLE
    loc: Array
    concentration: Array
    log_concentration: Array

    def __init__(
        self, loc: Any, concentration: Any = None, *, log_concentration: Any = None
    ) -> None:
        super().__init__(loc=loc, concentration=concentration, log_concentration=log_concentration)

    @property
    def circular_mean(self) -> Array:
        """μ, the angle of E[exp(ix)], of the batch shape."""
        return self._expand(self.core.loc)

    @property
    def circular_variance(self) -> Array:
        """1 − |E[exp(ix)]| = 1 − I₁(κ)/I₀(κ), of the batch shape."""
        return self._expand(bessel_complement(self.core.concentration.value, 0.0))

    def _log_prob(self, x: Array) -> Array:
        kappa = self.core.concentration.value
        pull = kappa * Turn(x, self.core.loc).one_minus_cos
        return -pull - (_LOG_2PI + log_bessel_scaled(kappa, 0.0))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        kappa, turn = self.core.concentration.value, Turn(x, self.core.loc)
        slope = kappa * turn.sin
        return {
            "loc": slope,
            "log_concentration": lambda: (
                kappa * (bessel_complement(kappa, 0.0) - turn.one_minus_cos)
            ),
        }, -slope

    def _entropy(self) -> Array:
        kappa = self.core.concentration.value
        return _LOG_2PI - log_bessel_bregman(0.0 * kappa, kappa, 0.0, -kappa)

    def _grad_entropy(self) -> Gradients:
        kappa = self.core.concentration.value
        return {"log_concentration": lambda: -kappa * (kappa * bessel_slope(kappa, 0.0))}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        loc, kappa = as_numpy(self.core.loc), as_numpy(self.core.concentration.value)
        return self.array(rng.vonmises(loc, kappa, shape))

    def _rsample(self, noise: Array) -> Array:
        x = self.core.loc + von_mises_quantile(self.core.concentration.value, noise)
        turns = constant(namespace(x).round(x / (2.0 * math.pi)))
        return clip(x - 2.0 * math.pi * turns, -math.pi, math.pi)


class Turn:
    """The angle x − y, taken with the rounding error of the subtraction."""

    def __init__(self, x: Array, y: Array) -> None:
        self._angle, self._rest = two_sum(x, -y)
        self._xp = namespace(self._angle)

    @property
    def sin(self) -> Array:
        """Return sin(x − y), to the last digits also near multiples of π."""
        return self._xp.sin(self._angle) + self._rest * self._xp.cos(self._angle)

    @property
    def one_minus_cos(self) -> Array:
        """Return 1 − cos(x − y) = 2 sin²((x − y)/2)."""
        half, rest = 0.5 * self._angle, 0.5 * self._rest
        sin = self._xp.sin(half) + rest * self._xp.cos(half)
        return 2.0 * sin * sin
