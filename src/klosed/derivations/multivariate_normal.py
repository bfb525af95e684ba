"""Normal vectors in two dimensions, made of independent standard normal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law

__all__ = [
    "FAMILY",
    "PAIRS",
    "SHOWN",
    "kl_beside_full",
    "kl_of_moments",
    "log_normal_density",
    "standard_normals",
]

Expr = Any

x1, x2 = sp.symbols("x1 x2", real=True)
z1, z2 = sp.symbols("z1 z2", real=True)
m1, m2, l21 = sp.symbols("m1 m2 l21", real=True)
l11, l22 = sp.symbols("l11 l22", positive=True)


def standard_normals(*variables: Expr) -> tuple[tuple[Law, ...], tuple[Moment, ...]]:
    """Return independent standard normal numbers, and their moments up to the second."""
    laws = tuple(Law(z, -(z**2) / 2 - sp.log(2 * sp.pi) / 2) for z in variables)
    first = [Moment(z, sp.Integer(0), "the mean of a standard normal number") for z in variables]
    second = [Moment(z**2, sp.Integer(1), "its variance") for z in variables]
    mixed = [
        Moment(a * b, sp.Integer(0), "independence")
        for i, a in enumerate(variables)
        for b in variables[:i]
    ]
    return laws, (*first, *second, *mixed)


def log_normal_density(x: sp.Matrix, mean: sp.Matrix, covariance: sp.Matrix) -> Expr:
    """Return −½ log det(2πΣ) − ½ (x − μ)ᵀ Σ⁻¹ (x − μ)."""
    offset = x - mean
    square = (offset.T * covariance.inv() * offset)[0]
    return -sp.log((2 * sp.pi) ** len(x) * covariance.det()) / 2 - square / 2


def kl_of_moments(
    mean_q: sp.Matrix, covariance_q: sp.Matrix, mean_p: sp.Matrix, covariance_p: sp.Matrix
) -> Expr:
    """Return ½ (log |Σp|/|Σq| − d + tr Σp⁻¹Σq + δᵀ Σp⁻¹ δ), δ = μq − μp."""
    inverse, offset = covariance_p.inv(), mean_q - mean_p
    return (
        sp.log(covariance_p.det() / covariance_q.det())
        - len(mean_q)
        + (inverse * covariance_q).trace()
        + (offset.T * inverse * offset)[0]
    ) / 2


_factor = sp.Matrix([[l11, 0], [l21, l22]])
_laws, _moments = standard_normals(z1, z2)

FAMILY = Family(
    name="MultivariateNormal",
    draws={m1: (-2, 2), m2: (-2, 2), l11: (0.4, 2), l21: (-1, 1), l22: (0.4, 2)},
    parameters={"loc": (m1, m2), "scale_tril": ((l11, 0), (l21, l22))},
    variables=(x1, x2),
    log_density=log_normal_density(sp.Matrix([x1, x2]), sp.Matrix([m1, m2]), _factor * _factor.T),
    laws=_laws,
    outcome=tuple(sp.Matrix([m1, m2]) + _factor * sp.Matrix([z1, z2])),
    moments=_moments,
    entropy=1 + sp.log(2 * sp.pi * l11 * l22),
)


def kl_beside_full(
    name: str = "", mean: sp.Matrix | None = None, covariance: sp.Matrix | None = None
) -> Callable[[Side, Side], Expr]:
    """Return kl(q, p) where a side of the family `name` has these moments, others are full."""

    def moments(side: Side) -> list[sp.Matrix]:
        own = (sp.Matrix([m1, m2]), _factor * _factor.T)
        if side.family.name == name:
            own = (mean, covariance)
        return [value.applyfunc(side.rename) for value in own]

    return lambda q, p: kl_of_moments(*moments(q), *moments(p))


SHOWN = {
    "outcome": (
        "log q(μ + L z) + log |L| = −½ d log 2π − ½ zᵀz",
        r"\log q(\mu_q + L_q z) + \log|L_q| = -\tfrac d2\log 2\pi - \tfrac12 z^\top z",
    ),
    "entropy apart": (
        "H(q) = ½ log det(2πΣq) + ½ E[(x − μq)ᵀ Σq⁻¹ (x − μq)]",
        r"\mathrm{H}(q) = \tfrac12\log\det(2\pi\Sigma_q)"
        r" + \tfrac12\operatorname{E}_q[(x - \mu_q)^\top\Sigma_q^{-1}(x - \mu_q)]",
    ),
    "entropy": (
        "H(q) = ½ log det(2πΣq) + ½ d",
        r"\mathrm{H}(q) = \tfrac12\log\det(2\pi\Sigma_q) + \tfrac d2",
    ),
    "cross-entropy apart": (
        "H(q, p) = ½ log det(2πΣp) + ½ E[(x − μp)ᵀ Σp⁻¹ (x − μp)]",
        r"\mathrm{H}(q, p) = \tfrac12\log\det(2\pi\Sigma_p)"
        r" + \tfrac12\operatorname{E}_q[(x - \mu_p)^\top\Sigma_p^{-1}(x - \mu_p)]",
    ),
    "cross-entropy": (
        "H(q, p) = ½ log det(2πΣp) + ½ tr(Σp⁻¹ Σq) + ½ δᵀ Σp⁻¹ δ,  δ = μq − μp",
        r"\mathrm{H}(q, p) = \tfrac12\log\det(2\pi\Sigma_p)"
        r" + \tfrac12\operatorname{tr}(\Sigma_p^{-1}\Sigma_q)"
        r" + \tfrac12\delta^\top\Sigma_p^{-1}\delta, \quad \delta = \mu_q - \mu_p",
    ),
    "KL": (
        "KL = ½ (log |Σp|/|Σq| − d + tr(Σp⁻¹ Σq) + δᵀ Σp⁻¹ δ),  δ = μq − μp",
        r"\mathrm{KL} = \tfrac12\Bigl(\log\frac{|\Sigma_p|}{|\Sigma_q|} - d"
        r" + \operatorname{tr}(\Sigma_p^{-1}\Sigma_q) + \delta^\top\Sigma_p^{-1}\delta\Bigr),"
        r" \quad \delta = \mu_q - \mu_p",
    ),
}
"""The same in matrices, which is what a reader wants to see; the proof is for d = 2."""

PAIRS = (
    Pair(
        "MultivariateNormal",
        "MultivariateNormal",
        kl=kl_beside_full(),
        shown=SHOWN,
        case="in two dimensions",
    ),
)
