"""Exponential distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, lambda_ = sp.symbols("x lambda", positive=True)

FAMILY = Family(
    name="Exponential",
    draws={lambda_: (0.3, 3)},
    parameters={"rate": lambda_},
    variables=(x,),
    log_density=sp.log(lambda_) - lambda_ * x,
    low=0,
    moments=(
        Moment(x, 1 / lambda_, "the mean"),
        Moment(x**2, 2 / lambda_**2, "square of the mean plus variance"),
        Moment(sp.log(x), -sp.EulerGamma - sp.log(lambda_), "ψ(1) − log λ, with ψ(1) = −γ"),
    ),
    entropy=1 - sp.log(lambda_),
)

PAIRS = (
    Pair(
        "Exponential",
        "Exponential",
        kl=lambda q, p: p.lambda_ / q.lambda_ - 1 - sp.log(p.lambda_ / q.lambda_),
    ),
    Pair("Exponential", "Gamma"),
    Pair("Exponential", "Normal"),
    Pair(
        "Exponential",
        "Gumbel",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.beta),
                1 / (1 + 1 / (p.beta * q.lambda_)),
                "moment generating function at −1/β",
            ),
        ),
    ),
)
