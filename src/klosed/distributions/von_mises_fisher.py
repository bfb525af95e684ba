"""The von Mises–Fisher distribution of directions. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._directions import (
    Angle,
    Direction,
    at_right_angles,
    draw_around,
    log_sphere_area,
    unit,
)
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import as_numpy
from klosed.distributions.supports import SPHERE
from klosed.special import (
    bessel_complement,
    bessel_ratio,
    bessel_slope,
    fisher_quantile,
    log_bessel_bregman,
    log_bessel_scaled,
)

__all__ = ["VonMisesFisher"]


class VonMisesFisher(Distribution):
    r"""Von Mises–Fisher distribution on the unit sphere in d dimensions.

    .. math:: \log p(x) = \kappa \mu^\top x - G(\kappa) - \log S_d, \qquad
        G(\kappa) = \log\left[\Gamma(\nu + 1)
        \left(\tfrac 2\kappa\right)^{\nu} I_\nu(\kappa)\right], \quad \nu = \tfrac d2 - 1

    Parameters
    ----------
    mean_direction : array (..., d)
        μ, a vector of any positive length, of which only the direction counts. The gradient is
        that of the normalised vector: tangent to the sphere where the length is 1.
    concentration, log_concentration : array
        κ > 0 or log κ; exactly one of them. κ = 0 would be `SphericalUniform`.

    Notes
    -----
    S_d is the area of the sphere. Entropy log S_d less the KL from the uniform distribution. Draws
    of `sample` by rejection from a wrapped beta: Wood (1994), "Simulation of the von Mises Fisher
    distribution", doi:10.1080/03610919408813161. `rsample` takes d + 1 standard normal numbers a
    draw: the first is the angle from μ, by the quantile, the others are the direction across it;
    it takes 28 µs a draw. Mardia and Jupp (2000), "Directional statistics", section 9.3.2.

    Examples
    --------
    >>> from klosed import VonMisesFisher
    >>> q = VonMisesFisher([0.0, 0.0, 1.0], concentration=2.0)
    >>> round(float(q.log_prob([0.0, 0.6, 0.8])), 4), q.mean.round(4).tolist()
    (-1.5262, [0.0, 0.0, 0.5373])
    >>> round(float(q.entropy()), 4)
    2.0516
    """

    specification = (Direction("mean_direction"), Positive("concentration"))
    support = SPHERE
    mean_direction: Array
    concentration: Array
    log_concentration: Array

    def __init__(
        self, mean_direction: Any, concentration: Any = None, *, log_concentration: Any = None
    ) -> None:
        super().__init__(
            mean_direction=mean_direction,
            concentration=concentration,
            log_concentration=log_concentration,
        )

    @property
    def event_shape(self) -> Shape:
        return (self.core.mean_direction.shape[-1],)

    @property
    def order(self) -> float:
        """ν = d/2 − 1, the order of the Bessel functions."""
        return 0.5 * self.event_shape[0] - 1.0

    @property
    def mean(self) -> Array:
        length = bessel_ratio(self.core.concentration.value, self.order)
        return self._expand(length[..., None] * self._axis())

    @property
    def variance(self) -> Array:
        kappa, square = self.core.concentration.value, self._axis() ** 2
        along = bessel_slope(kappa, self.order)[..., None]
        across = (bessel_ratio(kappa, self.order) / kappa)[..., None]
        return self._expand(along * square + across * (1.0 - square))

    def _axis(self) -> Array:
        return unit(self.core.mean_direction)

    def _log_prob(self, x: Array) -> Array:
        kappa = self.core.concentration.value
        pull = kappa * Angle(self.core.mean_direction, x).one_minus_cos
        area = log_sphere_area(self.event_shape[0])
        return -pull - (log_bessel_scaled(kappa, self.order) + area)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        kappa, angle = self.core.concentration.value, Angle(self.core.mean_direction, x)
        return {
            "mean_direction": lambda: kappa[..., None] * angle.slope_a,
            "log_concentration": lambda: (
                kappa * (bessel_complement(kappa, self.order) - angle.one_minus_cos)
            ),
        }, lambda: kappa[..., None] * angle.slope_b

    def _entropy(self) -> Array:
        kappa = self.core.concentration.value
        gain = log_bessel_bregman(0.0 * kappa, kappa, self.order, -kappa)
        return log_sphere_area(self.event_shape[0]) - gain

    def _grad_entropy(self) -> Gradients:
        kappa = self.core.concentration.value
        return {"log_concentration": lambda: -kappa * (kappa * bessel_slope(kappa, self.order))}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        kappa = np.broadcast_to(as_numpy(self.core.concentration.value), shape[:-1])
        one_minus_cos = _draw_one_minus_cos(rng, kappa, shape[-1])
        return self.array(draw_around(rng, self.core.mean_direction, one_minus_cos, shape))

    @property
    def noise_shape(self) -> Shape:
        return (self.event_shape[0] + 1,)

    def _rsample(self, noise: Array) -> Array:
        axis, kappa = self._axis(), self.core.concentration.value
        xp = namespace(noise)
        t = fisher_quantile(kappa, noise[..., 0], self.event_shape[0])[..., None]
        return xp.cos(t) * axis + xp.sin(t) * at_right_angles(axis, noise[..., 1:])


def _draw_one_minus_cos(
    rng: np.random.Generator, kappa: NDArray[np.float64], d: int
) -> NDArray[np.float64]:
    """Draw 1 − cos θ by rejection, in Wood's steps but counted from the mean direction."""
    n = d - 1.0
    # b = (1 − x₀)/(1 + x₀), where x₀ is the best tilt of the proposal
    b = n / (2.0 * kappa + np.hypot(2.0 * kappa, n))
    accepted = np.full(kappa.shape, np.nan)
    while (open_ := np.isnan(accepted)).any():
        tilt, k = b[open_], kappa[open_]
        z = rng.beta(0.5 * n, 0.5 * n, tilt.shape)
        h = 2.0 * tilt * z / (1.0 - (1.0 - tilt) * z)
        # 1 − x₀ and (1 − x₀ cos θ)/(1 − x₀²)
        low = 2.0 * tilt / (1.0 + tilt)
        spread = (low + (1.0 - low) * h) / (low * (2.0 - low))
        log_ratio = k * (low - h) + n * np.log(spread)
        keep = log_ratio >= np.log(rng.random(tilt.shape))
        accepted[open_] = np.where(keep, h, np.nan)
    return accepted
