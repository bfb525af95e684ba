"""The Bernoulli distribution on {0, 1}. Imports nothing from klosed above special."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._probabilities import Probability
from klosed.distributions._sampling import as_numpy
from klosed.distributions._sizes import product
from klosed.distributions.supports import Integers, Support

__all__ = ["Bernoulli"]


class Bernoulli(Distribution):
    r"""Bernoulli distribution: 1 with probability π, else 0.

    .. math:: \log p(x) = x \log\pi + (1 - x) \log(1 - \pi)

    Parameters
    ----------
    probs, logits : array
        π in [0, 1], or log(π/(1 − π)), any real number; exactly one of them. Logits keep the
        digits of both π and 1 − π, and reach odds that a floating-point π cannot.

    Notes
    -----
    Entropy −π log π − (1 − π) log(1 − π). It cannot be reparameterised: there is no `rsample`.
    Johnson, Kemp and Kotz (2005), "Univariate discrete distributions", 3rd ed., section 3.1.

    Examples
    --------
    >>> from klosed import Bernoulli
    >>> q = Bernoulli(probs=[0.5, 1.0])
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-0.6931, 0.0], [0.6931, 0.0])
    >>> float(Bernoulli(logits=-1000.0).log_prob(1.0))
    -1000.0
    """

    specification = (Probability(),)
    probs: Array
    logits: Array

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        super().__init__(probs=probs, logits=logits)

    @property
    def support(self) -> Support:
        zero, one = self.core.probs.possible
        return Integers(1.0 - zero, one)

    @property
    def mean(self) -> Array:
        return self.core.probs.value

    @property
    def variance(self) -> Array:
        return self.core.probs.variance

    def _log_prob(self, x: Array) -> Array:
        xp = namespace(x)
        return xp.where(x > 0.5, self.core.probs.log, self.core.probs.log_complement)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        q, one = self.core.probs, x > 0.5
        where = namespace(x).where
        return {
            "logits": lambda: where(one, q.complement, -q.value),
            "probs": lambda: where(one, 1.0 / q.value, -1.0 / q.complement),
        }, None

    def _entropy(self) -> Array:
        q = self.core.probs
        # not −a − b, which is −0 for a certain outcome
        return 0.0 - product(q.value, q.log) - product(q.complement, q.log_complement)

    def _grad_entropy(self) -> Gradients:
        q = self.core.probs
        return {"logits": lambda: -q.logits * q.variance, "probs": lambda: -q.logits}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return self.array(rng.random(shape) < as_numpy(self.core.probs.value))
