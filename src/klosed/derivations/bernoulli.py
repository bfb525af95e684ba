"""Bernoulli distributions: the expectations that their KLs are made of. Mirrors divergences/."""

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS", "kl_of_trial"]

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


def kl_of_trial(q: Side, p: Side) -> Any:
    """Return the KL of one trial: πq log(πq/πp) + (1 − πq) log((1 − πq)/(1 − πp))."""
    return q.pi * sp.log(q.pi / p.pi) + (1 - q.pi) * sp.log((1 - q.pi) / (1 - p.pi))


PAIRS = (
    Pair(
        "Bernoulli",
        "Bernoulli",
        kl=kl_of_trial,
    ),
    Pair("Bernoulli", "Poisson"),
)
