"""Beta distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, alpha, beta = sp.symbols("x alpha beta", positive=True)

FAMILY = Family(
    name="Beta",
    draws={alpha: (0.7, 5), beta: (0.7, 5)},
    parameters={"concentration1": alpha, "concentration0": beta},
    variables=(x,),
    log_density=(
        sp.loggamma(alpha + beta)
        - sp.loggamma(alpha)
        - sp.loggamma(beta)
        + (alpha - 1) * sp.log(x)
        + (beta - 1) * sp.log(1 - x)
    ),
    low=0,
    high=1,
    moments=(
        Moment(
            sp.log(x),
            sp.digamma(alpha) - sp.digamma(alpha + beta),
            "derivative of log B(α, β) in α",
        ),
        Moment(
            sp.log(1 - x),
            sp.digamma(beta) - sp.digamma(alpha + beta),
            "derivative of log B(α, β) in β",
        ),
        Moment(x, alpha / (alpha + beta), "the mean"),
        Moment(
            x**2,
            alpha * (alpha + 1) / ((alpha + beta) * (alpha + beta + 1)),
            "the second moment",
        ),
    ),
    entropy=(
        sp.loggamma(alpha)
        + sp.loggamma(beta)
        - sp.loggamma(alpha + beta)
        - (alpha - 1) * sp.digamma(alpha)
        - (beta - 1) * sp.digamma(beta)
        + (alpha + beta - 2) * sp.digamma(alpha + beta)
    ),
)

_AROUND = {"a_p": (-1, -0.1), "w_p": (2.5, 4)}

PAIRS = (
    Pair(
        "Beta",
        "Beta",
        kl=lambda q, p: (
            sp.loggamma(q.alpha + q.beta)
            - sp.loggamma(q.alpha)
            - sp.loggamma(q.beta)
            - sp.loggamma(p.alpha + p.beta)
            + sp.loggamma(p.alpha)
            + sp.loggamma(p.beta)
            + (q.alpha - p.alpha) * sp.digamma(q.alpha)
            + (q.beta - p.beta) * sp.digamma(q.beta)
            - (q.alpha - p.alpha + q.beta - p.beta) * sp.digamma(q.alpha + q.beta)
        ),
    ),
    Pair("Beta", "Uniform", draws=_AROUND),
    Pair("Beta", "Exponential"),
    Pair("Beta", "Gamma"),
    Pair("Beta", "Normal"),
    Pair("Beta", "ContinuousBernoulli"),
)
