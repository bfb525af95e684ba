"""Log-normal distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.normal import kl_of_normals

__all__ = ["FAMILY", "PAIRS"]

x = sp.Symbol("x", positive=True)
mu = sp.Symbol("mu", real=True)
sigma = sp.Symbol("sigma", positive=True)

FAMILY = Family(
    name="LogNormal",
    draws={mu: (-1, 1), sigma: (0.3, 1.5)},
    parameters={"loc": mu, "scale": sigma},
    variables=(x,),
    log_density=(
        -((sp.log(x) - mu) ** 2) / (2 * sigma**2) - sp.log(2 * sp.pi * sigma**2) / 2 - sp.log(x)
    ),
    low=0,
    moments=(
        Moment(sp.log(x), mu, "log x is N(μ, σ²)"),
        Moment(sp.log(x) ** 2, mu**2 + sigma**2, "square of its mean plus variance"),
    ),
    entropy=sp.log(2 * sp.pi * sigma**2) / 2 + sp.Rational(1, 2) + mu,
)


PAIRS = (Pair("LogNormal", "LogNormal", kl=kl_of_normals),)
