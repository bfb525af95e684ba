"""Negative binomial distributions: the expectations of their KLs. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.bernoulli import kl_of_trial

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
# any positive number will do; whole ones, because it is held fixed
r = sp.Symbol("r", integer=True, positive=True)
pi = sp.Symbol("pi", positive=True)

FAMILY = Family(
    name="NegativeBinomial",
    draws={r: range(1, 6), pi: (0.1, 0.7)},
    parameters={"total_count": r, "probs": pi},
    variables=(k,),
    log_density=(
        sp.loggamma(k + r)
        - sp.loggamma(k + 1)
        - sp.loggamma(r)
        + r * sp.log(1 - pi)
        + k * sp.log(pi)
    ),
    low=0,
    discrete=True,
    moments=(Moment(k, r * pi / (1 - pi), "the mean: r times a geometric one"),),
)

PAIRS = (
    Pair(
        "NegativeBinomial",
        "NegativeBinomial",
        shared=("r",),
        case="of the same total",
        kl=lambda q, p: q.r / (1 - q.pi) * kl_of_trial(q, p),
    ),
)
