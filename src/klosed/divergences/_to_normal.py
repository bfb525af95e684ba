"""KL from any distribution to a normal one, by its mean and spread.

Imports only distributions and below.
"""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Normal
from klosed.distributions._base import Gradients
from klosed.distributions._parameters import PositiveValue
from klosed.special import phi_ratio

__all__ = ["ToNormal"]


class ToNormal:
    r"""The parts of KL(q‖p) for a normal p.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12 (r - 1)^2 + \tfrac12 z^2 + J, \qquad
        r = \frac{\operatorname{sd} q}{\sigma}, \quad z = \frac{\operatorname{E} q - \mu}{\sigma}

    J ≥ 0 is the KL of q from the normal distribution of its own mean and spread; the rest is that
    of the latter from p.

    Parameters
    ----------
    offset : array
        E q − μ.
    spread : PositiveValue
        The standard deviation of q.
    rounded_off : array, optional
        What rounding has taken from `spread`, relative to it.
    """

    def __init__(
        self, offset: Array, spread: PositiveValue, p: Normal, rounded_off: Array | None = None
    ) -> None:
        self._scale = p.core.scale
        self.ratio = spread / p.core.scale
        self.z = p.core.scale.divide(offset)
        self._t, self._excess = self.ratio.minus_one, self.ratio.excess
        if rounded_off is not None:
            xp = namespace(self._t)
            near = xp.abs(self._t) < 0.5
            r = xp.where(near, self.ratio.value, 1.0)
            better = xp.where(near, self._t + r * rounded_off, 0.0)
            self._excess = xp.where(near, phi_ratio(r, 1.0, better), self._excess)
            self._t = xp.where(near, better, self._t)

    def value(self, own: Array | float) -> Array:
        """Return KL in nats, given J."""
        t, z = self._t, self.z
        return (self._excess + own) + ((0.5 * t) * t + (0.5 * z) * z)

    @property
    def of_mean(self) -> Array:
        """Return the gradient in E q."""
        return self._scale.divide(self.z)

    @property
    def of_spread(self) -> Array:
        """Return the gradient in log sd q, J being held."""
        return self._t * (self._t + 2.0)

    def of_scale(self, scale: PositiveValue, multiple: float, lean: float = 0.0) -> Array:
        """Return the gradient in a scale of q, J being held.

        The standard deviation of q is `multiple` times the scale; its mean moves by `lean` times.
        """
        xp, t = namespace(self.z), self._t
        drift = lean * self.z if lean else xp.zeros_like(self.z)  # z may be infinite
        near = self.of_spread / scale.value + self._scale.divide(drift)
        # (r² − 1)/scale for large r, where r² may overflow
        far = self._scale.divide(multiple * ((t + 2.0) * (t / self.ratio.value)) + drift)
        return xp.where(t <= 0, near, far)

    @property
    def of_p(self) -> Gradients:
        """Return the gradient in p's parameters."""
        t = self._t
        return {
            "loc": lambda: -self.of_mean,
            "log_scale": lambda: -(self.of_spread + self.z * self.z),
            "scale": lambda: -((t + 2.0) * self._scale.divide(t) + self.z * self.of_mean),
        }
