"""Moyal distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu = sp.symbols("x mu", real=True)
sigma = sp.Symbol("sigma", positive=True)

FAMILY = Family(
    name="Moyal",
    draws={mu: (-1, 1), sigma: (0.5, 2)},
    parameters={"loc": mu, "scale": sigma},
    variables=(x,),
    log_density=(
        -(x - mu) / (2 * sigma)
        - sp.exp(-(x - mu) / sigma) / 2
        - sp.log(sigma)
        - sp.log(2 * sp.pi) / 2
    ),
    moments=(
        Moment(
            x,
            mu + sigma * (sp.EulerGamma + sp.log(2)),
            "exp(−(x − μ)/σ) is χ² with one degree of freedom; its mean logarithm",
        ),
        Moment(sp.exp(-x / sigma), sp.exp(-mu / sigma), "the mean of that χ²"),
    ),
    entropy=(1 + sp.EulerGamma + sp.log(4 * sp.pi)) / 2 + sp.log(sigma),
)

PAIRS = (
    Pair(
        "Moyal",
        "Moyal",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.sigma),
                sp.exp(-q.mu / p.sigma)
                * 2 ** (q.sigma / p.sigma)
                * sp.gamma(q.sigma / p.sigma + sp.Rational(1, 2))
                / sp.sqrt(sp.pi),
                "moment of order σq/σp of that χ²",
            ),
        ),
        relative_to_largest=True,
    ),
)
