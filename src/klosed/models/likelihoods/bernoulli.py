"""The Bernoulli likelihood, from logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from klosed.errors import DataError
from klosed.models.likelihoods.base import Array, Entrywise

__all__ = ["Bernoulli"]


class Bernoulli(Entrywise):
    """Bernoulli from logits a: −log p = softplus(a) − x a.

    Never from clipped probabilities: softplus(a) = max(a, 0) + log1p(exp(−|a|)) keeps every
    digit for any logit. For grey pixels 0 < x < 1 this is the cross-entropy between x and
    sigmoid(a), not the logarithm of a normalised density; figures compare only with figures
    of the same kind.
    """

    head = "logits"

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return softplus(a) − x a."""
        softplus = np.maximum(output, 0) + np.log1p(np.exp(-np.abs(output)))
        terms: Array = softplus - x * output
        return terms

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return sigmoid(a) − x, since d softplus(a) = sigmoid(a) da."""
        return self.mean(output) - x, {}

    def mean(self, output: Array) -> Array:
        """Return sigmoid(a)."""
        e = np.exp(-np.abs(output))
        return np.where(output >= 0, 1, e) / (1 + e)

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return zeros and ones."""
        return (rng.random(output.shape) < self.mean(output)).astype(output.dtype)

    def check_support(self, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """Raise DataError unless 0 <= low and high <= 1."""
        if np.min(low) < 0 or np.max(high) > 1:
            raise DataError(
                f"{name}: a Bernoulli likelihood needs values in [0, 1]; got "
                f"[{np.min(low):g}, {np.max(high):g}]. "
                "Rescale the data or use a Gaussian likelihood."
            )
