"""KL from a Wishart distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Wishart
from klosed.distributions._base import Gradients
from klosed.distributions._matrices import eye_like
from klosed.divergences._registry import register_kl
from klosed.divergences._whitening import relative_factor
from klosed.special import (
    digamma_minus_log_difference,
    gamma_shape_bregman,
    log_ratio,
    phi_ratio,
    trigamma_minus_reciprocal,
)

__all__ = ["kl_wishart_wishart"]


@register_kl(Wishart, Wishart)
def kl_wishart_wishart(q: Wishart, p: Wishart) -> Array:
    r"""KL of two Wishart distributions, in nats: a sum of nonnegative terms.

    .. math::
        \mathrm{KL} = y\left(\operatorname{tr} M - d - \log|M|\right) + \sum_{i=0}^{d-1}
        \left[R(y_i, x_i) + \tfrac i2\,\varphi\!\left(\tfrac{y - x}{x_i}\right)
        - y\,\varphi\!\left(\tfrac{i}{2y} \tfrac{y - x}{x_i}\right)\right]

    .. math::
        x = \nu_q/2, \quad y = \nu_p/2, \quad x_i = x - \tfrac i2, \quad y_i = y - \tfrac i2,
        \qquad M = \tfrac xy\, L_p^{-1} \Sigma_q L_p^{-\top}, \qquad \varphi(t) = t - \log(1 + t)

    Notes
    -----
    R is `gamma_shape_bregman`. The first term compares means, the rest shapes: it is the Bregman
    divergence of log Γ_d(x) − d(x log x − x). As Penny (2001), "KL-divergences of normal, gamma,
    Dirichlet and Wishart densities", regrouped. The gradient in ν is
    ½ Σ (x − y)(ψ'(xᵢ) − 1/x) + ½ (y/x)(tr M − d) for q and
    ½ Σ [ψ(yᵢ) − ψ(xᵢ) − log(y/x)] − ½ log|M| for p.

    Measured against mpmath, d ≤ 3, condition numbers up to 1e4, near-equal parameters
    (1 … 1e-12) and degrees of freedom d − 1 + (1e-6 … 1e8) included: at most 7 ulp; gradients
    4e-14 relative to the norm of these terms' gradients.
    """
    c = _Contrast(q, p)
    xp = namespace(c.x)
    drop = c.halves * phi_ratio(c.yi, c.xi, c.step) - c.y * phi_ratio(*c.crossed)
    shapes = gamma_shape_bregman(c.yi, c.xi, c.step) + drop
    below = xp.tril(c.e, k=-1)
    means = 2.0 * phi_ratio(c.diagonal, 1.0, c.t) + c.t**2 + xp.sum(below * below, axis=-1)
    return xp.sum(c.y * means + shapes, axis=-1)


@kl_wishart_wishart.gradient
def _grad_wishart(q: Wishart, p: Wishart) -> tuple[Gradients, Gradients]:
    c = _Contrast(q, p)
    xp = namespace(c.x)
    flip = xp.matrix_transpose

    def df_q() -> Array:
        spread = trigamma_minus_reciprocal(c.xi) + c.halves / c.x / c.xi
        trace = 2.0 * c.t + xp.sum(c.e * c.e, axis=-1)
        return 0.5 * xp.sum(c.y / c.x * trace - c.step * spread, axis=-1)

    def df_p() -> Array:
        each = digamma_minus_log_difference(c.yi, c.xi, c.step) + log_ratio(*c.crossed)
        return xp.sum(0.5 * each - log_ratio(c.diagonal, 1.0, c.t), axis=-1)

    def scale_tril_q() -> Array:
        # L_p⁻ᵀ(W − W⁻ᵀ) √(ν_p ν_q), without the detour over L_q⁻¹
        diagonal = c.t * (c.t + 2.0) / c.diagonal
        inner = xp.tril(c.e, k=-1) + diagonal[..., None] * eye_like(c.e)
        return xp.tril(p.core.covariance_matrix.unwhiten(c.scale * inner))

    y = c.y[..., None]
    return {
        "df": df_q,
        "scatter": lambda: y * (c.e + flip(c.e) + flip(c.e) @ c.e),
        "scale_tril": scale_tril_q,
    }, {"df": df_p, "scatter": lambda: -y * (c.e + flip(c.e) + c.e @ flip(c.e))}


class _Contrast:
    """What value and gradient share: W = √(ν_q/ν_p) L_p⁻¹ L_q as E = W − I, and half the dfs."""

    def __init__(self, q: Wishart, p: Wishart) -> None:
        self.x, self.y = 0.5 * q.core.df[..., None], 0.5 * p.core.df[..., None]
        self.xi, self.yi, self.halves = q.shapes, p.shapes, q.halves
        self.step = self.y - self.x
        self._scatters = q.core.covariance_matrix, p.core.covariance_matrix
        e, ratio = relative_factor(*self._scatters)
        xp = namespace(e)
        root = xp.sqrt(self.x / self.y)
        rise = -self.step / self.y / (root + 1.0)
        t = xp.linalg.diagonal(e)
        self.diagonal = root * ratio.value
        near = (xp.abs(t) < 0.5) & (xp.abs(rise) < 0.5)
        self.t = xp.where(near, rise + root * t, self.diagonal - 1.0)
        identity = eye_like(e)
        below = root[..., None] * e * (1.0 - identity)
        self.e = below + self.t[..., None] * identity
        self.scale = 2.0 * xp.sqrt(self.x * self.y)[..., None]
        # two products whose ratio is (yᵢ/y)/(xᵢ/x), and their difference
        self.crossed = self.yi * self.x, self.xi * self.y, self.halves * self.step
