"""The categorical distribution on one-hot vectors. Imports nothing from klosed above special."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._categories import (
    Categories,
    CategoriesValue,
    VectorsOfCounts,
    draw_class_numbers,
    grad_entropy,
    total,
)
from klosed.distributions.supports import Support

__all__ = ["OneHotCategorical", "OneHots"]


@dataclass(frozen=True)
class OneHots(VectorsOfCounts):
    """Vectors with a single 1, in a category possible under `pi`, and else 0."""

    pi: CategoriesValue

    @property
    def trials(self) -> float:
        return 1.0

    @property
    def rule(self) -> str:
        return "one-hot over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        one = x == 1.0
        each = xp.all((x == 0.0) | (one & self.pi.possible), axis=-1)
        return each & (xp.sum(x, axis=-1) == 1.0)


class OneHotCategorical(Distribution):
    r"""Categorical distribution on the K one-hot vectors: vector k with probability πₖ.

    .. math:: \log p(x) = \sum_k x_k \log\pi_k, \qquad \pi = \frac{\text{probs}}{\sum \text{probs}}
       = \frac{\exp(\text{logits})}{\sum \exp(\text{logits})}

    Parameters
    ----------
    probs, logits : array
        Shape (…, K), as in `Categorical`; exactly one of them.

    Notes
    -----
    Entropy −Σ πₖ log πₖ. There is no `rsample`.

    Examples
    --------
    >>> from klosed import OneHotCategorical
    >>> q = OneHotCategorical(probs=[1.0, 2.0, 1.0])
    >>> q.mean.tolist(), round(float(q.log_prob([0.0, 1.0, 0.0])), 4)
    ([0.25, 0.5, 0.25], -0.6931)
    """

    specification = (Categories(),)
    probs: Array
    logits: Array

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        super().__init__(probs=probs, logits=logits)

    @property
    def support(self) -> Support:
        return OneHots(self.core.probs)

    @property
    def event_shape(self) -> Shape:
        return (self.core.probs.size,)

    @property
    def mean(self) -> Array:
        return self.core.probs.value

    @property
    def variance(self) -> Array:
        return self.core.probs.value * (1.0 - self.core.probs.value)

    def _log_prob(self, x: Array) -> Array:
        xp = namespace(x)
        return xp.sum(xp.where(x > 0.5, self.core.probs.log, 0.0), axis=-1)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        pi, xp = self.core.probs, namespace(x)
        one = x > 0.5

        def grad_probs() -> Array:
            everywhere = 1.0 / total(pi.given)
            return xp.where(one, 1.0 / pi.given - everywhere, -everywhere)

        return {
            "logits": lambda: xp.where(one, 1.0 - pi.value, -pi.value),
            "probs": grad_probs,
        }, None

    def _entropy(self) -> Array:
        return self.core.probs.entropy

    def _grad_entropy(self) -> Gradients:
        return grad_entropy(self.core.probs)

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        numbers = draw_class_numbers(rng, self.core.probs, shape[:-1])
        return self.array((numbers[..., None] == np.arange(shape[-1])).astype(float))
