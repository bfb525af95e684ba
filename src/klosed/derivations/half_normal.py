"""Half-normal distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, sigma = sp.symbols("x sigma", positive=True)

FAMILY = Family(
    name="HalfNormal",
    draws={sigma: (0.3, 2)},
    parameters={"scale": sigma},
    variables=(x,),
    log_density=sp.log(2) - sp.log(2 * sp.pi * sigma**2) / 2 - x**2 / (2 * sigma**2),
    low=0,
    moments=(Moment(x**2, sigma**2, "the second moment of N(0, σ²)"),),
    entropy=sp.log(sp.pi * sigma**2 / 2) / 2 + sp.Rational(1, 2),
)

PAIRS = (
    Pair(
        "HalfNormal",
        "HalfNormal",
        kl=lambda q, p: (q.sigma**2 / p.sigma**2 - 1) / 2 - sp.log(q.sigma / p.sigma),
    ),
)
