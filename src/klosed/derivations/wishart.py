"""Wishart distributions of 2 × 2 matrices, by Bartlett's decomposition. Mirrors divergences/."""

from __future__ import annotations

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law

__all__ = ["FAMILY", "PAIRS"]

Expr = Any

x = sp.symbols("x11 x12 x21 x22", real=True)
a11, a22 = sp.symbols("a11 a22", positive=True)
a21 = sp.Symbol("a21", real=True)
nu, l11, l22 = sp.symbols("nu l11 l22", positive=True)
l21 = sp.Symbol("l21", real=True)

_factor = sp.Matrix([[l11, 0], [l21, l22]])
_bartlett = _factor * sp.Matrix([[a11, 0], [a21, a22]])


def _chi(a: Expr, df: Expr) -> Law:
    log_constant = (1 - df / 2) * sp.log(2) - sp.loggamma(df / 2)
    return Law(a, log_constant + (df - 1) * sp.log(a) - a**2 / 2, 0)


def _chi_moments(a: Expr, df: Expr) -> tuple[Moment, ...]:
    return (
        Moment(a**2, df, "the mean of a chi-squared variable"),
        Moment(sp.log(a), (sp.digamma(df / 2) + sp.log(2)) / 2, "half its mean logarithm"),
    )


def _log_density() -> Expr:
    matrix = sp.Matrix(2, 2, x)
    log_gamma = sp.log(sp.pi) / 2 + sp.loggamma(nu / 2) + sp.loggamma((nu - 1) / 2)
    return (
        (nu - 3) / 2 * sp.log(x[0] * x[3] - x[1] * x[2])
        - ((_factor * _factor.T).inv() * matrix).trace() / 2
        - nu * sp.log(2)
        - nu * sp.log(l11 * l22)
        - log_gamma
    )


# Σ = L Lᵀ, X = L A Aᵀ Lᵀ with A lower triangular, of independent entries
FAMILY = Family(
    name="Wishart",
    draws={nu: (2.5, 7), l11: (0.5, 2), l21: (-1, 1), l22: (0.5, 2)},
    parameters={"df": nu, "scale_tril": ((l11, 0), (l21, l22))},
    variables=x,
    log_density=_log_density(),
    laws=(
        _chi(a11, nu),
        _chi(a22, nu - 1),
        Law(a21, -(a21**2) / 2 - sp.log(2 * sp.pi) / 2),
    ),
    outcome=tuple(_bartlett * _bartlett.T),
    coordinates=(0, 2, 3),
    moments=(
        *_chi_moments(a11, nu),
        *_chi_moments(a22, nu - 1),
        Moment(a21**2, sp.Integer(1), "a standard normal entry"),
        Moment(a21, sp.Integer(0), "its mean"),
        Moment(a21 * a11, sp.Integer(0), "independent entries, one of mean 0"),
    ),
)


def _kl(q: Side, p: Side) -> Expr:
    """Return ½ νq (tr Σp⁻¹Σq − d) − ½ νp log|Σp⁻¹Σq| + log Γd(p)/Γd(q) + ½ (νq − νp) ψd(νq/2)."""
    covariance = _factor * _factor.T
    matrix = covariance.applyfunc(p.rename).inv() * covariance.applyfunc(q.rename)

    def log_gamma(n: Expr) -> Expr:
        return sp.loggamma(n / 2) + sp.loggamma((n - 1) / 2)

    digamma = sp.digamma(q.nu / 2) + sp.digamma((q.nu - 1) / 2)
    return (
        q.nu / 2 * (matrix.trace() - 2)
        - p.nu * sp.log(q.l11 * q.l22 / (p.l11 * p.l22))
        + log_gamma(p.nu)
        - log_gamma(q.nu)
        + (q.nu - p.nu) / 2 * digamma
    )


PAIRS = (
    Pair(
        "Wishart",
        "Wishart",
        kl=_kl,
        case="of 2 × 2 matrices",
        relative_to_largest=True,
        shown={
            "KL": (
                "KL = ½ νq (tr(Σp⁻¹ Σq) − d) − ½ νp log |Σp⁻¹ Σq| + log Γd(½νp)/Γd(½νq)"
                " + ½ (νq − νp) ψd(½νq)",
                r"\mathrm{KL} = \tfrac{\nu_q}2(\operatorname{tr}\Sigma_p^{-1}\Sigma_q - d)"
                r" - \tfrac{\nu_p}2\log|\Sigma_p^{-1}\Sigma_q|"
                r" + \log\frac{\Gamma_d(\nu_p/2)}{\Gamma_d(\nu_q/2)}"
                r" + \tfrac{\nu_q - \nu_p}2\psi_d\bigl(\tfrac{\nu_q}2\bigr)",
            ),
        },
    ),
)
