"""Logit-normal distributions: the expectations of their KLs. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.normal import kl_of_normals

__all__ = ["FAMILY", "PAIRS"]

# not declared positive: log(x/(1 − x)) then stays one statistic
x, mu = sp.symbols("x mu", real=True)
sigma = sp.Symbol("sigma", positive=True)
logit = sp.log(x / (1 - x))

FAMILY = Family(
    name="LogitNormal",
    draws={mu: (-1, 1), sigma: (0.5, 2)},
    parameters={"loc": mu, "scale": sigma},
    variables=(x,),
    log_density=(
        -((logit - mu) ** 2) / (2 * sigma**2)
        - sp.log(2 * sp.pi * sigma**2) / 2
        - sp.log(x * (1 - x))
    ),
    low=0,
    high=1,
    moments=(
        Moment(logit, mu, "the logit is N(μ, σ²)"),
        Moment(logit**2, mu**2 + sigma**2, "square of its mean plus variance"),
    ),
)

PAIRS = (Pair("LogitNormal", "LogitNormal", kl=kl_of_normals),)
