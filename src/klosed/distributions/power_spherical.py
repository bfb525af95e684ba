"""The power spherical distribution. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._concentrations import parts_of_noise
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
    digamma_difference,
    digamma_minus_log_difference,
    lgamma_bregman,
    lgamma_difference,
    log_ratio,
    trigamma_minus_reciprocal,
)
from klosed.special.stirling import stirling_remainder

__all__ = ["PowerSpherical", "Tilt"]


class PowerSpherical(Distribution):
    r"""Power spherical distribution on the unit sphere in d dimensions.

    .. math:: \log p(x) = \kappa \log\frac{1 + \mu^\top x}{2} + \log\frac{\Gamma(\alpha + \beta)}
        {\Gamma(\alpha)} - \log\frac{\Gamma(2\beta)}{\Gamma(\beta)} - \log S_d, \qquad
        \beta = \frac{d - 1}{2}, \quad \alpha = \beta + \kappa

    Parameters
    ----------
    mean_direction : array (..., d)
        μ, a vector of any positive length, of which only the direction counts. The gradient is
        that of the normalised vector: tangent to the sphere where the length is 1.
    concentration, log_concentration : array
        κ > 0 or log κ; exactly one of them. κ = 0 would be `SphericalUniform`.

    Notes
    -----
    S_d is the area of the sphere. Entropy log S_d less the KL from the uniform distribution.
    (1 + μᵀx)/2 is a Beta(α, β) draw: of the d + 2 numbers of noise that `rsample` takes a draw, the
    first two are uniform on (0, 1) and make it; the others, standard normal, are the direction
    across μ. De Cao and Aziz (2020), "The power spherical distribution", arXiv:2006.04437,
    equations 6 to 9.

    Examples
    --------
    >>> from klosed import PowerSpherical
    >>> q = PowerSpherical([0.0, 0.0, 1.0], concentration=2.0)
    >>> round(float(q.log_prob([0.0, 0.6, 0.8])), 4), q.mean.tolist()
    (-1.6431, [0.0, 0.0, 0.5])
    >>> round(float(q.entropy()), 4)
    2.0991
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
    def tilt(self) -> Tilt:
        """The distribution of 1 + cos θ alone."""
        return Tilt(self.core.concentration.value, self.event_shape[0])

    @property
    def mean(self) -> Array:
        return self._expand(self.tilt.mean[..., None] * self._axis())

    @property
    def variance(self) -> Array:
        square = self._axis() ** 2
        along, across = self.tilt.variances
        return self._expand(along[..., None] * square + across[..., None] * (1.0 - square))

    def _axis(self) -> Array:
        return unit(self.core.mean_direction)

    def _log_prob(self, x: Array) -> Array:
        angle = Angle(self.core.mean_direction, x)
        tilt = self.tilt
        log_constant = tilt.log_constant - log_sphere_area(self.event_shape[0])
        return log_constant + tilt.concentration * _log_half(angle)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        angle = Angle(self.core.mean_direction, x)
        tilt = self.tilt
        pull = (tilt.concentration / angle.one_plus_cos)[..., None]
        return {
            "mean_direction": lambda: pull * angle.slope_a,
            "log_concentration": lambda: tilt.concentration * (_log_half(angle) - tilt.mean_log),
        }, lambda: pull * angle.slope_b

    def _entropy(self) -> Array:
        return log_sphere_area(self.event_shape[0]) - self.tilt.information

    def _grad_entropy(self) -> Gradients:
        return {"log_concentration": lambda: -self.tilt.grad_information}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        beta = 0.5 * (shape[-1] - 1)
        alpha = as_numpy(self.tilt.concentration) + beta
        # the two parts of a beta draw keep the digits of the smaller one
        up, down = rng.standard_gamma(alpha, shape[:-1]), rng.standard_gamma(beta, shape[:-1])
        one_minus_cos = 2.0 * down / (up + down)
        return self.array(draw_around(rng, self.core.mean_direction, one_minus_cos, shape))

    @property
    def noise_shape(self) -> Shape:
        return (self.event_shape[0] + 2,)

    def _rsample(self, noise: Array) -> Array:
        xp = namespace(noise)
        axis = self._axis()
        h = self.tilt.one_minus_cos_of_noise(noise[..., :2])[..., None]
        return (1.0 - h) * axis + xp.sqrt(h * (2.0 - h)) * at_right_angles(axis, noise[..., 2:])


