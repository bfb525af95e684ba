"""The continuous Bernoulli distribution on [0, 1]. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._probabilities import Probability
from klosed.distributions.supports import Interval
from klosed.special import log1mexp, log_ratio
from klosed.special.langevin import langevin, langevin_slope, log_sinhc, log_sinhc_bregman

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Distribution):
    r"""Continuous Bernoulli distribution: the density on [0, 1] proportional to πˣ (1 − π)¹⁻ˣ.

    .. math:: \log p(x) = \left(x - \tfrac12\right)\eta - L(\eta / 2), \qquad
       \eta = \log\frac{\pi}{1 - \pi}, \quad L(t) = \log\frac{\sinh t}{t}

    Parameters
    ----------
    probs, logits : array
        π strictly between 0 and 1, or η, any real number; exactly one of them.

    Notes
    -----
    Mean ½ + ½ L'(η/2), variance ¼ L''(η/2), entropy −KL from the uniform distribution. `rsample`
    takes noise that is uniform on [0, 1]. Loaiza-Ganem and Cunningham (2019), "The continuous
    Bernoulli: fixing a pervasive error in variational autoencoders", arXiv:1907.06845, equations
    8 to 10.

    Examples
    --------
    >>> from klosed import ContinuousBernoulli
    >>> q = ContinuousBernoulli(logits=[0.0, 2.0, -500.0])
    >>> q.mean.round(4).tolist(), q.log_prob(1.0).round(4).tolist()
    ([0.5, 0.6565, 0.002], [0.0, 0.8386, -493.7854])
    >>> float(ContinuousBernoulli(probs=0.5).entropy())
    0.0
    """

    specification = (Probability(low_closed=False, high_closed=False),)
    support = Interval(0.0, 1.0, low_closed=True, high_closed=True)
    probs: Array
    logits: Array

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        super().__init__(probs=probs, logits=logits)

    @property
    def tilt(self) -> Array:
        """Half the logit, to the last digits also where the probability is near ½."""
        q = self.core.probs
        if q.given_as_logits:
            return 0.5 * q.given
        return 0.5 * log_ratio(q.value, q.complement, 2.0 * (q.value - 0.5))

    @property
    def mean(self) -> Array:
        t = self.tilt
        xp = namespace(t)
        far = t < -1.0
        # 1/τ − 1/(exp(τ) − 1) with τ = −η: ½ + ½ L' would cancel
        tau = -2.0 * xp.where(far, t, -1.0)
        return xp.where(far, 1.0 / tau - 1.0 / xp.expm1(tau), 0.5 + 0.5 * langevin(t))

    @property
    def variance(self) -> Array:
        return 0.25 * langevin_slope(self.tilt)

    def _log_prob(self, x: Array) -> Array:
        t = self.tilt
        xp = namespace(t)
        size = 2.0 * xp.abs(t)
        large = size > 2.0
        # at the likely end of [0, 1] the two terms of the usual form cancel
        decay = xp.where(large, size, 2.0)
        from_end = xp.log(decay) - log1mexp(decay) - decay * xp.where(t > 0.0, 1.0 - x, x)
        return xp.where(large, from_end, 2.0 * t * (x - 0.5) - log_sinhc(t))

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        return {"logits": lambda: x - self.mean}, lambda: 2.0 * self.tilt

    def _entropy(self) -> Array:
        t = self.tilt
        return 0.0 - log_sinhc_bregman(0.0 * t, t, -t)  # not −0 where uniform

    def _grad_entropy(self) -> Gradients:
        return {"logits": lambda: -2.0 * self.tilt * self.variance}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self._rsample(self.array(rng.random(shape)))

    def _rsample(self, noise: Array) -> Array:
        eta = 2.0 * self.tilt
        xp = namespace(eta)
        small = xp.abs(eta) < 1e-5
        size = xp.where(small, 1.0, xp.abs(eta))
        # counted from the likely end, as log(v + (1 − v) exp(−|η|)) without its cancellation
        tail = xp.where(eta > 0.0, 1.0 - noise, noise)
        from_end = -xp.log1p(tail * xp.expm1(-size)) / size
        curve = noise * (1.0 - noise)
        near_uniform = noise + eta * curve * (0.5 + eta * (1.0 - 2.0 * noise) / 6.0)
        return xp.where(small, near_uniform, xp.where(eta > 0.0, 1.0 - from_end, from_end))
