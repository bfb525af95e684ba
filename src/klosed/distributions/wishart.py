"""The Wishart distribution. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, check_domain, is_tracing, like, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._gamma import entropy_of_log, grad_entropy_of_log, log_density
from klosed.distributions._matrices import Scatter, eye_like, solve_upper
from klosed.distributions._parameters import Real
from klosed.distributions._sampling import as_numpy
from klosed.distributions.supports import POSITIVE_DEFINITE
from klosed.errors import ShapeError
from klosed.special import digamma, digamma_minus_log, log_gamma_quantile, log_ratio, trigamma

__all__ = ["Wishart"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class Wishart(Distribution):
    r"""Wishart distribution: the scatter XXᵀ of ν normal vectors N(0, Σ) of length d.

    .. math:: \log p(X) = \tfrac{\nu - d - 1}{2} \log|X| - \tfrac12 \operatorname{tr}(\Sigma^{-1} X)
        - \tfrac{\nu d}{2} \log 2 - \tfrac{\nu}{2} \log|\Sigma| - \log\Gamma_d(\tfrac\nu2)

    Parameters
    ----------
    df : array
        ν > d − 1, not necessarily an integer.
    covariance_matrix, precision_matrix, scale_tril : array (..., d, d)
        Σ, Σ⁻¹, or the lower triangular L with Σ = LLᵀ; exactly one of them.

    Notes
    -----
    With X = LYYᵀLᵀ, the Yᵢᵢ² are chi-squared with ν, ν − 1, … degrees of freedom and the Yᵢⱼ
    below the diagonal standard normal (Bartlett, 1933, doi:10.1017/S0370164600016126): densities,
    entropies and draws are sums over these, which keeps their digits at large ν. Of the
    noise of `rsample` the diagonal is uniform on (0, 1), what is below it standard normal, and what
    is above it not used. Gradients in matrices are as those of `MultivariateNormal`.
    Anderson (2003), "An introduction to multivariate statistical analysis", section 7.2.

    Examples
    --------
    >>> from klosed import Wishart
    >>> q = Wishart(3.0, covariance_matrix=[[2.0, 0.5], [0.5, 1.0]])
    >>> q.mean.tolist()
    [[6.0, 1.5], [1.5, 3.0]]
    >>> round(float(q.log_prob([[5.0, 1.0], [1.0, 2.0]])), 4), round(float(q.entropy()), 4)
    (-5.6562, 6.3704)
    """

    specification = (Real("df"), Scatter())
    support = POSITIVE_DEFINITE
    df: Array
    covariance_matrix: Array
    precision_matrix: Array
    scale_tril: Array

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
    ) -> None:
        super().__init__(
            df=df,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )

    def _check(self) -> None:
        (_, df), (name, matrix) = self.parameters.items()
        if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
            raise ShapeError(f"{name} must end in (d, d); got shape {tuple(matrix.shape)}.")
        super()._check()
        if is_tracing(df):
            return
        least = matrix.shape[-1] - 1
        check_domain("df", df, lambda x: x > least, f"> {least}, one less than the size of {name}")

    @property
    def event_shape(self) -> Shape:
        return tuple(self.core.covariance_matrix.given.shape[-2:])

    @property
    def halves(self) -> Array:
        """The numbers 0, ½, 1, … (d − 1)/2."""
        return like([0.5 * i for i in range(self.event_shape[0])], self.core.df)

    @property
    def shapes(self) -> Array:
        """Half the degrees of freedom of each Yᵢᵢ², along a last axis."""
        return 0.5 * self.core.df[..., None] - self.halves

    @property
    def mean(self) -> Array:
        return self._expand(self.core.df[..., None, None] * self._covariance())

    @property
    def variance(self) -> Array:
        covariance = self._covariance()
        diagonal = namespace(covariance).linalg.diagonal(covariance)
        spread = covariance * covariance + diagonal[..., :, None] * diagonal[..., None, :]
        return self._expand(self.core.df[..., None, None] * spread)

    def _covariance(self) -> Array:
        return self.specification[1].read("covariance_matrix", self.core.covariance_matrix)

    def _factors(self, x: Array) -> tuple[Array, Array, Array]:
        """Return the factor T of x, Y = L⁻¹T, and half the squares of Y's diagonal."""
        xp = namespace(x)
        # what is outside the support is seen to by the caller, but has no factor
        inside = self.support.contains(x)[..., None, None]
        t = xp.linalg.cholesky(xp.where(inside, x, eye_like(x)))
        y = self.core.covariance_matrix.whiten(t)
        return t, y, 0.5 * xp.linalg.diagonal(y) ** 2

    def _log_prob(self, x: Array) -> Array:
        t, y, u = self._factors(x)
        xp = namespace(x)
        below = xp.tril(y, k=-1)
        d = x.shape[-1]
        log_t = xp.log(xp.linalg.diagonal(t))
        log_l = self.core.covariance_matrix.log_diagonal
        i = 2.0 * self.halves
        each = log_density(self.shapes, u) - (d + 1.0 - i) * log_t - i * (log_l + _HALF_LOG_2PI)
        return xp.sum(each - 0.5 * xp.sum(below * below, axis=-1), axis=-1)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        t, y, u = self._factors(x)
        xp = namespace(x)
        flip = xp.matrix_transpose
        identity, df = eye_like(x), self.core.df[..., None, None]

        def of_x() -> Array:
            inner = 0.5 * ((df - x.shape[-1] - 1.0) * identity - flip(y) @ y)
            return solve_upper(flip(t), flip(solve_upper(flip(t), inner)))

        def of_df() -> Array:
            alpha = self.shapes
            return 0.5 * xp.sum(log_ratio(u, alpha) - digamma_minus_log(alpha), axis=-1)

        return {"df": of_df, "scatter": lambda: 0.5 * (y @ flip(y) - df * identity)}, of_x

    def _entropy(self) -> Array:
        alpha, i = self.shapes, 2.0 * self.halves
        d = self.event_shape[0]
        log_l = self.core.covariance_matrix.log_diagonal
        mean_log = 0.5 * (d + 1.0 - i) * (math.log(2.0) + digamma(alpha))
        normal = i * (0.5 + _HALF_LOG_2PI)
        each = entropy_of_log(alpha) + (d + 1.0) * log_l + (mean_log + normal)
        return namespace(each).sum(each, axis=-1)

    def _grad_entropy(self) -> Gradients:
        d = self.event_shape[0]

        def of_df() -> Array:
            alpha = self.shapes
            spread = (d + 1.0 - 2.0 * self.halves) * trigamma(alpha)
            each = 0.5 * grad_entropy_of_log(alpha) / alpha + 0.25 * spread
            return namespace(each).sum(each, axis=-1)

        return {
            "df": of_df,
            "scatter": lambda: 0.5 * (d + 1.0) * eye_like(self.core.covariance_matrix.given),
        }

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        below = np.tril(rng.standard_normal(shape), -1)
        diagonal = np.sqrt(2.0 * rng.standard_gamma(as_numpy(self.shapes), shape[:-1]))
        y = below + diagonal[..., None] * np.eye(shape[-1])
        factor = as_numpy(self.core.covariance_matrix.factor) @ y
        x = factor @ np.swapaxes(factor, -1, -2)
        return self.array(0.5 * (x + np.swapaxes(x, -1, -2)))

    def _rsample(self, noise: Array) -> Array:
        xp = namespace(noise)
        on_diagonal = xp.linalg.diagonal(noise)
        log_half = log_gamma_quantile(self.shapes, on_diagonal)
        roots = xp.exp(0.5 * (log_half + math.log(2.0)))
        y = xp.tril(noise, k=-1) + roots[..., None] * eye_like(noise)
        factor = self.core.covariance_matrix.factor @ y
        x = factor @ factor.mT
        return 0.5 * (x + x.mT)
