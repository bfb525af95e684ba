"""Quantiles of the gamma distribution, and how they move with its shape. Floor 0 and special.

With s = log(t/x) the mass on either side of x, over the density of log x there, is

    J = ∫₀^∞ exp(−|x − α| s − x ψ(±s)) ds,    ψ(s) = expm1(s) − s,

a smooth integrand without cancellation, which Gauss and Legendre's rule on 32 points takes to the
last digits; below x = 1 a series of positive terms does. At a fixed probability log x moves with α
by the same integral of ψ(α) − log t: implicit differentiation, Figurnov, Mohamed and Mnih (2018),
"Implicit reparameterization gradients", arXiv:1805.08498.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed._arrays import Array, clip, like, namespace, repeat
from klosed.special._evaluate import evaluate, scalar_form
from klosed.special.elementary import bd0, log1p, log_ratio, psi
from klosed.special.gamma import digamma, digamma_minus_log, lgamma1p
from klosed.special.stirling import stirling_remainder

__all__ = ["gamma_quantile", "log_gamma_quantile"]

_HALF_LOG_2PI = 0.9189385332046727
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_RULE = ((0.5 + 0.5 * _NODES).tolist(), (0.5 * _WEIGHTS).tolist())
_TERMS = 22  # of the series in x <= 1
_FALL = 38.0  # exp(−38) is beyond the last digit
_STEPS = 9


def gamma_quantile(alpha: Any, u: Any) -> Array:
    r"""Return x with P(α, x) = u, the quantile of the gamma distribution of rate 1.

    .. math:: \frac1{\Gamma(\alpha)} \int_0^x t^{\alpha - 1} e^{-t}\,dt = u, \qquad
       \partial_u x = \frac1{f(x)}, \quad \partial_\alpha x = -\frac{\partial_\alpha P}{f(x)}

    Parameters
    ----------
    alpha, u : array
        Any shapes that broadcast; α > 0, u in (0, 1). Rounded to 0 or 1, u is the next number
        inside.

    Returns
    -------
    array
        Broadcast shape, kind and dtype.

    Notes
    -----
    Newton's iteration on log P or log(1 − P), which are concave. Measured against mpmath for α in
    1e-8 … 1e8: what one rounding of u makes of it, and 2e-14 of log x; gradient in α 1e-12.

    Examples
    --------
    >>> from klosed.special import gamma_quantile
    >>> round(float(gamma_quantile(1.0, 0.5)), 12)      # log 2
    0.69314718056
    """
    return evaluate(_QUANTILE, alpha=alpha, u=u)


def log_gamma_quantile(alpha: Any, u: Any) -> Array:
    """Return log `gamma_quantile`, finite where that underflows.

    Examples
    --------
    >>> from klosed.special import log_gamma_quantile
    >>> round(float(log_gamma_quantile(1e-4, 0.5)), 6)
    -6932.048939
    """
    return evaluate(_LOG_QUANTILE, alpha=alpha, u=u)


def _solve(alpha: Array, u: Array) -> tuple[Array, Array]:
    """Return log x, and x."""
    xp = namespace(alpha)
    alpha, u = xp.broadcast_arrays(alpha, _inside(u))
    log_u, log_rest = xp.log(u), xp.log1p(-u)

    def step(state: tuple[Array, Array]) -> tuple[Array, Array]:
        log_x, x = state
        right, mass, _ = _tails(alpha, clip(x, 1.0))
        by_series = x <= 1.0
        rest, _ = _series(alpha, clip(x, 0.0, 1.0))
        near = (alpha * log_x - x) + (log1p(rest) - lgamma1p(alpha))
        found = xp.where(by_series, near, xp.log(mass) + _log_density(alpha, log_x, x))
        mass = xp.where(by_series, (1.0 + rest) / alpha, mass)
        on_right = right & ~by_series
        off = found - xp.where(on_right, log_rest, log_u)
        # to the left Newton's step is one of log x, to the right one of x
        further = x * clip(1.0 + off * mass, 0.1)
        log_x = xp.where(on_right, xp.log(further), log_x - off * mass)
        return log_x, xp.where(on_right, further, xp.exp(log_x))

    log_x = _start(alpha, u, log_u)
    return repeat(step, (log_x, xp.exp(log_x)), _STEPS)


def _inside(u: Array) -> Array:
    limits = namespace(u).finfo(u.dtype)
    return clip(u, float(limits.smallest_normal), 1.0 - 0.5 * float(limits.eps))


def _start(alpha: Array, u: Array, log_u: Array) -> Array:
    """Return a bound on log x, or Wilson and Hilferty's approximation where that is larger."""
    xp = namespace(alpha)
    bound = (log_u + lgamma1p(alpha)) / alpha
    z = (u**0.135 - (1.0 - u) ** 0.135) / 0.1975  # Tukey's approximation to the normal quantile
    large = clip(alpha, 1.0)
    root = 1.0 - 1.0 / (9.0 * large) + z / (3.0 * xp.sqrt(large))
    cubic = xp.log(large) + 3.0 * xp.log(clip(root, 1e-3))
    return xp.where((alpha >= 1.0) & (cubic > bound), cubic, bound)


