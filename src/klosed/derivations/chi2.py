"""Chi-squared distributions: the expectations that their KLs are made of. Mirrors divergences/."""

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS", "kl_of_degrees"]

x, nu = sp.symbols("x nu", positive=True)

FAMILY = Family(
    name="Chi2",
    draws={nu: (1, 8)},
    parameters={"df": nu},
    variables=(x,),
    log_density=-nu * sp.log(2) / 2 + (nu / 2 - 1) * sp.log(x) - x / 2 - sp.loggamma(nu / 2),
    low=0,
    moments=(
        Moment(x, nu, "the mean"),
        Moment(sp.log(x), sp.digamma(nu / 2) + sp.log(2), "derivative of log Γ(α) + α log 2"),
    ),
    entropy=nu / 2 + sp.log(2) + sp.loggamma(nu / 2) + (1 - nu / 2) * sp.digamma(nu / 2),
)


def kl_of_degrees(q: Side, p: Side) -> Any:
    """Return the KL of chi-squared variables, and of their roots."""
    return (q.nu - p.nu) / 2 * sp.digamma(q.nu / 2) - sp.loggamma(q.nu / 2) + sp.loggamma(p.nu / 2)


PAIRS = (
    Pair(
        "Chi2",
        "Chi2",
        kl=kl_of_degrees,
    ),
    Pair("Chi2", "Gamma"),
)
