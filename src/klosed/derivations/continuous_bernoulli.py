"""Continuous Bernoulli distributions: the expectations of their KLs. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x = sp.Symbol("x", real=True)
a = sp.Symbol("a", real=True)  # the logit

FAMILY = Family(
    name="ContinuousBernoulli",
    draws={a: (-3, 3)},
    parameters={"logits": a},
    variables=(x,),
    log_density=a * x + sp.log(a / (sp.exp(a) - 1)),
    low=0,
    high=1,
    moments=(
        Moment(
            x,
            1 / (1 - sp.exp(-a)) - 1 / a,
            "derivative of log((e^a − 1)/a), the logarithm of the normaliser",
        ),
        Moment(
            x**2,
            (1 - 2 / a + 2 / a**2 - 2 * sp.exp(-a) / a**2) / (1 - sp.exp(-a)),
            "second derivative of (e^a − 1)/a, over it",
        ),
    ),
)

PAIRS = (
    Pair(
        "ContinuousBernoulli",
        "ContinuousBernoulli",
        kl=lambda q, p: (
            (q.a - p.a) * (1 / (1 - sp.exp(-q.a)) - 1 / q.a)
            - sp.log((sp.exp(q.a) - 1) / q.a)
            + sp.log((sp.exp(p.a) - 1) / p.a)
        ),
    ),
    Pair("ContinuousBernoulli", "Uniform", draws={"a_p": (-1, -0.1), "w_p": (2.5, 4)}),
    Pair("ContinuousBernoulli", "Exponential"),
    Pair("ContinuousBernoulli", "Normal"),
)
