"""Normal vectors with few factors. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._matrices import eye_like, solve_lower, solve_upper
from klosed.distributions._parameters import Positive, Real
from klosed.distributions.supports import REAL, Product
from klosed.errors import ShapeError
from klosed.special._evaluate import choose

__all__ = ["LowRankMultivariateNormal", "Woodbury"]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class _Diagonal(Positive):
    event_ndim = 1


class LowRankMultivariateNormal(Distribution):
    r"""Normal distribution N(μ, WWᵀ + D) of vectors of length d, with m factors and D diagonal.

    .. math:: \log p(x) = -\tfrac12 y^\top (I + UU^\top)^{-1} y - \tfrac12 \sum_i \log D_i
        - \tfrac12 \log|I + U^\top U| - \tfrac d2 \log 2\pi, \qquad
        y = D^{-1/2}(x - \mu), \quad U = D^{-1/2} W

    Parameters
    ----------
    loc : array (..., d)
        μ.
    cov_factor : array (..., d, m)
        W, any real numbers; m may be larger than d, but then `MultivariateNormal` is cheaper.
    cov_diag, log_cov_diag : array (..., d)
        The diagonal of D > 0, or its logarithm; exactly one of them.

    Notes
    -----
    Entropy ½ d log(2πe) + ½ Σ log Dᵢ + ½ log|I + UᵀU|. No d × d matrix is made: time and memory
    are of order d m², by Woodbury's identity. The noise of `rsample` is standard normal and ends
    in (d + m,): d elements for D, then m for the factors. Woodbury (1950), "Inverting modified
    matrices"; Petersen and Pedersen (2012), "The matrix cookbook", equation 159.

    Examples
    --------
    >>> from klosed import LowRankMultivariateNormal
    >>> q = LowRankMultivariateNormal([0.0, 0.0], cov_factor=[[1.0], [0.5]], cov_diag=[1.0, 0.75])
    >>> round(float(q.log_prob([1.0, -1.0])), 4), q.variance.tolist()
    (-3.2605, [2.0, 1.0])
    """

    specification = (
        Real("loc", event_ndim=1),
        Real("cov_factor", event_ndim=2),
        _Diagonal("cov_diag"),
    )
    support = Product(REAL, 1)
    loc: Array
    cov_factor: Array
    cov_diag: Array
    log_cov_diag: Array

    def __init__(
        self, loc: Any, cov_factor: Any, cov_diag: Any = None, *, log_cov_diag: Any = None
    ) -> None:
        super().__init__(
            loc=loc, cov_factor=cov_factor, cov_diag=cov_diag, log_cov_diag=log_cov_diag
        )

    def _check(self) -> None:
        (_, loc), (_, factor), (name, diagonal) = self.parameters.items()
        size = loc.shape[-1] if loc.ndim else 0
        fits = factor.ndim >= 2 and factor.shape[-2] == size and factor.shape[-1] > 0
        if not (size and fits and diagonal.ndim and diagonal.shape[-1] == size):
            raise ShapeError(
                f"loc must end in (d,), cov_factor in (d, m) and {name} in (d,); got shapes "
                f"{tuple(loc.shape)}, {tuple(factor.shape)} and {tuple(diagonal.shape)}."
            )
        super()._check()

    @property
    def event_shape(self) -> Shape:
        return (self.core.loc.shape[-1],)

    @property
    def noise_shape(self) -> Shape:
        return (self.event_shape[0] + self.core.cov_factor.shape[-1],)

    @property
    def root(self) -> Array:
        """√D, of the batch's axes and (d,)."""
        diagonal = self.core.cov_diag
        return namespace(diagonal.given).sqrt(diagonal.value)

    @property
    def woodbury(self) -> Woodbury:
        """The inverse of I + UUᵀ."""
        return Woodbury(self.core.cov_factor / self.root[..., None])

    @property
    def covariance_matrix(self) -> Array:
        """WWᵀ + D, as a matrix."""
        factor, diagonal = self.core.cov_factor, self.core.cov_diag.value
        whole = factor @ namespace(factor).matrix_transpose(factor)
        return whole + diagonal[..., None] * eye_like(whole)

    @property
    def mean(self) -> Array:
        return self._expand(self.core.loc)

    @property
    def variance(self) -> Array:
        factor = self.core.cov_factor
        square = namespace(factor).sum(factor * factor, axis=-1)
        return self._expand(square + self.core.cov_diag.value)

    def _log_prob(self, x: Array) -> Array:
        y = (x - self.core.loc) / self.root
        return -0.5 * self.woodbury.square(y[..., None]) - self._log_volume(_HALF_LOG_2PI)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        root, woodbury = self.root, self.woodbury
        s = woodbury.divide(((x - self.core.loc) / root)[..., None])
        slope = s[..., 0] / root

        def of_factor() -> Array:
            pull = s @ (namespace(s).matrix_transpose(s) @ woodbury.u)
            return (pull - woodbury.u_over_whole) / root[..., None]

        return {
            "loc": slope,
            "cov_factor": of_factor,
            "log_cov_diag": lambda: 0.5 * (s[..., 0] ** 2 - woodbury.diagonal),
        }, -slope

    def _entropy(self) -> Array:
        return self._log_volume(0.5 + _HALF_LOG_2PI)

    def _grad_entropy(self) -> Gradients:
        woodbury = self.woodbury
        return {
            "cov_factor": lambda: woodbury.u_over_whole / self.root[..., None],
            "log_cov_diag": lambda: 0.5 * woodbury.diagonal,
        }

    def _log_volume(self, each: float) -> Array:
        xp = namespace(self.core.loc)
        diagonal = xp.sum(0.5 * self.core.cov_diag.log + each, axis=-1)
        return diagonal + 0.5 * self.woodbury.log_det

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        full = (*shape[:-1], *self.noise_shape)
        return self._rsample(self.array(rng.standard_normal(full)))

    def _rsample(self, noise: Array) -> Array:
        d = self.event_shape[0]
        common = (self.core.cov_factor @ noise[..., d:, None])[..., 0]
        return self.core.loc + self.root * noise[..., :d] + common


