"""The Poisson distribution on the counts 0, 1, 2, … Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._count_entropy import grad_poisson_entropy, poisson_entropy
from klosed.distributions._counts import Counts, log_poisson
from klosed.distributions._sampling import as_numpy
from klosed.distributions._sizes import Rate
from klosed.distributions.supports import NONNEGATIVE_INTEGERS, Support

__all__ = ["Poisson"]


class Poisson(Distribution):
    r"""Poisson distribution with rate λ, the mean count.

    .. math:: \log p(x) = x \log\lambda - \lambda - \log x!

    Parameters
    ----------
    rate, log_rate : array
        λ ≥ 0 or log λ; exactly one of them. At λ = 0 every count is 0.

    Notes
    -----
    The density is Loader's (2000, "Fast and accurate computation of binomial probabilities"),
    which keeps its digits for large counts. The entropy has no elementary closed form; it is

    .. math:: H = \log\Gamma(1 + \lambda) - \lambda \log\lambda + \lambda
       + \int_0^\infty \left(e^{-\lambda s} - e^{-\lambda t}\right) \frac{e^{-t}}{s\,t}\,dt,
       \qquad s = 1 - e^{-t}

    after Cheraghchi (2018), arXiv:1708.06394, by a rule of 49 points. Measured against mpmath, λ of
    1e-12 … 1e12: 3e-16 relative, gradient 3e-16, float32 2e-7. There is no `rsample`.

    Examples
    --------
    >>> from klosed import Poisson
    >>> q = Poisson(rate=[0.0, 2.0])
    >>> q.log_prob(0.0).tolist(), q.entropy().round(4).tolist()
    ([0.0, -2.0], [0.0, 1.7049])
    """

    specification = (Rate(),)
    rate: Array
    log_rate: Array

    def __init__(self, rate: Any = None, *, log_rate: Any = None) -> None:
        super().__init__(rate=rate, log_rate=log_rate)

    @property
    def support(self) -> Support:
        rate = self.core.rate
        if rate.given_as_log:
            return NONNEGATIVE_INTEGERS
        return Counts.unless(rate.given == 0.0, rate.given)

    @property
    def mean(self) -> Array:
        return self.core.rate.value

    @property
    def variance(self) -> Array:
        return self.core.rate.value

    def _log_prob(self, x: Array) -> Array:
        return log_poisson(x, self.core.rate)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        rate = self.core.rate.value
        return {
            "log_rate": lambda: x - rate,
            "rate": lambda: namespace(x).where(x > 0.0, (x - rate) / rate, -1.0),
        }, None

    def _entropy(self) -> Array:
        return poisson_entropy(self.core.rate.value)

    def _grad_entropy(self) -> Gradients:
        rate = self.core.rate.value
        return {
            "log_rate": lambda: rate * grad_poisson_entropy(rate),
            "rate": lambda: grad_poisson_entropy(rate),
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.array(rng.poisson(as_numpy(self.core.rate.value), shape))
