"""Likelihoods p(x | z): the negative log-likelihood beside its gradient, on NumPy arrays.

A likelihood reads the decoder's last layer (its head, named after the parameter it emits) and,
where it learns a variance, free parameters of its own. Everything is in nats.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import DataError
from klosed.models.spec import VAESpec

__all__ = ["LIKELIHOODS", "Bernoulli", "Gaussian", "Likelihood", "likelihood_of"]

Array = NDArray[Any]
LOG_2PI = math.log(2 * math.pi)


class Likelihood(ABC):
    """p(x | z) with independent features, given the decoder's output."""

    head: str

    def __init__(self, spec: VAESpec) -> None:
        self.spec = spec

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return {name: shape} of the parameters that are not a layer's."""
        return {}

    @abstractmethod
    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return −log p(x | z) of each example in nats, summed over features; shape (batch,)."""

    @abstractmethod
    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the gradients of Σᵢ −log p(xᵢ | zᵢ): per output, and per free parameter."""

    @abstractmethod
    def mean(self, output: Array) -> Array:
        """Return E[x | z], shape (batch, n_features)."""

    @abstractmethod
    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return a draw of x given z, shape (batch, n_features)."""

    @abstractmethod
    def check_support(self, low: float, high: float, name: str) -> None:
        """Raise DataError unless data between `low` and `high` can be modelled."""


class Bernoulli(Likelihood):
    """Bernoulli from logits a: −log p = softplus(a) − x a.

    Never from clipped probabilities: softplus(a) = max(a, 0) + log1p(exp(−|a|)) keeps every
    digit for any logit. For grey pixels 0 < x < 1 this is the cross-entropy between x and
    sigmoid(a), not the logarithm of a normalised density; figures compare only with figures
    of the same kind.
    """

    head = "logits"

    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return Σ softplus(a) − x a of each example."""
        softplus = np.maximum(output, 0) + np.log1p(np.exp(-np.abs(output)))
        total: Array = (softplus - x * output).sum(axis=-1)
        return total

    def grad(
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

    def check_support(self, low: float, high: float, name: str) -> None:
        """Raise DataError unless 0 <= low and high <= 1."""
        if low < 0 or high > 1:
            raise DataError(
                f"{name}: a Bernoulli likelihood needs values in [0, 1]; got [{low:g}, {high:g}]. "
                "Rescale the data or use --likelihood gaussian."
            )


class Gaussian(Likelihood):
    """Gaussian with the decoder's output as mean m and variance v = exp(s).

    −log p = ½ Σ ( log 2π + s + (x − m)² exp(−s) ), with s fixed, one learned number, or one
    learned number a feature.
    """

    head = "loc"

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return the log-variance s where it is learned."""
        if self.spec.variance == "scalar":
            return {"decoder.log_variance": (1,)}
        if self.spec.variance == "per_feature":
            return {"decoder.log_variance": (self.spec.n_features,)}
        return {}

    def _log_variance(self, params: Mapping[str, Array], dtype: np.dtype[Any]) -> Array:
        if isinstance(self.spec.variance, str):
            return params["decoder.log_variance"]
        return np.array([math.log(self.spec.variance)], dtype=dtype)

    def negative_log_prob(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return ½ Σ ( log 2π + s + (x − m)² exp(−s) ) of each example."""
        s = self._log_variance(params, output.dtype)
        total: Array = 0.5 * (LOG_2PI + s + (x - output) ** 2 * np.exp(-s)).sum(axis=-1)
        return total

    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return (m − x) exp(−s), and d/ds ½ (s + r² exp(−s)) = ½ (1 − r² exp(−s))."""
        s = self._log_variance(params, output.dtype)
        residual = output - x
        weighted = residual * np.exp(-s)
        if not isinstance(self.spec.variance, str):
            return weighted, {}
        grad_s = 0.5 * (1 - residual * weighted)
        per_feature = self.spec.variance == "per_feature"
        summed = grad_s.sum(axis=0) if per_feature else np.atleast_1d(grad_s.sum())
        return weighted, {"decoder.log_variance": summed}

    def mean(self, output: Array) -> Array:
        """Return m."""
        return output

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return m + exp(s/2) ε."""
        scale = np.exp(0.5 * self._log_variance(params, output.dtype))
        noise = rng.standard_normal(output.shape).astype(output.dtype)
        return output + scale * noise

    def check_support(self, low: float, high: float, name: str) -> None:
        """Raise DataError unless both ends are finite."""
        if not math.isfinite(low) or not math.isfinite(high):
            raise DataError(f"{name}: values must be finite; got [{low:g}, {high:g}].")


LIKELIHOODS: dict[str, type[Likelihood]] = {"bernoulli": Bernoulli, "gaussian": Gaussian}


def likelihood_of(spec: VAESpec) -> Likelihood:
    """Return the likelihood that `spec` names."""
    return LIKELIHOODS[spec.likelihood](spec)
