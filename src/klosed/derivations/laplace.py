"""Laplace distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu = sp.symbols("x mu", real=True)
b = sp.Symbol("b", positive=True)

FAMILY = Family(
    name="Laplace",
    draws={mu: (-2, 2), b: (0.3, 2)},
    parameters={"loc": mu, "scale": b},
    variables=(x,),
    log_density=-sp.Abs(x - mu) / b - sp.log(2 * b),
    corners=(mu,),
    moments=(
        Moment(sp.Abs(x - mu), b, "|x − μ| is exponential with mean b"),
        Moment(x, mu, "the mean"),
        Moment(x**2, mu**2 + 2 * b**2, "square of the mean plus variance"),
    ),
    entropy=1 + sp.log(2 * b),
)

PAIRS = (
    Pair(
        "Laplace",
        "Laplace",
        moments=lambda q, p: (
            Moment(
                sp.Abs(x - p.mu),
                sp.Abs(q.mu - p.mu) + q.b * sp.exp(-sp.Abs(q.mu - p.mu) / q.b),
                "the integral on both sides of the corner",
            ),
        ),
        kl=lambda q, p: (
            sp.log(p.b / q.b)
            + sp.Abs(q.mu - p.mu) / p.b
            + q.b / p.b * sp.exp(-sp.Abs(q.mu - p.mu) / q.b)
            - 1
        ),
    ),
    Pair(
        "Laplace",
        "Normal",
        kl=lambda q, p: (
            (2 * q.b**2 + (q.mu - p.mu) ** 2) / (2 * p.sigma**2)
            + sp.log(2 * sp.pi * p.sigma**2) / 2
            - 1
            - sp.log(2 * q.b)
        ),
    ),
)
