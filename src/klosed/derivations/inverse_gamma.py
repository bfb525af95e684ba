"""Inverse gamma distributions: the expectations of their KLs. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.gamma import kl_of_gammas

__all__ = ["FAMILY", "PAIRS"]

x, alpha, beta = sp.symbols("x alpha beta", positive=True)

FAMILY = Family(
    name="InverseGamma",
    draws={alpha: (0.7, 5), beta: (0.3, 3)},
    parameters={"concentration": alpha, "rate": beta},
    variables=(x,),
    log_density=alpha * sp.log(beta) - sp.loggamma(alpha) - (alpha + 1) * sp.log(x) - beta / x,
    low=0,
    moments=(
        Moment(1 / x, alpha / beta, "1/x is Gamma(α, β)"),
        Moment(sp.log(x), sp.log(beta) - sp.digamma(alpha), "derivative of log Γ(α) − α log β"),
    ),
    entropy=alpha + sp.log(beta) + sp.loggamma(alpha) - (1 + alpha) * sp.digamma(alpha),
)

PAIRS = (
    Pair(
        "InverseGamma",
        "InverseGamma",
        kl=kl_of_gammas,
    ),
)
