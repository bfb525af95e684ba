"""The normal distribution of vectors. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._matrices import Scatter, eye_like, outer
from klosed.distributions._parameters import Real
from klosed.distributions.supports import REAL, Product
from klosed.errors import ShapeError

__all__ = ["MultivariateNormal"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class MultivariateNormal(Distribution):
    r"""Normal distribution N(μ, Σ) of vectors of length d, Σ = LLᵀ.

    .. math:: \log p(x) = -\tfrac12 \|z\|^2 - \sum_i \log L_{ii} - \tfrac{d}{2}\log 2\pi,
        \quad z = L^{-1}(x - \mu)

    Parameters
    ----------
    loc : array (..., d)
        μ.
    covariance_matrix, precision_matrix, scale_tril : array (..., d, d)
        Σ, Σ⁻¹, or the lower triangular L with a positive diagonal; exactly one of them.

    Notes
    -----
    Entropy ½ d log(2πe) + Σ log Lᵢᵢ. `rsample` takes standard normal noise. The gradient in a
    symmetric matrix is the symmetric G with the change Σᵢⱼ Gᵢⱼ dΣᵢⱼ, as PyTorch returns it.
    Petersen and Pedersen (2012), "The matrix cookbook", section 8.

    Examples
    --------
    >>> from klosed import MultivariateNormal
    >>> q = MultivariateNormal([0.0, 0.0], covariance_matrix=[[2.0, 0.5], [0.5, 1.0]])
    >>> round(float(q.log_prob([1.0, -1.0])), 4)
    -3.2605
    """

    specification = (Real("loc", event_ndim=1), Scatter())
    support = Product(REAL, 1)
    loc: Array
    covariance_matrix: Array
    precision_matrix: Array
    scale_tril: Array

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
    ) -> None:
        super().__init__(
            loc=loc,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )

    def _check(self) -> None:
        (_, loc), (name, matrix) = self.parameters.items()
        if loc.ndim < 1 or tuple(matrix.shape[-2:]) != (loc.shape[-1], loc.shape[-1]):
            raise ShapeError(
                f"loc must end in (d,) and {name} in (d, d); got shapes {tuple(loc.shape)} and "
                f"{tuple(matrix.shape)}."
            )
        super()._check()

    @property
    def event_shape(self) -> Shape:
        return (self.core.loc.shape[-1],)

    @property
    def mean(self) -> Array:
        return self._expand(self.core.loc)

    @property
    def variance(self) -> Array:
        factor = self.core.covariance_matrix.factor
        return self._expand(namespace(factor).sum(factor * factor, axis=-1))

    def _log_prob(self, x: Array) -> Array:
        z = self._whiten(x)
        densities = -0.5 * z * z - self.core.covariance_matrix.log_diagonal - _HALF_LOG_2PI
        return namespace(x).sum(densities, axis=-1)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self._whiten(x)
        slope = self.core.covariance_matrix.unwhiten(z[..., None])[..., 0]
        return {"loc": slope, "scatter": lambda: 0.5 * (outer(z) - eye_like(outer(z)))}, -slope

    def _entropy(self) -> Array:
        log_diagonal = self.core.covariance_matrix.log_diagonal
        return namespace(log_diagonal).sum(log_diagonal + (0.5 + _HALF_LOG_2PI), axis=-1)

    def _grad_entropy(self) -> Gradients:
        return {"scatter": lambda: 0.5 * eye_like(self.core.covariance_matrix.given)}

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + self.core.covariance_matrix.colour(noise[..., None])[..., 0]

    def _whiten(self, x: Array) -> Array:
        return self.core.covariance_matrix.whiten((x - self.core.loc)[..., None])[..., 0]
