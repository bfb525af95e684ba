"""Kumaraswamy distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, a, b = sp.symbols("x a b", positive=True)

FAMILY = Family(
    name="Kumaraswamy",
    draws={a: (0.7, 3), b: (0.7, 3)},
    parameters={"concentration1": a, "concentration0": b},
    variables=(x,),
    log_density=sp.log(a) + sp.log(b) + (a - 1) * sp.log(x) + (b - 1) * sp.log(1 - x**a),
    low=0,
    high=1,
    moments=(
        Moment(
            sp.log(x),
            -(sp.digamma(b + 1) + sp.EulerGamma) / a,
            "x^a is Beta(1, b): its mean logarithm over a",
        ),
        Moment(sp.log(1 - x**a), -1 / b, "1 − x^a is Beta(b, 1): its mean logarithm"),
    ),
    entropy=(1 - 1 / b + (1 - 1 / a) * (sp.digamma(b + 1) + sp.EulerGamma) - sp.log(a) - sp.log(b)),
)

# E log(1 − x) has no closed form and stays.
PAIRS = (Pair("Kumaraswamy", "Beta"),)
