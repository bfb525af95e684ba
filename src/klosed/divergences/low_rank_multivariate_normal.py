"""KL to and from normal vectors with few factors. Imports only distributions and below."""

from __future__ import annotations

from typing import Any

from klosed._arrays import Array, namespace
from klosed.distributions import LowRankMultivariateNormal, MultivariateNormal
from klosed.distributions._base import Gradients
from klosed.distributions._matrices import ScatterValue, eye_like, solve_lower, symmetric
from klosed.distributions.low_rank_multivariate_normal import Woodbury
from klosed.divergences._registry import register_kl
from klosed.divergences.multivariate_normal import grad_of_scatters, kl_of_scatters
from klosed.special import phi, two_product, two_sum

__all__ = [
    "kl_low_rank_multivariate_normal_low_rank_multivariate_normal",
    "kl_low_rank_multivariate_normal_multivariate_normal",
    "kl_multivariate_normal_low_rank_multivariate_normal",
]

LowRank = LowRankMultivariateNormal


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def kl_low_rank_multivariate_normal_low_rank_multivariate_normal(q: LowRank, p: LowRank) -> Array:
    r"""KL of two normal vectors with few factors, in nats, in time of order d m².

    .. math::
        2\,\mathrm{KL} = \sum_i \varphi(t_i) + \operatorname{tr} Z - \log|I + Z|
        + \operatorname{tr} K^\top P K - \|\hat K\|^2 - \sum_i \left(h_i t_i
        - 2 \hat u_i^\top \hat k_i - \|\hat k_i\|^2\right) \frac{t_i}{1 + t_i}
        + \delta^\top P \delta

    .. math::
        t = \tfrac{D_q - D_p}{D_p}, \quad U = D_p^{-1/2} W_p, \quad V = D_p^{-1/2} W_q, \quad
        K = V - U, \quad P = (I + UU^\top)^{-1}, \quad \delta = D_p^{-1/2}(\mu_q - \mu_p)

    Notes
    -----
    Hats divide rows by the factor L of C = I + UᵀU, as û = L⁻¹u; hᵢ = ‖ûᵢ‖²; Z = L⁻¹(C' − C)L⁻ᵀ
    with C' = I + Vᵀ(I + T)⁻¹V, the other capacitance. For near-equal parameters each term is a
    product of two differences; some may be negative. With no fewer factors than elements it is
    ½ Σ φ(e) + ½ δᵀPδ instead, e the eigenvalues of PΔ. Far apart, it is
    ½(Σ (1 + tᵢ)(1 − hᵢ) + tr VᵀPV − d + δᵀPδ) less half the logarithm of the determinants. The
    gradient in the covariance matrices, which are never made, is ½ P Δ (I + T + VVᵀ)⁻¹ for q and
    −½ P (Δ + δδᵀ) P for p, in units of D_p, with Δ = T + KVᵀ + UKᵀ.

    Measured against mpmath, d ≤ 6, near-equal parameters (1 … 1e-12) included: at most 25 ulp where
    WWᵀ is of the size of D or 1e2 times that, mostly below 100, up to 420 (1e-13) at 1e4 … 1e8,
    nearly collinear factors (1e-3) among them; gradients 1e-14 of their norm, and 2e-15 times that
    ratio where it is large. Where the factors of p are those of q turned, WQ with an orthogonal Q,
    KL keeps the digits that it has beside the square of the turn.
    """
    c = _Contrast(q, p)
    xp = namespace(c.t)
    near = xp.clip(c.near(), min=0.0)
    return 0.5 * (xp.where(c.is_near, near, c.far()) + c.whole.square(c.delta[..., None]))


@kl_low_rank_multivariate_normal_low_rank_multivariate_normal.gradient
def _grad_same(q: LowRank, p: LowRank) -> tuple[Gradients, Gradients]:
    c = _Contrast(q, p)
    xp = namespace(c.t)
    root = p.root
    s = c.whole.divide(c.delta[..., None])
    slope = s[..., 0] / root
    rank_q, rank_p = q.core.cov_factor.shape[-1], p.core.cov_factor.shape[-1]

    def factor_p() -> Array:
        y = c.whole.u_over_whole
        pull = c.whole.divide(c.move(y)) + s @ (xp.matrix_transpose(c.delta[..., None]) @ y)
        return -pull[..., :rank_p] / root[..., None]

    return {
        "loc": slope,
        "cov_factor": lambda: (
            c.whole.divide(c.move(c.v_over_other))[..., :rank_q] / root[..., None]
        ),
        "log_cov_diag": lambda: 0.5 * c.ratio * c.diagonal(c.other_parts()),
    }, {
        "loc": -slope,
        "cov_factor": factor_p,
        "log_cov_diag": lambda: -0.5 * (c.diagonal(c.whole_parts()) + s[..., 0] ** 2),
    }


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def kl_low_rank_multivariate_normal_multivariate_normal(q: LowRank, p: MultivariateNormal) -> Array:
    """KL from a normal vector with few factors to any normal vector, in nats.

    Notes
    -----
    By the full matrix WWᵀ + D, whose rounding, a relative 1e-16 of its largest part, is seen where
    the two are near-equal and where D is far smaller. Measured at ordinary parameters: 3 ulp,
    gradients 1e-13 of their norm.
    """
    return kl_of_scatters(*_parts(q), *_parts(p))


