"""The Student-t likelihood: real columns with tails heavier than a Gaussian's."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from klosed.models.likelihoods.base import Array, observed
from klosed.models.likelihoods.gaussian import LearnedVariance
from klosed.special import digamma, lgamma

__all__ = ["StudentT"]

_DF_AT_START = 4.0


class StudentT(LearnedVariance):
    """Student-t with location m from the decoder, squared scale v, and df ν = 4 exp(d).

    With w = (x − m)² / (ν v),

        −log p = ½ log v + ½ (ν + 1) log1p(w) + log Γ(ν/2) − log Γ((ν+1)/2) + ½ log(π ν).

    v is learned as a Gaussian's variance is; d is learned, one number wherever v is one number,
    else one a feature. A row far out pulls with a bounded force, |∂/∂m| ≤ (ν + 1) / (2 √(ν v)),
    and the encoder reads asinh(x), which grows as a logarithm.

    Notes
    -----
    Takahashi et al. (2018), "Student-t variational autoencoder for robust density estimation",
    IJCAI, doi:10.24963/ijcai.2018/374.
    """

    def free_parameters(self) -> dict[str, tuple[int, ...]]:
        """Return the log-variance s where it is learned, and d."""
        width = 1 if self.spec.variance == "scalar" else self.width
        return super().free_parameters() | {f"{self.prefix}.log_df": (width,)}

    def encoder_input(self, x: Array) -> Array:
        """Return asinh(x), 0 where nothing was observed."""
        read: Array = np.arcsinh(observed(x, x))
        return read

    def _df(self, params: Mapping[str, Array]) -> Array:
        df: Array = _DF_AT_START * np.exp(params[f"{self.prefix}.log_df"].astype(np.float64))
        return df

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        """Return the terms of −log p."""
        log_variance, _ = self._log_variance(params, output.dtype)
        nu = self._df(params)
        w = (x - output) ** 2 * np.exp(-log_variance) / nu.astype(output.dtype)
        constant = lgamma(nu / 2) - lgamma((nu + 1) / 2) + 0.5 * np.log(math.pi * nu)
        half = (0.5 * (nu + 1)).astype(output.dtype)
        terms: Array = 0.5 * log_variance + half * np.log1p(w) + constant.astype(output.dtype)
        return terms

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the derivatives, with u = w / (1 + w).

        By m: (ν + 1) (m − x) / (ν v (1 + w)); by log v: ½ (1 − (ν + 1) u), chained to s;
        by d: ½ ν (log1p(w) + ψ(ν/2) − ψ((ν+1)/2)) − ½ (ν + 1) u + ½.
        """
        log_variance, slope = self._log_variance(params, output.dtype)
        nu = self._df(params)
        residual = output - x
        force = residual * np.exp(-log_variance) / nu.astype(output.dtype)
        w = residual * force
        above = (nu + 1).astype(output.dtype)
        pull = above * (w / (1 + w))
        psi = nu * (digamma(nu / 2) - digamma((nu + 1) / 2))
        by_df = 0.5 * (nu.astype(output.dtype) * np.log1p(w) + psi.astype(output.dtype) - pull + 1)
        free = {f"{self.prefix}.log_df": by_df}
        if slope is not None:
            free[f"{self.prefix}.log_variance"] = 0.5 * (1 - pull) * slope
        return above * (force / (1 + w)), free

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return m + √v t with t ~ Student-t(ν)."""
        scale = np.exp(0.5 * self._log_variance(params, output.dtype)[0])
        noise = rng.standard_t(self._df(params), output.shape).astype(output.dtype)
        return output + scale * noise
