"""The Gaussian likelihood with a fixed or learned variance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from klosed.errors import DataError
from klosed.models.likelihoods.base import Array, Entrywise, Likelihood

__all__ = ["Gaussian", "LearnedVariance", "check_finite_ends"]

LOG_2PI = math.log(2 * math.pi)


def check_finite_ends(self: Likelihood, low: ArrayLike, high: ArrayLike, name: str) -> None:
    """Raise DataError unless both ends are finite."""
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise DataError(f"{name}: values must be finite; got [{np.min(low):g}, {np.max(high):g}].")


class LearnedVariance(Entrywise):
    """A location from the decoder and a variance v = v₀ + exp(s): the spec's `min_variance` v₀.

    s is fixed (then v is the number that the spec gives), one learned number, or one learned
    number a feature. dv/ds = exp(s), so d log v / ds = exp(s)/v, which is 1 where v₀ = 0.
    """

    head = "loc"

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return the log-variance s where it is learned."""
        if self.spec.variance == "scalar":
            return {f"{self.prefix}.log_variance": (1,)}
        if self.spec.variance == "per_feature":
            return {f"{self.prefix}.log_variance": (self.width,)}
        return {}

    def _log_variance(
        self, params: Mapping[str, Array], dtype: np.dtype[Any]
    ) -> tuple[Array, Array | float | None]:
        """Return log v, and d log v / ds, None where nothing is learned."""
        if not isinstance(self.spec.variance, str):
            return np.array([math.log(self.spec.variance)], dtype=dtype), None
        s = params[f"{self.prefix}.log_variance"]
        if self.spec.min_variance == 0:
            return s, 1.0
        log_variance = np.logaddexp(s, np.asarray(np.log(self.spec.min_variance), s.dtype))
        return log_variance, np.exp(s - log_variance)

    def mean(self, output: Array) -> Array:
        """Return m."""
        return output

    check_support = check_finite_ends


class Gaussian(LearnedVariance):
    """Gaussian with the decoder's output as mean m and variance v.

    −log p = ½ ( log 2π + log v + (x − m)² / v ).
    """

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return ½ ( log 2π + log v + (x − m)² / v )."""
        log_variance, _ = self._log_variance(params, output.dtype)
        terms: Array = 0.5 * (LOG_2PI + log_variance + (x - output) ** 2 * np.exp(-log_variance))
        return terms

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return (m − x)/v, and d/d log v = ½ (1 − (x − m)²/v), chained to s."""
        log_variance, slope = self._log_variance(params, output.dtype)
        residual = output - x
        weighted = residual * np.exp(-log_variance)
        if slope is None:
            return weighted, {}
        grad_s = 0.5 * (1 - residual * weighted) * slope
        return weighted, {f"{self.prefix}.log_variance": grad_s}

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return m + √v ε."""
        scale = np.exp(0.5 * self._log_variance(params, output.dtype)[0])
        noise = rng.standard_normal(output.shape).astype(output.dtype)
        return output + scale * noise
