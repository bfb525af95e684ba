"""Exp-gamma distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.gamma import kl_of_gammas

__all__ = ["FAMILY", "PAIRS"]

x = sp.Symbol("x", real=True)
alpha, beta = sp.symbols("alpha beta", positive=True)

FAMILY = Family(
    name="ExpGamma",
    draws={alpha: (0.7, 5), beta: (0.3, 3)},
    parameters={"concentration": alpha, "rate": beta},
    variables=(x,),
    log_density=alpha * sp.log(beta) - sp.loggamma(alpha) + alpha * x - beta * sp.exp(x),
    moments=(
        Moment(sp.exp(x), alpha / beta, "exp(x) is Gamma(α, β)"),
        Moment(x, sp.digamma(alpha) - sp.log(beta), "derivative of log Γ(α) − α log β"),
    ),
    entropy=alpha + sp.loggamma(alpha) - alpha * sp.digamma(alpha),
)

PAIRS = (
    Pair(
        "ExpGamma",
        "ExpGamma",
        kl=kl_of_gammas,
    ),
)
