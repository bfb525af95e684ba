"""The multinomial distribution on vectors of counts. Imports nothing from klosed above special."""

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
    total,
)
from klosed.distributions._count_entropy import grad_multinomial_entropy, multinomial_entropy
from klosed.distributions._counts import TotalCount, log_multinomial
from klosed.distributions._sampling import as_numpy
from klosed.distributions._sizes import product
from klosed.distributions.supports import Support

__all__ = ["CountVectors", "Multinomial"]


@dataclass(frozen=True)
class CountVectors(VectorsOfCounts):
    """The counts of n trials."""

    n: Array
    pi: CategoriesValue

    @property
    def trials(self) -> Array:
        return self.n

    @property
    def rule(self) -> str:
        return "counts that sum to total_count over the last axis"

    def contains(self, x: Array) -> Array:
        xp = namespace(x)
        count = (x >= 0.0) & (xp.floor(x) == x) & (self.pi.possible | (x == 0.0))
        return xp.all(count, axis=-1) & (xp.sum(x, axis=-1) == self.n)


class Multinomial(Distribution):
    r"""Multinomial distribution: how often each of K categories occurs in n independent trials.

    .. math:: \log p(x) = \log\frac{n!}{x_1! \cdots x_K!} + \sum_k x_k \log\pi_k, \qquad
       \pi = \frac{\text{probs}}{\sum \text{probs}}
       = \frac{\exp(\text{logits})}{\sum \exp(\text{logits})}

    Parameters
    ----------
    total_count : array
        n, integers ≥ 0 of the batch shape; 1 by default. They are not differentiated: their
        gradient is 0.
    probs, logits : array
        Shape (…, K), as in `Categorical`; exactly one of them.

    Notes
    -----
    The density is Loader's (2000, "Fast and accurate computation of binomial probabilities"),
    which keeps its digits for large counts. The entropy has no elementary closed form; it is a
    sum over the categories of the integrals of `Binomial`, 1e-13 beside SciPy's sum over all
    counts. There is no `rsample`.

    Examples
    --------
    >>> from klosed import Multinomial
    >>> q = Multinomial(4, probs=[1.0, 2.0, 1.0])
    >>> q.mean.tolist(), round(float(q.log_prob([1.0, 2.0, 1.0])), 4)
    ([1.0, 2.0, 1.0], -1.674)
    """

    specification = (TotalCount(), Categories())
    total_count: Array
    probs: Array
    logits: Array

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None) -> None:
        super().__init__(total_count=total_count, probs=probs, logits=logits)

    @property
    def support(self) -> Support:
        return CountVectors(self.core.total_count, self.core.probs)

    @property
    def event_shape(self) -> Shape:
        return (self.core.probs.size,)

    @property
    def mean(self) -> Array:
        return self.core.total_count[..., None] * self.core.probs.value

    @property
    def variance(self) -> Array:
        return self.mean * (1.0 - self.core.probs.value)

    def _log_prob(self, x: Array) -> Array:
        return log_multinomial(x, self.core.total_count, self.core.probs)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        n, pi = self.core.total_count[..., None], self.core.probs
        return {
            "logits": lambda: x - n * pi.value,
            "probs": lambda: product(x, 1.0 / pi.given) - n / total(pi.given),
        }, None

    def _entropy(self) -> Array:
        return multinomial_entropy(self.core.total_count, self.core.probs)

    def _grad_entropy(self) -> Gradients:
        n, pi = self.core.total_count, self.core.probs

        def deviation() -> Array:
            slope = grad_multinomial_entropy(n, pi)
            return slope - total(product(pi.value, slope))

        return {
            "logits": lambda: product(pi.value, deviation()),
            "probs": lambda: deviation() / total(pi.given),
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        n = as_numpy(self.core.total_count).astype(np.int64)
        weights = as_numpy(self.core.probs.weights)
        pi = weights / weights.sum(axis=-1, keepdims=True)
        return self.array(rng.multinomial(n, pi, shape[:-1]))