class Tilt:
    """The distribution of 1 + cos θ: twice a Beta(α, β) draw, α = β + κ, β = (d − 1)/2."""

    def __init__(self, concentration: Array, dimension: int) -> None:
        self.concentration, self.beta = concentration, 0.5 * (dimension - 1)
        self._alpha = concentration + self.beta

    def one_minus_cos_of_noise(self, noise: Array) -> Array:
        """Return a draw of 1 − cos θ for two uniform numbers along the last axis."""
        alpha = self._alpha
        both = namespace(alpha).stack([alpha, 0.0 * alpha + self.beta], axis=-1)
        return 2.0 * parts_of_noise(both, noise)[..., 1]

    @property
    def mean(self) -> Array:
        """Return E[cos θ] = κ/(κ + 2β)."""
        return self.concentration / (self._alpha + self.beta)

    @property
    def one_minus_mean(self) -> Array:
        """Return 1 − E[cos θ] = 2β/(κ + 2β)."""
        return 2.0 * self.beta / (self._alpha + self.beta)

    @property
    def variances(self) -> tuple[Array, Array]:
        """Return the variance along the mean direction and that across it."""
        alpha, beta = self._alpha, self.beta
        across = 2.0 * alpha / (alpha + beta) / (alpha + beta + 1.0)
        return across * (2.0 * beta / (alpha + beta)), across

    @property
    def mean_log(self) -> Array:
        """Return E[log((1 + cos θ)/2)] = ψ(α) − ψ(α + β)."""
        return -digamma_difference(self._alpha + self.beta, self._alpha, self.beta)

    @property
    def log_constant(self) -> Array:
        """Return log(Γ(α + β)Γ(β)/(Γ(α)Γ(2β)))."""
        beta, zero = self.beta, 0.0 * self.concentration
        return lgamma_difference(self._alpha + beta, self._alpha, beta) - lgamma_difference(
            2.0 * beta + zero, beta + zero, beta
        )

    @property
    def information(self) -> Array:
        """Return the KL divergence of the uniform distribution from this one, in nats."""
        kappa, alpha, beta = self.concentration, self._alpha, self.beta
        far = self.log_constant + kappa * self.mean_log
        near = self._bregman(beta, alpha, -kappa) - self._bregman(2 * beta, alpha + beta, -kappa)
        return self._choose(near, far)

    @property
    def grad_information(self) -> Array:
        """Return κ times the derivative of `information` in κ."""
        alpha, beta, kappa = self._alpha, self.beta, self.concentration
        slope = beta / alpha / (alpha + beta) + (
            trigamma_minus_reciprocal(alpha) - trigamma_minus_reciprocal(alpha + beta)
        )
        return kappa * (kappa * slope)

    @property
    def remainder(self) -> Array:
        """Return log(Γ(α + β)/Γ(α)) − β log(α + β) + β − κ(ψ(α + β) − ψ(α)), small for large κ."""
        alpha, beta = self._alpha, self.beta
        whole = alpha + beta
        logs = (beta - 0.5) * log_ratio(whole, alpha, beta)
        rest = stirling_remainder(whole) - stirling_remainder(alpha)
        return logs + rest - self.concentration * digamma_minus_log_difference(whole, alpha, beta)

    @property
    def information_from(self) -> Array:
        """Return the KL divergence of this distribution from the uniform one, in nats."""
        kappa, alpha, beta = self.concentration, self._alpha, self.beta
        far = kappa * self._mean_log_of_uniform - self.log_constant
        near = self._bregman(alpha, beta, kappa) - self._bregman(alpha + beta, 2 * beta, kappa)
        return self._choose(near, far)

    @property
    def grad_information_from(self) -> Array:
        """Return κ times the derivative of `information_from` in κ."""
        kappa, alpha, beta = self.concentration, self._alpha, self.beta
        zero = 0.0 * kappa
        near = digamma_difference(alpha, beta + zero, kappa) - digamma_difference(
            alpha + beta, 2.0 * beta + zero, kappa
        )
        return kappa * self._choose(near, self._mean_log_of_uniform + self.mean_log)

    @property
    def _mean_log_of_uniform(self) -> Array:
        # ψ(2β) − ψ(β)
        beta, zero = self.beta, 0.0 * self.concentration
        return digamma_difference(2.0 * beta + zero, beta + zero, beta)

    def _bregman(self, y: float | Array, x: float | Array, step: Array) -> Array:
        return lgamma_bregman(y + 0.0 * step, x + 0.0 * step, step)

    def _choose(self, near: Array, far: Array) -> Array:
        return namespace(near).where(self.concentration < 5.0 * self.beta, near, far)


def _log_half(angle: Angle) -> Array:
    """Return log((1 + cos θ)/2)."""
    h, k = angle.one_minus_cos, angle.one_plus_cos
    xp = namespace(h)
    near = h < k
    return xp.where(near, xp.log1p(-0.5 * xp.where(near, h, 0.0)), xp.log(0.5 * k))
