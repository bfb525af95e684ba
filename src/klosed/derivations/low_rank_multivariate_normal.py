"""Normal vectors with one factor, in two dimensions: by the Cholesky factor of W Wᵀ + D."""

from __future__ import annotations

from typing import Any

import sympy as sp

from klosed.derivations._families import Family
from klosed.derivations._pairs import Pair
from klosed.derivations.multivariate_normal import (
    SHOWN,
    kl_beside_full,
    log_normal_density,
    standard_normals,
)

__all__ = ["FAMILY", "PAIRS"]

Expr = Any

x = sp.symbols("x1 x2", real=True)
m1, m2, w1, w2 = sp.symbols("m1 m2 w1 w2", real=True)
d1, d2 = sp.symbols("d1 d2", positive=True)
_z = sp.symbols("z1 z2", real=True)
_laws, _moments = standard_normals(*_z)

_mean = sp.Matrix([m1, m2])
_first, _mixed, _second = w1**2 + d1, w1 * w2, w2**2 + d2
_det = d1 * d2 + d1 * w2**2 + d2 * w1**2
_covariance = sp.Matrix([[_first, _mixed], [_mixed, _second]])
# the determinant lemma for one factor: |W Wᵀ + D| = |D| (1 + Wᵀ D⁻¹ W)
_root = sp.Matrix([[sp.sqrt(_first), 0], [_mixed / sp.sqrt(_first), sp.sqrt(_det / _first)]])

FAMILY = Family(
    name="LowRankMultivariateNormal",
    draws={
        m1: (-2, 2),
        m2: (-2, 2),
        w1: (0.3, 1.5),
        w2: (-1.5, -0.3),
        d1: (0.4, 2),
        d2: (0.4, 2),
    },
    parameters={"loc": (m1, m2), "cov_factor": ((w1,), (w2,)), "cov_diag": (d1, d2)},
    variables=x,
    log_density=log_normal_density(sp.Matrix(x), _mean, _covariance),
    laws=_laws,
    outcome=tuple(_mean + _root * sp.Matrix(_z)),
    moments=_moments,
    entropy=1 + sp.log(4 * sp.pi**2 * _det) / 2,
)


_kl = kl_beside_full("LowRankMultivariateNormal", _mean, _covariance)


_CASE = "in two dimensions, one factor"
PAIRS = tuple(
    Pair(q, p, kl=_kl, shown=SHOWN, case=_CASE, relative_to_largest=True)
    for q, p in (
        ("LowRankMultivariateNormal", "LowRankMultivariateNormal"),
        ("LowRankMultivariateNormal", "MultivariateNormal"),
        ("MultivariateNormal", "LowRankMultivariateNormal"),
    )
)
