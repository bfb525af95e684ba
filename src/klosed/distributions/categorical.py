"""The categorical distribution on the class numbers 0 … K − 1. Imports nothing above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._categories import (
    Categories,
    ClassNumbers,
    draw_class_numbers,
    grad_entropy,
    total,
)
from klosed.distributions.supports import Support

__all__ = ["Categorical"]


class Categorical(Distribution):
    r"""Categorical distribution: class number k with probability πₖ.

    .. math:: \log p(k) = \log\pi_k, \qquad \pi = \frac{\text{probs}}{\sum \text{probs}}
       = \frac{\exp(\text{logits})}{\sum \exp(\text{logits})}

    Parameters
    ----------
    probs, logits : array
        Shape (…, K); exactly one of them. probs are nonnegative, logits any numbers below inf;
        both are normalised over the last axis. A category of probs 0 or logit −inf never occurs.

    Notes
    -----
    Entropy −Σ πₖ log πₖ. mean and variance are those of the class number. There is no `rsample`.

    Examples
    --------
    >>> from klosed import Categorical
    >>> q = Categorical(probs=[1.0, 2.0, 1.0])
    >>> q.log_prob([0.0, 1.0]).round(4).tolist(), round(float(q.entropy()), 4)
    ([-1.3863, -0.6931], 1.0397)
    """

    specification = (Categories(),)
    probs: Array
    logits: Array

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        super().__init__(probs=probs, logits=logits)

    @property
    def support(self) -> Support:
        pi = self.core.probs
        return ClassNumbers(0.0, float(pi.size - 1), pi=pi)

    @property
    def mean(self) -> Array:
        return self._expectation(self._numbers())

    @property
    def variance(self) -> Array:
        return self._expectation((self._numbers() - self.mean[..., None]) ** 2)

    def _numbers(self) -> Array:
        xp = namespace(self.core.probs.given)
        return self.array(xp.arange(self.core.probs.size))

    def _expectation(self, of: Array) -> Array:
        return total(self.core.probs.value * of)[..., 0]

    def _log_prob(self, x: Array) -> Array:
        return self.core.probs.at(x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        pi = self.core.probs
        xp = namespace(x)

        def grad_logits() -> Array:
            return xp.where(pi.hits(x), 1.0 - pi.value, -pi.value)

        def grad_probs() -> Array:
            everywhere = 1.0 / total(pi.given)
            return xp.where(pi.hits(x), 1.0 / pi.given - everywhere, -everywhere)

        return {"logits": grad_logits, "probs": grad_probs}, None

    def _entropy(self) -> Array:
        return self.core.probs.entropy

    def _grad_entropy(self) -> Gradients:
        return grad_entropy(self.core.probs)

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.array(draw_class_numbers(rng, self.core.probs, shape))
