"""Bernoulli distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
pi = sp.Symbol("pi", positive=True)

FAMILY = Family(
    name="Bernoulli",
    draws={pi: (0.1, 0.9)},
    parameters={"probs": pi},
    variables=(k,),
    log_density=k * sp.log(pi) + (1 - k) * sp.log(1 - pi),
    low=0,
    high=1,
    discrete=True,
    moments=(
        Moment(k, pi, "the mean"),
        Moment(sp.loggamma(k + 1), 0, "0! = 1! = 1"),
    ),
    entropy=-pi * sp.log(pi) - (1 - pi) * sp.log(1 - pi),
)

PAIRS = (
    Pair(
        "Bernoulli",
        "Bernoulli",
        kl=lambda q, p: q.pi * sp.log(q.pi / p.pi) + (1 - q.pi) * sp.log((1 - q.pi) / (1 - p.pi)),
    ),
    Pair("Bernoulli", "Poisson"),
)
