"""The geometric distribution on the counts 0, 1, 2, … Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._counts import Counts
from klosed.distributions._probabilities import Probability
from klosed.distributions._sampling import as_numpy
from klosed.distributions._sizes import product
from klosed.distributions.supports import NONNEGATIVE_INTEGERS, Support

__all__ = ["Geometric"]


class Geometric(Distribution):
    r"""Geometric distribution: the number of failures before the first success.

    .. math:: \log p(x) = x \log(1 - \pi) + \log\pi, \qquad x = 0, 1, 2, \dots

    Parameters
    ----------
    probs, logits : array
        The probability π of success in (0, 1], or log(π/(1 − π)), any real number; exactly one
        of them.

    Notes
    -----
    Entropy −log π − (1 − π)/π · log(1 − π). There is no `rsample`.
    Johnson, Kemp and Kotz (2005), "Univariate discrete distributions", 3rd ed., section 5.2.

    Examples
    --------
    >>> from klosed import Geometric
    >>> q = Geometric(probs=[0.5, 1.0])
    >>> q.mean.tolist(), q.log_prob(1.0).round(4).tolist()
    ([1.0, 0.0], [-1.3863, -inf])
    """

    specification = (Probability(low_closed=False),)
    probs: Array
    logits: Array

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        super().__init__(probs=probs, logits=logits)

    @property
    def support(self) -> Support:
        probs = self.core.probs
        if probs.given_as_logits:
            return NONNEGATIVE_INTEGERS
        return Counts.unless(probs.given == 1.0, probs.given)

    @property
    def mean(self) -> Array:
        return self.core.probs.inverse_odds

    @property
    def variance(self) -> Array:
        return self.core.probs.inverse_odds / self.core.probs.value

    def _log_prob(self, x: Array) -> Array:
        return product(x, self.core.probs.log_complement) + self.core.probs.log

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        p = self.core.probs
        return {
            "logits": lambda: p.complement - x * p.value,
            "probs": lambda: 1.0 / p.value - product(x, 1.0 / p.complement),
        }, None

    def _entropy(self) -> Array:
        p = self.core.probs
        return p.waiting_surprise - p.log

    def _grad_entropy(self) -> Gradients:
        p = self.core.probs
        return {
            "logits": lambda: -p.waiting_surprise,
            "probs": lambda: p.log_complement / p.value / p.value,
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        # not NumPy's own sampler, which stops at 2⁶³
        noise = rng.standard_exponential(shape)
        return self.array(np.floor(noise / -as_numpy(self.core.probs.log_complement)))
