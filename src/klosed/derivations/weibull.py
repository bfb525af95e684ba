"""Weibull distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, lambda_, k = sp.symbols("x lambda k", positive=True)

FAMILY = Family(
    name="Weibull",
    draws={lambda_: (0.5, 2), k: (0.7, 3)},
    parameters={"scale": lambda_, "concentration": k},
    variables=(x,),
    log_density=sp.log(k) - k * sp.log(lambda_) + (k - 1) * sp.log(x) - x**k * lambda_ ** (-k),
    low=0,
    moments=(
        Moment(sp.log(x), sp.log(lambda_) - sp.EulerGamma / k, "(x/λ)^k is exponential, mean 1"),
        Moment(x**k, lambda_**k, "the mean of that exponential variable"),
        Moment(x, lambda_ * sp.gamma(1 + 1 / k), "the mean"),
    ),
    entropy=1 + sp.EulerGamma * (1 - 1 / k) + sp.log(lambda_) - sp.log(k),
)

PAIRS = (
    Pair(
        "Weibull",
        "Weibull",
        moments=lambda q, p: (
            Moment(
                x**p.k,
                q.lambda_**p.k * sp.gamma(1 + p.k / q.k),
                "moment of order kp/kq of that exponential variable",
            ),
        ),
        kl=lambda q, p: (
            sp.log(q.k / p.k)
            + p.k * sp.log(p.lambda_ / q.lambda_)
            + sp.EulerGamma * (p.k / q.k - 1)
            + (q.lambda_ / p.lambda_) ** p.k * sp.gamma(1 + p.k / q.k)
            - 1
        ),
    ),
    Pair("Weibull", "Gamma"),
)
