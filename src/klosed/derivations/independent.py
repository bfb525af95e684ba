"""Products of two normal factors, beside normal vectors with a full covariance."""

from __future__ import annotations

from typing import Any

import sympy as sp

import klosed
from klosed.derivations._families import Family, Side
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
m1, m2 = sp.symbols("m1 m2", real=True)
s1, s2 = sp.symbols("s1 s2", positive=True)
_z = sp.symbols("z1 z2", real=True)
_laws, _moments = standard_normals(*_z)
_mean, _covariance = sp.Matrix([m1, m2]), sp.diag(s1**2, s2**2)


def _make(**arrays: Any) -> klosed.Distribution:
    return klosed.Independent(klosed.Normal(**arrays), 1)


FAMILY = Family(
    name="Independent",
    draws={m1: (-2, 2), m2: (-2, 2), s1: (0.4, 2), s2: (0.4, 2)},
    parameters={"loc": (m1, m2), "scale": (s1, s2)},
    make=_make,
    call="Independent(klosed.Normal({}), 1)",
    variables=x,
    log_density=log_normal_density(sp.Matrix(x), _mean, _covariance),
    laws=_laws,
    outcome=(m1 + s1 * _z[0], m2 + s2 * _z[1]),
    moments=_moments,
    entropy=1 + sp.log(2 * sp.pi * s1 * s2),
)


_kl = kl_beside_full("Independent", _mean, _covariance)


def _kl_of_factors(q: Side, p: Side) -> Expr:
    """Return the sum over the factors of ½ (σq²/σp² + (μq − μp)²/σp² − 1) − log(σq/σp)."""
    return sum(
        (sq**2 / sp_**2 + (mq - mp_) ** 2 / sp_**2 - 1) / 2 - sp.log(sq / sp_)
        for mq, sq, mp_, sp_ in ((q.m1, q.s1, p.m1, p.s1), (q.m2, q.s2, p.m2, p.s2))
    )


PAIRS = (
    Pair("Independent", "Independent", kl=_kl_of_factors, case="of two normal factors"),
    Pair("Independent", "MultivariateNormal", kl=_kl, shown=SHOWN, case="in two dimensions"),
    Pair("MultivariateNormal", "Independent", kl=_kl, shown=SHOWN, case="in two dimensions"),
)
