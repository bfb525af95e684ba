"""The normal distribution of matrices. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._matrices import Scatter, ScatterValue, eye_like
from klosed.distributions._parameters import Real
from klosed.distributions.supports import REAL, Product, Support
from klosed.errors import ShapeError

__all__ = ["MatrixNormal", "SidedScatter", "by_columns"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class SidedScatter(Scatter):
    """A covariance matrix of the rows or of the columns, named by that side."""

    def __init__(self, side: str) -> None:
        self._side = f"_{side}"
        covariance, precision, factor = Scatter.names
        self.names = (covariance + self._side, precision + self._side, factor + self._side)
        self.key = Scatter.key + self._side

    def domain(self, name: str) -> tuple[Support, str]:
        support, advice = super().domain(self._bare(name))
        return support, advice.replace("scale_tril", f"scale_tril{self._side}")

    def bind(self, name: str, array: Array) -> ScatterValue:
        return super().bind(self._bare(name), array)

    def read(self, name: str, bound: ScatterValue) -> Array:
        return super().read(self._bare(name), bound)

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        return super().chain(self._bare(name), array, gradient)

    def _bare(self, name: str) -> str:
        return name.removesuffix(self._side)


class MatrixNormal(Distribution):
    r"""Normal distribution of n × m matrices whose rows and columns each have a covariance.

    .. math:: \log p(X) = -\tfrac12 \|Z\|^2 - m \sum_i \log A_{ii} - n \sum_j \log B_{jj}
        - \tfrac{nm}{2}\log 2\pi, \qquad Z = A^{-1} (X - M) B^{-\top}

    The covariance of :math:`x_{ij}` and :math:`x_{kl}` is :math:`U_{ik} V_{jl}`, with
    :math:`U = AA^\top`, :math:`V = BB^\top`.

    Parameters
    ----------
    loc : array (..., n, m)
        M.
    scale_tril_row, covariance_matrix_row, precision_matrix_row : array (..., n, n)
        The lower triangular A with a positive diagonal, U, or U⁻¹; exactly one of them.
    scale_tril_column, covariance_matrix_column, precision_matrix_column : array (..., m, m)
        B, V, or V⁻¹; exactly one of them.

    Notes
    -----
    U and V are known up to a factor: cU and V/c give the same distribution. Entropy
    ½ nm log(2πe) + m Σ log Aᵢᵢ + n Σ log Bⱼⱼ. `rsample` takes standard normal noise. Gradients in
    matrices are as those of `MultivariateNormal`. Dawid (1981), "Some matrix-variate distribution
    theory", doi:10.1093/biomet/68.1.265.

    Examples
    --------
    >>> from klosed import MatrixNormal
    >>> q = MatrixNormal(
    ...     [[0.0, 1.0]], scale_tril_row=[[2.0]], covariance_matrix_column=[[1.0, 0.5], [0.5, 2.0]]
    ... )
    >>> q.event_shape, q.variance.round(4).tolist()
    ((1, 2), [[4.0, 8.0]])
    >>> round(float(q.log_prob([[0.5, 0.0]])), 4)
    -3.6468
    """

    specification = (Real("loc", event_ndim=2), SidedScatter("row"), SidedScatter("column"))
    support = Product(REAL, 2)
    loc: Array
    scale_tril_row: Array
    covariance_matrix_row: Array
    precision_matrix_row: Array
    scale_tril_column: Array
    covariance_matrix_column: Array
    precision_matrix_column: Array

    def __init__(
        self,
        loc: Any,
        scale_tril_row: Any = None,
        scale_tril_column: Any = None,
        *,
        covariance_matrix_row: Any = None,
        covariance_matrix_column: Any = None,
        precision_matrix_row: Any = None,
        precision_matrix_column: Any = None,
    ) -> None:
        super().__init__(
            loc=loc,
            scale_tril_row=scale_tril_row,
            scale_tril_column=scale_tril_column,
            covariance_matrix_row=covariance_matrix_row,
            covariance_matrix_column=covariance_matrix_column,
            precision_matrix_row=precision_matrix_row,
            precision_matrix_column=precision_matrix_column,
        )

    def _check(self) -> None:
        (_, loc), *sides = self.parameters.items()
        for axis, (name, matrix) in zip((-2, -1), sides, strict=True):
            size = loc.shape[axis] if loc.ndim >= 2 else 0
            if tuple(matrix.shape[-2:]) != (size, size):
                raise ShapeError(
                    f"loc must end in (n, m) and {name} in {('(m, m)', '(n, n)')[axis == -2]}; got "
                    f"shapes {tuple(loc.shape)} and {tuple(matrix.shape)}."
                )
        super()._check()

    @property
    def row(self) -> ScatterValue:
        """U, as formulas see it."""
        return self.core.covariance_matrix_row

    @property
    def column(self) -> ScatterValue:
        """V, as formulas see it."""
        return self.core.covariance_matrix_column

    @property
    def event_shape(self) -> Shape:
        return tuple(self.core.loc.shape[-2:])

    @property
    def mean(self) -> Array:
        return self._expand(self.core.loc)

    @property
    def variance(self) -> Array:
        xp = namespace(self.core.loc)
        rows, columns = (
            xp.sum(side.factor * side.factor, axis=-1) for side in (self.row, self.column)
        )
        return self._expand(rows[..., :, None] * columns[..., None, :])

    def whiten(self, x: Array) -> Array:
        """Return A⁻¹ x B⁻ᵀ."""
        return by_columns(self.column.whiten, self.row.whiten(x))

    def unwhiten(self, x: Array) -> Array:
        """Return A⁻ᵀ x B⁻¹."""
        return by_columns(self.column.unwhiten, self.row.unwhiten(x))

    def _log_prob(self, x: Array) -> Array:
        z = self.whiten(x - self.core.loc)
        xp = namespace(z)
        return xp.sum(-0.5 * z * z - _HALF_LOG_2PI, axis=(-2, -1)) - self._log_scale()

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        z = self.whiten(x - self.core.loc)
        slope = self.unwhiten(z)
        flipped = namespace(z).matrix_transpose(z)
        n, m = self.event_shape
        return {
            "loc": slope,
            "scatter_row": lambda: 0.5 * (z @ flipped - m * eye_like(z @ flipped)),
            "scatter_column": lambda: 0.5 * (flipped @ z - n * eye_like(flipped @ z)),
        }, -slope

    def _entropy(self) -> Array:
        n, m = self.event_shape
        return self._log_scale() + n * m * (0.5 + _HALF_LOG_2PI)

    def _grad_entropy(self) -> Gradients:
        n, m = self.event_shape
        return {
            "scatter_row": lambda: 0.5 * m * eye_like(self.row.given),
            "scatter_column": lambda: 0.5 * n * eye_like(self.column.given),
        }

    def _log_scale(self) -> Array:
        xp = namespace(self.core.loc)
        n, m = self.event_shape
        rows, columns = (xp.sum(s.log_diagonal, axis=-1) for s in (self.row, self.column))
        return m * rows + n * columns

    def _rsample(self, noise: Array) -> Array:
        return self.core.loc + by_columns(self.column.colour, self.row.colour(noise))


def by_columns(transform: Any, x: Array) -> Array:
    """Return x with its rows transformed as columns are: (transform xᵀ)ᵀ."""
    flip = namespace(x).matrix_transpose
    return flip(transform(flip(x)))
