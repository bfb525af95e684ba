"""Pareto distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, m, alpha = sp.symbols("x m alpha", positive=True)

FAMILY = Family(
    name="Pareto",
    draws={m: (0.5, 2), alpha: (2.5, 6)},
    parameters={"scale": m, "alpha": alpha},
    variables=(x,),
    log_density=sp.log(alpha) + alpha * sp.log(m) - (alpha + 1) * sp.log(x),
    low=m,
    moments=(
        Moment(sp.log(x), sp.log(m) + 1 / alpha, "log(x/m) is exponential with rate α"),
        Moment(x, alpha * m / (alpha - 1), "the mean, for α > 1"),
        Moment(x**2, alpha * m**2 / (alpha - 2), "the second moment, for α > 2"),
    ),
    entropy=sp.log(m / alpha) + 1 + 1 / alpha,
)

PAIRS = (
    Pair(
        "Pareto",
        "Pareto",
        kl=lambda q, p: (
            p.alpha / q.alpha - 1 - sp.log(p.alpha / q.alpha) + p.alpha * sp.log(q.m / p.m)
        ),
        draws={"m_q": (2, 4)},
    ),
    Pair(
        "Pareto",
        "Exponential",
        kl=lambda q, p: (
            p.lambda_ * q.alpha * q.m / (q.alpha - 1)
            - sp.log(p.lambda_)
            - sp.log(q.m / q.alpha)
            - 1
            - 1 / q.alpha
        ),
    ),
    Pair("Pareto", "Gamma"),
    Pair("Pareto", "Normal"),
)
