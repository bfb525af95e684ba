"""Inverse Gaussian distributions: the expectations of their KLs. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu, lambda_ = sp.symbols("x mu lambda", positive=True)

FAMILY = Family(
    name="InverseGaussian",
    draws={mu: (0.5, 2), lambda_: (0.5, 3)},
    parameters={"loc": mu, "concentration": lambda_},
    variables=(x,),
    log_density=(
        sp.log(lambda_ / (2 * sp.pi)) / 2
        - 3 * sp.log(x) / 2
        - lambda_ * (x - mu) ** 2 / (2 * mu**2 * x)
    ),
    low=0,
    moments=(
        Moment(x, mu, "the mean"),
        Moment(1 / x, 1 / mu + 1 / lambda_, "the mean of the reciprocal"),
    ),
)

PAIRS = (
    Pair(
        "InverseGaussian",
        "InverseGaussian",
        kl=lambda q, p: (
            (p.lambda_ / q.lambda_ - 1 - sp.log(p.lambda_ / q.lambda_)) / 2
            + p.lambda_ * (q.mu - p.mu) ** 2 / (2 * p.mu**2 * q.mu)
        ),
    ),
)