@kl_low_rank_multivariate_normal_multivariate_normal.gradient
def _grad_to_full(q: LowRank, p: MultivariateNormal) -> tuple[Gradients, Gradients]:
    of_q, of_p = grad_of_scatters(*_parts(q), *_parts(p))
    return _of_factors(q, of_q), of_p


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def kl_multivariate_normal_low_rank_multivariate_normal(q: MultivariateNormal, p: LowRank) -> Array:
    """KL from any normal vector to one with few factors, in nats; as in the other direction."""
    return kl_of_scatters(*_parts(q), *_parts(p))


@kl_multivariate_normal_low_rank_multivariate_normal.gradient
def _grad_from_full(q: MultivariateNormal, p: LowRank) -> tuple[Gradients, Gradients]:
    of_q, of_p = grad_of_scatters(*_parts(q), *_parts(p))
    return of_q, _of_factors(p, of_p)


def _parts(d: Any) -> tuple[Array, ScatterValue]:
    if isinstance(d, MultivariateNormal):
        return d.core.loc, d.core.covariance_matrix
    return d.core.loc, ScatterValue("covariance_matrix", d.covariance_matrix)


def _of_factors(d: LowRank, gradients: Gradients) -> Gradients:
    """Turn the gradient in a whitened covariance matrix into those in W and log D."""
    scatter = _parts(d)[1]
    whitened: Any = gradients["scatter"]

    def of_factor() -> Array:
        return 2.0 * scatter.unwhiten(whitened() @ scatter.whiten(d.core.cov_factor))

    def of_diagonal() -> Array:
        xp = namespace(d.core.loc)
        whole = scatter.unwhiten(xp.matrix_transpose(scatter.unwhiten(whitened())))
        return d.core.cov_diag.value * xp.linalg.diagonal(whole)

    return {"loc": gradients["loc"], "cov_factor": of_factor, "log_cov_diag": of_diagonal}


