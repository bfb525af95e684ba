"""Chi distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations.chi2 import kl_of_degrees

__all__ = ["FAMILY", "PAIRS"]

x, nu = sp.symbols("x nu", positive=True)

FAMILY = Family(
    name="Chi",
    draws={nu: (1, 8)},
    parameters={"df": nu},
    variables=(x,),
    log_density=((1 - nu / 2) * sp.log(2) + (nu - 1) * sp.log(x) - x**2 / 2 - sp.loggamma(nu / 2)),
    low=0,
    moments=(
        Moment(x**2, nu, "x² is chi-squared with ν degrees of freedom"),
        Moment(sp.log(x), (sp.digamma(nu / 2) + sp.log(2)) / 2, "half the mean log of that χ²"),
    ),
    entropy=(sp.loggamma(nu / 2) + (nu - sp.log(2) - (nu - 1) * sp.digamma(nu / 2)) / 2),
)

PAIRS = (
    Pair(
        "Chi",
        "Chi",
        kl=kl_of_degrees,
    ),
)
