"""Poisson distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
lambda_ = sp.Symbol("lambda", positive=True)

FAMILY = Family(
    name="Poisson",
    draws={lambda_: (0.3, 6)},
    parameters={"rate": lambda_},
    variables=(k,),
    log_density=k * sp.log(lambda_) - lambda_ - sp.loggamma(k + 1),
    low=0,
    discrete=True,
    moments=(Moment(k, lambda_, "the mean"),),
)

PAIRS = (
    Pair(
        "Poisson",
        "Poisson",
        kl=lambda q, p: q.lambda_ * sp.log(q.lambda_ / p.lambda_) + p.lambda_ - q.lambda_,
    ),
)
