"""Gumbel distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu = sp.symbols("x mu", real=True)
beta = sp.Symbol("beta", positive=True)

FAMILY = Family(
    name="Gumbel",
    draws={mu: (-1, 1), beta: (0.5, 2)},
    parameters={"loc": mu, "scale": beta},
    variables=(x,),
    log_density=-(x - mu) / beta - sp.exp(-(x - mu) / beta) - sp.log(beta),
    moments=(
        Moment(x, mu + sp.EulerGamma * beta, "the mean"),
        Moment(
            x**2,
            (mu + sp.EulerGamma * beta) ** 2 + sp.pi**2 * beta**2 / 6,
            "square of the mean plus variance",
        ),
        Moment(sp.exp(-x / beta), sp.exp(-mu / beta), "exp(−(x − μ)/β) is exponential, mean 1"),
    ),
    entropy=1 + sp.EulerGamma + sp.log(beta),
)

PAIRS = (
    Pair(
        "Gumbel",
        "Gumbel",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.beta),
                sp.exp(-q.mu / p.beta) * sp.gamma(1 + q.beta / p.beta),
                "moment of order βq/βp of an exponential variable",
            ),
        ),
        kl=lambda q, p: (
            sp.log(p.beta / q.beta)
            + sp.EulerGamma * (q.beta / p.beta - 1)
            + sp.exp((p.mu - q.mu) / p.beta) * sp.gamma(1 + q.beta / p.beta)
            - 1
            - (p.mu - q.mu) / p.beta
        ),
    ),
    Pair(
        "Gumbel",
        "Normal",
        kl=lambda q, p: (
            (sp.pi**2 * q.beta**2 / 6 + (q.mu + sp.EulerGamma * q.beta - p.mu) ** 2)
            / (2 * p.sigma**2)
            + sp.log(2 * sp.pi * p.sigma**2) / 2
            - 1
            - sp.EulerGamma
            - sp.log(q.beta)
        ),
    ),
)
