"""The heteroscedastic Gaussian: the decoder says how sure it is, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from klosed.models.likelihoods.base import Array, Entrywise, observed
from klosed.models.likelihoods.gaussian import LOG_2PI, check_finite_ends

__all__ = ["HeteroscedasticGaussian"]


class HeteroscedasticGaussian(Entrywise):
    """Gaussian whose mean m and variance v = v₀ + exp(s) both come from the decoder.

    −log p = ½ ( log 2π + log v + (x − m)² / v ), the output holding m, then s, of each feature.
    v₀ is the spec's `min_variance`: without it the density of a row that the decoder can
    reproduce grows without bound (Mattei and Frellsen 2018), so give one.

    Notes
    -----
    Nix and Weigend (1994), doi:10.1109/ICNN.1994.374138; Kingma and Welling (2014),
    arXiv:1312.6114, appendix C.2. On the floor: Mattei and Frellsen (2018), "Leveraging the exact
    likelihood of deep latent variable models", arXiv:1802.04826, section 2.
    """

    head = "loc_and_log_variance"

    @property
    def n_outputs(self) -> int:
        """Two numbers a feature."""
        return 2 * self.width

    def _log_variance(self, s: Array) -> Array:
        """Return log v."""
        floor = np.asarray(self.spec.min_variance)
        if not floor.any():
            return s
        with np.errstate(divide="ignore"):  # a feature without a floor: log 0 = −∞
            return np.logaddexp(s, np.log(floor).astype(s.dtype))

    def terms(self, output: Array, x: Array) -> Array:
        """Return −log p of each entry: ½ ( log 2π + log v + (x − m)² / v )."""
        m, s = _halves(output)
        log_variance = self._log_variance(s)
        terms: Array = 0.5 * (LOG_2PI + log_variance + (x - m) ** 2 * np.exp(-log_variance))
        return terms

    def _terms(self, params: Mapping[str, Array], output: Array, x: Array) -> Array:
        return self.terms(output, x)

    def _grad_terms(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return by m (m − x)/v, and by s ½ (1 − (x − m)²/v) exp(s)/v."""
        m, s = _halves(output)
        log_variance = self._log_variance(s)
        residual = m - x
        weighted = residual * np.exp(-log_variance)
        by_s = 0.5 * (1 - residual * weighted) * np.exp(s - log_variance)
        return _beside(observed(weighted, x), observed(by_s, x)), {}

    def grad(
        self, params: Mapping[str, Array], output: Array, x: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Return the derivatives of the terms by the output; nothing else is learned."""
        return self._grad_terms(params, output, x)

    def mean(self, output: Array) -> Array:
        """Return m."""
        return _halves(output)[0]

    def sample(self, params: Mapping[str, Array], output: Array, rng: np.random.Generator) -> Array:
        """Return m + √v ε."""
        m, s = _halves(output)
        noise = rng.standard_normal(m.shape).astype(output.dtype)
        return m + np.exp(0.5 * self._log_variance(s)) * noise

    check_support = check_finite_ends


def _halves(output: Array) -> list[Array]:
    """Return m and s."""
    return np.split(output, 2, axis=-1)


def _beside(by_m: Array, by_s: Array) -> Array:
    """Return both halves as the output holds them."""
    return np.concatenate([by_m, by_s], axis=-1)