class Woodbury:
    """The inverse of I + UUᵀ through the Cholesky factor of I + UᵀU."""

    def __init__(self, u: Array) -> None:
        self.u = u
        self._xp = xp = namespace(u)
        whole = xp.matrix_transpose(u) @ u
        whole = whole + eye_like(whole)
        once = xp.linalg.cholesky(whole)
        # what a factor has that those before it lack, beside all of it
        own, size = xp.linalg.diagonal(once) ** 2, xp.linalg.diagonal(whole)
        apart = xp.all(size < 16.0 * own, axis=-1)[..., None, None]
        self.factor = choose(
            apart, lambda lower, _: lower, _again, once, u,
            then_at=(0.0, 0.0), otherwise_at=(1.0, 0.0),
        )  # fmt: skip

    @property
    def log_det(self) -> Array:
        """Return log|I + UUᵀ|."""
        xp = self._xp
        return 2.0 * xp.sum(xp.log(xp.linalg.diagonal(self.factor)), axis=-1)

    def shrink(self, x: Array) -> Array:
        """Return x L⁻ᵀ, for rows x of m numbers and L the Cholesky factor."""
        return _shrink(self.factor, x)

    @property
    def u_over_whole(self) -> Array:
        """Return (I + UUᵀ)⁻¹ U = U (I + UᵀU)⁻¹."""
        flip = self._xp.matrix_transpose
        return flip(solve_upper(flip(self.factor), flip(self.shrink(self.u))))

    @property
    def diagonal(self) -> Array:
        """Return the diagonal of the inverse."""
        thin = self.shrink(self.u)
        return 1.0 - self._xp.sum(thin * thin, axis=-1)

    def weights(self, x: Array) -> Array:
        """Return (I + UᵀU)⁻¹ Uᵀ x, the ridge regression of columns x on U."""
        flip = self._xp.matrix_transpose
        return solve_upper(flip(self.factor), solve_lower(self.factor, flip(self.u) @ x))

    def divide(self, x: Array) -> Array:
        """Return (I + UUᵀ)⁻¹ x for columns x."""
        return x - self.u @ self.weights(x)

    def square(self, x: Array) -> Array:
        """Return tr xᵀ (I + UUᵀ)⁻¹ x, as what a ridge regression minimises: a sum of squares."""
        w = self.weights(x)
        rest = x - self.u @ w
        return self._xp.sum(rest * rest, axis=(-2, -1)) + self._xp.sum(w * w, axis=(-2, -1))


def _shrink(lower: Array, x: Array) -> Array:
    flip = namespace(x).matrix_transpose
    return flip(solve_lower(lower, flip(x)))


def _again(lower: Array, u: Array) -> Array:
    """Return the factor of I + UᵀU from a rounded one, by the factor of what that leaves.

    Nearly collinear columns then cost no more digits than in the QR factor of U above I. Yamamoto,
    Nakatsukasa, Yanagisawa and Fukaya (2015), "Roundoff error analysis of the CholeskyQR2
    algorithm", Electronic Transactions on Numerical Analysis 44.
    """
    xp = namespace(u)
    flip = xp.matrix_transpose
    thin, one = _shrink(lower, u), _shrink(lower, eye_like(lower))
    return lower @ xp.linalg.cholesky(flip(thin) @ thin + flip(one) @ one)