def _log_density(alpha: Array, log_x: Array, x: Array) -> Array:
    """Return the logarithm of the density of log x."""
    xp = namespace(alpha)
    small = (alpha * log_x - x) + (xp.log(alpha) - lgamma1p(alpha))
    peak = 0.5 * xp.log(alpha) - _HALF_LOG_2PI - stirling_remainder(alpha)
    return xp.where(x <= 1.0, small, peak - bd0(alpha, clip(x, 1.0)))


def _series(alpha: Array, x: Array) -> tuple[Array, Array]:
    """Return Σ xᵏ/((α + 1) … (α + k)) from k = 1 on, x <= 1, and its derivative in −α.

    1 plus the first, over α, is the mass below x over the density of log x.
    """
    term = 1.0
    harmonic = rest = weighted = 0.0 * alpha
    for k in range(1, _TERMS):
        term = term * (x / (alpha + k))
        harmonic = harmonic + 1.0 / (alpha + k)
        rest, weighted = rest + term, weighted + term * harmonic
    return rest, weighted


def _tails(alpha: Array, x: Array) -> tuple[Array, Array, Array]:
    """Return whether x >= 1 lies to the right, J beyond it, and the same integral of s."""
    xp = namespace(alpha)
    right = (x >= alpha) & (x >= 1.0)
    c = xp.abs(x - alpha)
    # where the integrand has fallen by exp(−38), or somewhat further
    b, a = c - _FALL / 3.0, 0.5 * x + c / 3.0
    root = xp.sqrt(b * b + 4.0 * a * _FALL)
    below = xp.where(b > 0.0, 2.0 * _FALL / (root + xp.abs(b)), (root + xp.abs(b)) / (2.0 * a))
    above = 2.0 * _FALL / (c + xp.sqrt(c * c + 2.0 * _FALL * x))
    for _ in range(3):
        above = above - ((c * above + x * psi(above)) - _FALL) / (c + x * xp.expm1(above))
    end = xp.where(right, above, below)[..., None]
    nodes, weights = (like(values, alpha) for values in _RULE)
    s = nodes * end
    signed = xp.where(right[..., None], s, -s)
    fall = (weights * end) * xp.exp(-(c[..., None] * s + x[..., None] * psi(signed)))
    return right, xp.sum(fall, axis=-1), xp.sum(s * fall, axis=-1)


def _by_alpha(alpha: Array, log_x: Array, x: Array) -> Array:
    """Return how log x moves with α at the same probability."""
    xp = namespace(alpha)
    below_one = x <= 1.0
    rest, weighted = _series(alpha, clip(x, 0.0, 1.0))
    near = ((1.0 + rest) * (digamma(1.0 + alpha) - log_x) + weighted) / alpha
    at = clip(x, 1.0)
    right, mass, moment = _tails(alpha, at)
    gap = digamma_minus_log(alpha) - log_ratio(at, alpha)
    return xp.where(below_one, near, xp.where(right, -gap, gap) * mass + moment)


def _by_u(alpha: Array, log_x: Array, x: Array) -> Array:
    """Return how log x moves with u."""
    return namespace(alpha).exp(-_log_density(alpha, log_x, x))


def _grad(alpha: Array, u: Array) -> tuple[Array, Array]:
    log_x, x = _differentiable(alpha, u)
    return x * _by_alpha(alpha, log_x, x), x * _by_u(alpha, log_x, x)


def _grad_log(alpha: Array, u: Array) -> tuple[Array, Array]:
    log_x, x = _differentiable(alpha, u)
    return _by_alpha(alpha, log_x, x), _by_u(alpha, log_x, x)


def _differentiable(alpha: Array, u: Array) -> tuple[Array, Array]:
    xp = namespace(alpha)
    alpha, u = xp.broadcast_arrays(alpha, u)
    log_x = _LOG_QUANTILE(alpha, u)
    return log_x, _QUANTILE(alpha, u)


_QUANTILE = scalar_form(lambda alpha, u: _solve(alpha, u)[1], _grad, arity=2)
_LOG_QUANTILE = scalar_form(lambda alpha, u: _solve(alpha, u)[0], _grad_log, arity=2)
