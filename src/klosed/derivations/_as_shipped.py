"""KLs as divergences/ computes them: the textbook's form regrouped, so that nothing cancels.

One function of q's and p's symbols a pair; a last step shows that it is the form derived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

__all__ = ["AS_SHIPPED"]

Expr = Any
Symbols = Sequence[Any]
Form = Callable[[Symbols, Symbols], Expr]

half, log, lgamma, digamma = sp.Rational(1, 2), sp.log, sp.loggamma, sp.digamma


def excess(r: Expr) -> Expr:
    """Return r − 1 − log r."""
    return r - 1 - log(r)


def phi(x: Expr) -> Expr:
    """Return x − log(1 + x)."""
    return x - log(1 + x)


def psi(x: Expr) -> Expr:
    """Return exp(x) − 1 − x."""
    return sp.exp(x) - 1 - x


def deviance(x: Expr, m: Expr) -> Expr:
    """Return x log(x/m) + m − x."""
    return x * log(x / m) + m - x


def bregman(x: Expr, y: Expr) -> Expr:
    """Return the Bregman divergence of log Γ from y to x."""
    return lgamma(x) - lgamma(y) - (x - y) * digamma(y)


def of_gammas(a: Expr, b: Expr, c: Expr, d: Expr) -> Expr:
    """Return KL(Gamma(a, b) ‖ Gamma(c, d)) by the ratio of the means and by the shapes."""

    def stirling(x: Expr) -> Expr:
        return lgamma(x) - x * log(x) + x

    shape = stirling(c) - stirling(a) - (c - a) * (digamma(a) - log(a))
    return c * phi(a * d / (b * c) - 1) + shape


def to_normal(mean: Expr, variance: Expr, own: Expr, p: Symbols) -> Expr:
    """Return the four terms of a KL from a normal distribution; `own` is J."""
    mu, sigma = p
    r, z = sp.sqrt(variance) / sigma, (mean - mu) / sigma
    return excess(r) + ((r - 1) ** 2 + z**2) / 2 + own


def to_gamma(mean: Expr, spread: Expr, own: Expr, c: Expr, rate: Expr) -> Expr:
    """Return a KL from a gamma by the mean; spread is log E x − E log x, own log E x − H(q)."""
    s = rate * mean
    return c * log(c / s) + s - c + (c - 1) * spread + lgamma(c) + c - c * log(c) + own


def _normal_normal(q: Symbols, p: Symbols) -> Expr:
    return to_normal(q[0], q[1] ** 2, 0, p)


def _normal_laplace(q: Symbols, p: Symbols) -> Expr:
    (mu, sigma), (loc, b) = q, p
    rho, z, v = sp.sqrt(2 / sp.pi) * sigma / b, (mu - loc) / sigma, (mu - loc) / b
    shift = v * sp.erf(z / sp.sqrt(2)) + rho * (sp.exp(-(z**2) / 2) - 1)
    return excess(rho) + (half - log(sp.pi / 2)) + shift


def _normal_gumbel(q: Symbols, p: Symbols) -> Expr:
    (mu, sigma), (loc, beta) = q, p
    r = sigma / beta
    inner = r**2 / 2 - (mu - loc) / beta
    return psi(inner) + excess(r) + (r - 1) ** 2 / 2 + (1 - log(2 * sp.pi) / 2)


def _laplace_laplace(q: Symbols, p: Symbols) -> Expr:
    (mu, b), (loc, scale) = q, p
    return excess(b / scale) + b / scale * psi(-sp.Abs(mu - loc) / b)


def _gumbel_gumbel(q: Symbols, p: Symbols) -> Expr:
    (mu, beta), (loc, scale) = q, p
    r, w = beta / scale, (loc - mu) / scale
    return psi(w + lgamma(1 + r)) + excess(r) + bregman(1 + r, sp.Integer(2))


def _moyal_moyal(q: Symbols, p: Symbols) -> Expr:
    (mu, sigma), (loc, scale) = q, p
    r, w = sigma / scale, (loc - mu) / scale
    inner = w + log(2**r * sp.gamma(r + half) / sp.sqrt(sp.pi))
    return psi(inner) / 2 + excess(r) + bregman(r + half, 3 * half) / 2


def _weibull_weibull(q: Symbols, p: Symbols) -> Expr:
    (scale, k), (other, order) = q, p
    r = order / k
    w = order * log(scale / other) + lgamma(1 + r)
    return psi(w) + lgamma(r) + sp.EulerGamma * (r - 1)


def _weibull_gamma(q: Symbols, p: Symbols) -> Expr:
    (scale, k), (c, d) = q, p
    rho = 1 / k
    m = d * scale * sp.gamma(1 + rho)
    least = (
        c * (lgamma(1 + rho) + sp.EulerGamma * rho)
        + (lgamma(c) - c * log(c) + c)
        - log(rho)
        - 1
        - sp.EulerGamma
    )
    return c * phi(m / c - 1) + least


def _exponential_gumbel(q: Symbols, p: Symbols) -> Expr:
    (rate,), (mu, beta) = q, p
    r = 1 / (rate * beta)
    return psi(mu / beta - log(1 + r)) + r - log(r) - log(1 + r)


def _gamma_gamma(q: Symbols, p: Symbols) -> Expr:
    return of_gammas(q[0], q[1], p[0], p[1])


def _gamma_own(alpha: Expr) -> Expr:
    """Return the KL of a gamma from the normal of its own mean and variance."""
    entropy = lgamma(alpha) + alpha + (1 - alpha) * digamma(alpha)
    return log(2 * sp.pi * sp.E * alpha) / 2 - entropy


def _gamma_gumbel(q: Symbols, p: Symbols) -> Expr:
    (alpha, beta), (mu, scale) = q, p
    tau = 1 / (beta * scale)
    own = _gamma_own(alpha) - log(2 * sp.pi * alpha) / 2
    return psi(mu / scale - alpha * log(1 + tau)) + alpha * phi(tau) + own - log(tau) + half


def _pareto_normal(q: Symbols, p: Symbols) -> Expr:
    m, alpha = q
    own = log(2 * sp.pi * sp.E) / 2 - 1 - 1 / alpha
    own += log(alpha**3 / ((alpha - 1) ** 2 * (alpha - 2))) / 2
    variance = m**2 * alpha / ((alpha - 1) ** 2 * (alpha - 2))
    return to_normal(alpha * m / (alpha - 1), variance, own, p)


def _pareto_gamma(q: Symbols, p: Symbols) -> Expr:
    (m, alpha), (c, beta) = q, p
    mean = m * alpha / (alpha - 1)
    return to_gamma(mean, phi(-1 / alpha), log(alpha) - 1 + phi(-1 / alpha), c, beta)


def _inverse_gaussian(q: Symbols, p: Symbols) -> Expr:
    (mu, shape), (loc, concentration) = q, p
    shift = concentration / mu * ((mu - loc) / loc) ** 2
    return excess(concentration / shape) / 2 + shift / 2


def _uniform_normal(q: Symbols, p: Symbols) -> Expr:
    low, width = q
    return to_normal(low + width / 2, width**2 / 12, log(sp.pi * sp.E / 6) / 2, p)


def _uniform_exponential(q: Symbols, p: Symbols) -> Expr:
    low, width = q
    return excess(p[0] * (low + width / 2)) + 1 + log((low + width / 2) / width)


def _uniform_gumbel(q: Symbols, p: Symbols) -> Expr:
    (low, width), (mu, beta) = q, p
    h, z = width / (2 * beta), (low + width / 2 - mu) / beta
    spread = log((sp.exp(h) - sp.exp(-h)) / (2 * h))
    return psi(spread - z) + 1 + spread - log(2 * h)


def _direction(kappa: Expr) -> tuple[Expr, Expr]:
    """Return G = log(sinh κ/κ) and its derivative A."""
    return log(sp.sinh(kappa) / kappa), 1 / sp.tanh(kappa) - 1 / kappa


def _vmf_vmf(q: Symbols, p: Symbols) -> Expr:
    (a, b, kappa), (a_p, b_p, concentration) = q, p
    cos = sp.sin(a) * sp.sin(a_p) * sp.cos(b - b_p) + sp.cos(a) * sp.cos(a_p)
    (at_q, slope), (at_p, _) = _direction(kappa), _direction(concentration)
    lengths = at_p - at_q - slope * (concentration - kappa)
    return lengths + concentration * slope * (1 - cos)


def _vmf_uniform(q: Symbols, p: Symbols) -> Expr:
    g, slope = _direction(q[2])
    return q[2] * slope - g


_LIKE_NORMALS = ("Normal", "LogNormal", "LogitNormal")
_LIKE_GAMMAS = ("Gamma", "InverseGamma", "ExpGamma")

AS_SHIPPED: dict[tuple[str, str], Form] = {
    **{(name, name): _normal_normal for name in _LIKE_NORMALS},
    **{(name, name): _gamma_gamma for name in _LIKE_GAMMAS},
    ("Normal", "Laplace"): _normal_laplace,
    ("Normal", "Gumbel"): _normal_gumbel,
    ("HalfNormal", "HalfNormal"): lambda q, p: to_normal(0, q[0] ** 2, 0, (0, p[0])),
    ("Laplace", "Laplace"): _laplace_laplace,
    ("Laplace", "Normal"): lambda q, p: to_normal(q[0], 2 * q[1] ** 2, (log(sp.pi) - 1) / 2, p),
    ("Gumbel", "Gumbel"): _gumbel_gumbel,
    ("Gumbel", "Normal"): lambda q, p: to_normal(
        q[0] + sp.EulerGamma * q[1],
        sp.pi**2 * q[1] ** 2 / 6,
        log(sp.pi**3 * sp.E / 3) / 2 - 1 - sp.EulerGamma,
        p,
    ),
    ("Moyal", "Moyal"): _moyal_moyal,
    ("Weibull", "Weibull"): _weibull_weibull,
    ("Weibull", "Gamma"): _weibull_gamma,
    ("Exponential", "Exponential"): lambda q, p: excess(p[0] / q[0]),
    ("Exponential", "Gamma"): lambda q, p: of_gammas(sp.Integer(1), q[0], p[0], p[1]),
    ("Exponential", "Normal"): lambda q, p: to_normal(
        1 / q[0], 1 / q[0] ** 2, (log(2 * sp.pi) - 1) / 2, p
    ),
    ("Exponential", "Gumbel"): _exponential_gumbel,
    ("Gamma", "Exponential"): lambda q, p: of_gammas(q[0], q[1], sp.Integer(1), p[0]),
    ("Gamma", "Chi2"): lambda q, p: of_gammas(q[0], q[1], p[0] / 2, half),
    ("Gamma", "Normal"): lambda q, p: to_normal(q[0] / q[1], q[0] / q[1] ** 2, _gamma_own(q[0]), p),
    ("Gamma", "Gumbel"): _gamma_gumbel,
    ("Chi2", "Gamma"): lambda q, p: of_gammas(q[0] / 2, half, p[0], p[1]),
    ("Chi2", "Chi2"): lambda q, p: bregman(p[0] / 2, q[0] / 2),
    ("Chi", "Chi"): lambda q, p: bregman(p[0] / 2, q[0] / 2),
    ("InverseGaussian", "InverseGaussian"): _inverse_gaussian,
    ("Pareto", "Normal"): _pareto_normal,
    ("Pareto", "Gamma"): _pareto_gamma,
    ("Uniform", "Normal"): _uniform_normal,
    ("Uniform", "Exponential"): _uniform_exponential,
    ("Uniform", "Gumbel"): _uniform_gumbel,
    ("Bernoulli", "Bernoulli"): lambda q, p: deviance(q[0], p[0]) + deviance(1 - q[0], 1 - p[0]),
    ("Bernoulli", "Poisson"): lambda q, p: deviance(q[0], p[0]) + deviance(1 - q[0], 1),
    ("Geometric", "Geometric"): lambda q, p: (
        (deviance(q[0], p[0]) + deviance(1 - q[0], 1 - p[0])) / q[0]
    ),
    ("Poisson", "Poisson"): lambda q, p: deviance(q[0], p[0]),
    ("VonMisesFisher", "VonMisesFisher"): _vmf_vmf,
    ("VonMisesFisher", "SphericalUniform"): _vmf_uniform,
    ("SphericalUniform", "VonMisesFisher"): lambda q, p: _direction(p[2])[0],
}