class _Contrast:
    """What value and gradient share; names as in the docstring of the divergence."""

    def __init__(self, q: LowRank, p: LowRank) -> None:
        ratio = q.core.cov_diag / p.core.cov_diag
        root = p.root
        factor_q, factor_p = _padded(q.core.cov_factor, p.core.cov_factor)
        self._xp = xp = namespace(root)
        self._root, self._factor_q, self._factor_p = root, factor_q, factor_p
        self.delta = (q.core.loc - p.core.loc) / root
        self.t, self.ratio, self._excess = ratio.minus_one, ratio.value, ratio.excess
        self._log_ratio = ratio.log
        self.v = factor_q / root[..., None]
        self.k = (factor_q - factor_p) / root[..., None]
        self.whole = Woodbury(factor_p / root[..., None])
        self.other = Woodbury(self.v / xp.sqrt(self.ratio)[..., None])
        self._thin_u, self._thin_k = self.whole.shrink(self.whole.u), self.whole.shrink(self.k)
        self.gain = self.t / self.ratio
        self._wide = self.v.shape[-1] >= self.v.shape[-2]
        if self._wide:
            self._steps = xp.linalg.eigvalsh(self._whitened_step())
            self.is_near = self._steps[..., 0] > -0.5
            return
        self._z = self._capacitance_step()
        apart = (
            xp.sum(self.t * self.t, axis=-1)
            + xp.sum(self._z * self._z, axis=(-2, -1))
            + self.whole.square(self.k)
        )
        # the products of differences lose the more digits the larger the factors are
        size = xp.sum(self.whole.u * self.whole.u, axis=(-2, -1))
        close = apart < xp.clip(4.0 / (1.0 + size) ** 0.25, min=0.25)
        self._steps = xp.linalg.eigvalsh(xp.where(close[..., None, None], self._z, 0.0))
        # and an eigenvalue near −1 leaves few of 1 plus it
        self.is_near = close & (self._steps[..., 0] > -0.5)

    def _capacitance_step(self) -> Array:
        flip = self._xp.matrix_transpose
        u, k = self._thin_u, self._thin_k
        v = u + k
        cross = flip(u) @ k
        return cross + flip(cross) + flip(k) @ k - flip(v) @ (self.gain[..., None] * v)

    def _whitened_step(self) -> Array:
        """Return Δ seen from I + UUᵀ, a matrix no larger than Z if there are factors enough."""
        flip = self._xp.matrix_transpose
        root = Woodbury(flip(self.whole.u)).factor
        half = solve_lower(root, self.move(eye_like(root)))
        return symmetric(solve_lower(root, flip(half)))

    def near(self) -> Array:
        """Return twice the covariances' part of KL from products of differences."""
        xp = self._xp
        u, k = self._thin_u, self._thin_k
        steps = xp.where(self.is_near[..., None], self._steps, 0.0)
        logs = xp.sum(phi(steps), axis=-1)
        if self._wide:
            return logs
        own = xp.sum(u * u, axis=-1) * self.t
        moved = xp.sum((2.0 * u + k) * k, axis=-1)
        rows = self._excess - (own - moved) * self.gain
        factors = self.whole.square(self.k) - xp.sum(k * k, axis=(-2, -1))
        return xp.sum(rows, axis=-1) + (logs + factors)

    def far(self) -> Array:
        """Return it from traces and determinants."""
        xp = self._xp
        rows = (self.t - self._log_ratio) - self.ratio * (1.0 - self.whole.diagonal)
        logs = self.other.log_det - self.whole.log_det
        return xp.sum(rows, axis=-1) + self._square_of_factor() - logs

    def _square_of_factor(self) -> Array:
        """Return tr Vᵀ(I + UUᵀ)⁻¹V as `Woodbury.square` does, without its rounding.

        What the regression leaves of V may be far smaller than V: it is worked out of the factors
        as they were given, with the rounding of each product and sum carried along.
        """
        xp = self._xp
        w = self.whole.weights(self.v)
        rest, lost = self._factor_q, xp.zeros_like(self._factor_q)
        for j in range(w.shape[-2]):
            product, low = two_product(self._factor_p[..., j : j + 1], -w[..., j : j + 1, :])
            rest, error = two_sum(rest, product)
            lost = lost + (error + low)
        rest = (rest + lost) / self._root[..., None]
        return xp.sum(rest * rest, axis=(-2, -1)) + xp.sum(w * w, axis=(-2, -1))

    @property
    def v_over_other(self) -> Array:
        """Return (I + T + VVᵀ)⁻¹ V."""
        return self.other.u_over_whole / self._xp.sqrt(self.ratio)[..., None]

    def move(self, y: Array) -> Array:
        """Return Δ y for columns y."""
        flip = self._xp.matrix_transpose
        return (
            self.t[..., None] * y + self.k @ (flip(self.v) @ y) + self.whole.u @ (flip(self.k) @ y)
        )

    def other_parts(self) -> tuple[Array, Array, Array, Array]:
        """Return a and X̄ with (I + T + VVᵀ)⁻¹ = a − X̄X̄ᵀ, and its products with V and K."""
        xp = self._xp
        root = xp.sqrt(self.ratio)[..., None]
        thin = self.other.shrink(self.other.u) / root
        of_k = self.other.divide(self.k / root) / root
        return 1.0 / self.ratio, thin, self.v_over_other, of_k

    def whole_parts(self) -> tuple[Array, Array, Array, Array]:
        """Return the same of P."""
        return (
            self._xp.ones_like(self.t), self._thin_u,
            self.whole.divide(self.v), self.whole.divide(self.k),
        )  # fmt: skip

    def diagonal(self, parts: tuple[Array, Array, Array, Array]) -> Array:
        """Return the diagonal of P Δ Q for Q given by its parts."""
        xp = self._xp
        a, thin, q_v, q_k = parts
        u, t = self._thin_u, self.t
        inner = xp.matrix_transpose(u) @ (t[..., None] * thin)
        of_t = t * (a * self.whole.diagonal - xp.sum(thin * thin, axis=-1))
        of_t = of_t + xp.sum((u @ inner) * thin, axis=-1)
        of_k = xp.sum(self.whole.divide(self.k) * q_v + self.whole.u_over_whole * q_k, axis=-1)
        return of_t + of_k


def _padded(a: Array, b: Array) -> tuple[Array, Array]:
    """Return both factors with as many columns as the wider one, the new ones zero."""
    xp = namespace(a)
    m = max(a.shape[-1], b.shape[-1])

    def pad(x: Array) -> Array:
        missing = m - x.shape[-1]
        return xp.concat([x, *[0.0 * x[..., :1]] * missing], axis=-1) if missing else x

    return pad(a), pad(b)
