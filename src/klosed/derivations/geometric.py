"""Geometric distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.bernoulli import kl_of_trial

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
pi = sp.Symbol("pi", positive=True)

FAMILY = Family(
    name="Geometric",
    draws={pi: (0.2, 0.9)},
    parameters={"probs": pi},
    variables=(k,),
    log_density=k * sp.log(1 - pi) + sp.log(pi),
    low=0,
    discrete=True,
    moments=(Moment(k, (1 - pi) / pi, "the mean number of failures"),),
    entropy=-(pi * sp.log(pi) + (1 - pi) * sp.log(1 - pi)) / pi,
)

PAIRS = (
    Pair(
        "Geometric",
        "Geometric",
        kl=lambda q, p: kl_of_trial(q, p) / q.pi,
    ),
)
