"""KL from a distribution of positive numbers to a gamma or exponential one, by its mean.

Imports only distributions and below.
"""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Exponential, Gamma
from klosed.distributions._base import Distribution, Gradients
from klosed.distributions._gamma import log_peak
from klosed.distributions._parameters import PositiveValue
from klosed.divergences._gamma import fixed
from klosed.special import bd0, digamma_minus_log, log_ratio

__all__ = ["ToGamma"]


class ToGamma:
    r"""The parts of KL(q‖p) for p = Gamma(c, β); an exponential p is Gamma(1, rate).

    .. math::
        \mathrm{KL} = \left(c\log\frac cs + s - c\right) + (c - 1)J
        + \bigl(\log\Gamma(c) + c - c\log c\bigr) + \log\operatorname{E} x - H(q), \qquad
        s = \beta\operatorname{E} x, \quad J = \log\operatorname{E} x - \operatorname{E}\log x \ge 0

    Parameters
    ----------
    mean : PositiveValue
        E x under q.
    spread : array
        J.
    """

    def __init__(
        self, q: Distribution, mean: PositiveValue, spread: Array, p: Gamma | Exponential
    ) -> None:
        self.spread = spread
        self._rate = p.core.rate
        if isinstance(p, Gamma):
            self._concentration = p.core.concentration
        else:
            self._concentration = fixed(1.0, beside=mean, of=q)
        self.c = self._concentration.value
        self.s = self._rate.multiply(mean.value)
        self._log_s = self._rate.log + mean.log

    def value(self, own: Array) -> Array:
        """Return KL in nats, given log E x − H(q)."""
        xp = namespace(self.s)
        tiny = float(xp.finfo(self.s.dtype).smallest_normal)
        lost = self.s < tiny
        far = self.c * (self._concentration.log - self._log_s - 1.0)
        excess = xp.where(lost, far, bd0(self.c, xp.where(lost, self.c, self.s)))
        bent = xp.where(self.c == 1.0, 0.0, (self.c - 1.0) * self.spread)
        return excess + ((own - log_peak(self.c)) + bent)

    @property
    def of_log_mean(self) -> Array:
        """Return the gradient in log E x, the spread J being held: that in log β too."""
        return self.s - self.c

    @property
    def of_p(self) -> Gradients:
        """Return the gradient in p's parameters."""

        def of_log_concentration() -> Array:
            slope = log_ratio(self.c, self.s) + digamma_minus_log(self.c) + self.spread
            return self.c * slope

        return {"log_rate": lambda: self.of_log_mean, "log_concentration": of_log_concentration}
