"""The categorical likelihood of one column whose classes are spread over one-hot entries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from klosed.errors import DataError
from klosed.models.likelihoods.base import Array, Entrywise

__all__ = ["Categorical"]


class Categorical(Entrywise):
    """Categorical from logits a over all entries, x one-hot: −log p = Σₖ xₖ (log Σⱼ exp aⱼ − aₖ).

    A column that was not observed is NaN in each of its entries.
    """

    head = "logits"

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return xₖ (log Σⱼ exp aⱼ − aₖ)."""
        shifted = output - output.max(axis=-1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        terms: Array = x * (log_total - shifted)
        return terms

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return softmax(a)ₖ − xₖ, for Σ x = 1."""
        return self.mean(output) - x, {}

    def mean(self, output: Array) -> Array:
        """Return softmax(a)."""
        e = np.exp(output - output.max(axis=-1, keepdims=True))
        mean: Array = e / e.sum(axis=-1, keepdims=True)
        return mean

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return one-hot rows: the largest of aₖ plus standard Gumbel noise."""
        best = np.argmax(output + rng.gumbel(size=output.shape), axis=-1)
        return (best[..., None] == np.arange(output.shape[-1])).astype(output.dtype)

    def check_support(self, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """Raise DataError unless 0 <= low and high <= 1."""
        if np.min(low) < 0 or np.max(high) > 1:
            raise DataError(
                f"{name}: a categorical likelihood needs one-hot entries, 0 or 1; got "
                f"[{np.min(low):g}, {np.max(high):g}]."
            )
