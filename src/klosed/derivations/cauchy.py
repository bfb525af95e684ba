"""Cauchy distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu = sp.symbols("x mu", real=True)
sigma = sp.Symbol("sigma", positive=True)

FAMILY = Family(
    name="Cauchy",
    draws={mu: (-2, 2), sigma: (0.3, 2)},
    parameters={"loc": mu, "scale": sigma},
    variables=(x,),
    log_density=sp.log(sigma / sp.pi) - sp.log(sigma**2 + (x - mu) ** 2),
    moments=(
        Moment(
            sp.log(sigma**2 + (x - mu) ** 2),
            sp.log(4 * sigma**2),
            "the Poisson integral of log |x − μ + iσ|² at the point μ + iσ",
        ),
    ),
    entropy=sp.log(4 * sp.pi * sigma),
)

PAIRS = (
    Pair(
        "Cauchy",
        "Cauchy",
        moments=lambda q, p: (
            Moment(
                sp.log(p.sigma**2 + (x - p.mu) ** 2),
                sp.log((q.sigma + p.sigma) ** 2 + (q.mu - p.mu) ** 2),
                "the Poisson integral of log |x − μp + iσp|² at the point μq + iσq",
            ),
        ),
        kl=lambda q, p: sp.log(
            ((q.sigma + p.sigma) ** 2 + (q.mu - p.mu) ** 2) / (4 * q.sigma * p.sigma)
        ),
    ),
)
