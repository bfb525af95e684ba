"""Half-Cauchy distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, sigma = sp.symbols("x sigma", positive=True)

FAMILY = Family(
    name="HalfCauchy",
    draws={sigma: (0.3, 2)},
    parameters={"scale": sigma},
    variables=(x,),
    log_density=sp.log(2 * sigma / sp.pi) - sp.log(sigma**2 + x**2),
    low=0,
    moments=(
        Moment(
            sp.log(sigma**2 + x**2),
            sp.log(4 * sigma**2),
            "the Poisson integral of log |x + iσ|² at the point iσ, halves alike",
        ),
    ),
    entropy=sp.log(2 * sp.pi * sigma),
)

PAIRS = (
    Pair(
        "HalfCauchy",
        "HalfCauchy",
        moments=lambda q, p: (
            Moment(
                sp.log(p.sigma**2 + x**2),
                sp.log((q.sigma + p.sigma) ** 2),
                "the Poisson integral of log |x + iσp|² at the point iσq",
            ),
        ),
        kl=lambda q, p: sp.log((q.sigma + p.sigma) ** 2 / (4 * q.sigma * p.sigma)),
    ),
)
