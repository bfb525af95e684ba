"""Gamma distributions: the expectations that their KLs are made of. Mirrors divergences/."""

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS", "kl_of_gammas"]

x, alpha, beta = sp.symbols("x alpha beta", positive=True)

FAMILY = Family(
    name="Gamma",
    draws={alpha: (0.5, 5), beta: (0.3, 3)},
    parameters={"concentration": alpha, "rate": beta},
    variables=(x,),
    log_density=alpha * sp.log(beta) - sp.loggamma(alpha) + (alpha - 1) * sp.log(x) - beta * x,
    low=0,
    moments=(
        Moment(x, alpha / beta, "the mean"),
        Moment(x**2, alpha * (alpha + 1) / beta**2, "square of the mean plus variance"),
        Moment(sp.log(x), sp.digamma(alpha) - sp.log(beta), "derivative of log Γ(α) − α log β"),
    ),
    entropy=alpha - sp.log(beta) + sp.loggamma(alpha) + (1 - alpha) * sp.digamma(alpha),
)


def kl_of_gammas(q: Side, p: Side) -> Any:
    """Return the KL of gamma variables, and of one-to-one functions of them."""
    return (
        (q.alpha - p.alpha) * sp.digamma(q.alpha)
        - sp.loggamma(q.alpha)
        + sp.loggamma(p.alpha)
        + p.alpha * sp.log(q.beta / p.beta)
        + q.alpha * (p.beta / q.beta - 1)
    )


PAIRS = (
    Pair(
        "Gamma",
        "Exponential",
        kl=lambda q, p: (
            (q.alpha - 1) * sp.digamma(q.alpha)
            - sp.loggamma(q.alpha)
            - q.alpha
            + sp.log(q.beta / p.lambda_)
            + q.alpha * p.lambda_ / q.beta
        ),
    ),
    Pair(
        "Gamma",
        "Gamma",
        kl=kl_of_gammas,
    ),
    Pair("Gamma", "Chi2"),
    Pair("Gamma", "Normal"),
    Pair(
        "Gamma",
        "Gumbel",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.beta),
                (1 + 1 / (p.beta * q.beta)) ** (-q.alpha),
                "moment generating function at −1/β of the Gumbel",
            ),
        ),
    ),
)
