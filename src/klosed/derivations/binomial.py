"""Binomial distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.bernoulli import kl_of_trial

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
n = sp.Symbol("n", integer=True, positive=True)
pi = sp.Symbol("pi", positive=True)

FAMILY = Family(
    name="Binomial",
    draws={n: range(1, 8), pi: (0.1, 0.9)},
    parameters={"total_count": n, "probs": pi},
    variables=(k,),
    log_density=(
        sp.loggamma(n + 1)
        - sp.loggamma(k + 1)
        - sp.loggamma(n - k + 1)
        + k * sp.log(pi)
        + (n - k) * sp.log(1 - pi)
    ),
    low=0,
    high=n,
    discrete=True,
    moments=(Moment(k, n * pi, "the mean: n trials, each a success with probability π"),),
)

PAIRS = (
    Pair(
        "Binomial",
        "Binomial",
        shared=("n",),
        case="of the same number of trials",
        kl=lambda q, p: q.n * kl_of_trial(q, p),
    ),
)
