"""Counts: the Poisson and the negative binomial likelihood. x = 0, 1, 2, …, as it is counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from klosed.errors import DataError
from klosed.models.likelihoods.base import Array, Entrywise, observed
from klosed.special import digamma, lgamma, sigmoid

__all__ = ["NegativeBinomial", "Poisson"]

# NumPy draws Poisson counts as 64-bit integers.
_LARGEST_RATE = 9e18


class _Counts(Entrywise):
    """A mean exp(a) from the decoder. The encoder reads log(1 + x): counts span magnitudes."""

    def encoder_input(self, x: Array) -> Array:
        """Return log(1 + x), 0 where nothing was observed."""
        read: Array = np.log1p(observed(x, x))
        return read

    def mean(self, output: Array) -> Array:
        """Return exp(a)."""
        mean: Array = np.exp(output)
        return mean

    def check_support(self, low: ArrayLike, high: ArrayLike, name: str) -> None:
        """Raise DataError unless 0 <= low and high is finite."""
        if np.min(low) < 0 or not np.isfinite(high).all():
            raise DataError(
                f"{name}: counts must be >= 0 and finite; got "
                f"[{np.min(low):g}, {np.max(high):g}]. Use a Gaussian likelihood for real numbers."
            )


class Poisson(_Counts):
    """Poisson with log-rate a: −log p = exp(a) − x a + log x!."""

    head = "log_rate"

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return exp(a) − x a + log x!."""
        terms: Array = np.exp(output) - x * output + lgamma(x + 1)
        return terms

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return exp(a) − x."""
        return np.exp(output) - x, {}

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return Poisson draws."""
        rate = np.minimum(np.exp(output.astype(np.float64)), _LARGEST_RATE)
        return rng.poisson(rate).astype(output.dtype)


class NegativeBinomial(_Counts):
    """Negative binomial with log-mean a and total count r = exp(s), one learned s a feature.

    With the log-odds u = a − s of a success, variance m + m²/r for the mean m = exp(a), and

        −log p = x softplus(−u) + r softplus(u) + log Γ(r) + log Γ(x + 1) − log Γ(x + r).

    The Poisson is its limit r → ∞. Computed in float64: for large r the terms nearly cancel.
    """

    head = "log_mean"

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return the log of the total count."""
        return {f"{self.prefix}.log_total_count": (self.width,)}

    def _log_total_count(self, params: Mapping[str, Array]) -> Array:
        return params[f"{self.prefix}.log_total_count"].astype(np.float64)

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return the terms of −log p."""
        s = self._log_total_count(params)
        r, u, x = np.exp(s), output.astype(np.float64) - s, x.astype(np.float64)
        softplus = np.logaddexp(0, u)
        terms = x * (softplus - u) + r * softplus + lgamma(r) + lgamma(x + 1) - lgamma(x + r)
        return terms.astype(output.dtype)

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return by a: (x + r) sigmoid(u) − x; by s: r (softplus(u) + ψ(r) − ψ(x + r)) − that."""
        s = self._log_total_count(params)
        r, u, x = np.exp(s), output.astype(np.float64) - s, x.astype(np.float64)
        by_output = (x + r) * sigmoid(u) - x
        by_s = r * (np.logaddexp(0, u) + digamma(r) - digamma(x + r)) - by_output
        name = f"{self.prefix}.log_total_count"
        return by_output.astype(output.dtype), {name: by_s.astype(output.dtype)}

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return Poisson draws with a gamma-distributed rate of mean exp(a) and shape r."""
        s = self._log_total_count(params)
        rate = rng.standard_gamma(np.exp(s), output.shape) * np.exp(output.astype(np.float64) - s)
        return rng.poisson(np.minimum(rate, _LARGEST_RATE)).astype(output.dtype)
