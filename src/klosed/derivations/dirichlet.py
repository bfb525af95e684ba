"""Dirichlet distributions of three proportions, by breaking a stick. Mirrors divergences/."""

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law

__all__ = ["FAMILY", "PAIRS"]

Expr = Any

x = sp.symbols("x1 x2 x3", positive=True)
alphas = sp.symbols("alpha1 alpha2 alpha3", positive=True)
rest, last = sp.symbols("r s", positive=True)
_total = sp.Add(*alphas)
_tail = alphas[1] + alphas[2]


def _beta(b: Expr, one: Expr, other: Expr) -> Law:
    log_beta = sp.loggamma(one) + sp.loggamma(other) - sp.loggamma(one + other)
    return Law(b, (one - 1) * sp.log(b) + (other - 1) * sp.log(1 - b) - log_beta, 0, 1)


def _moments(b: Expr, one: Expr, other: Expr) -> tuple[Moment, ...]:
    whole = sp.digamma(one + other)
    return (
        Moment(sp.log(b), sp.digamma(one) - whole, "mean logarithm of a beta variable"),
        Moment(sp.log(1 - b), sp.digamma(other) - whole, "and of its complement"),
    )


# What is left of a stick after the first piece is r, of that the last piece takes the share s.
FAMILY = Family(
    name="Dirichlet",
    draws=dict.fromkeys(alphas, (0.7, 4)),
    parameters={"concentration": alphas},
    variables=x,
    log_density=(
        sum((a - 1) * sp.log(part) for a, part in zip(alphas, x, strict=True))
        + sp.loggamma(_total)
        - sum(map(sp.loggamma, alphas))
    ),
    laws=(_beta(rest, _tail, alphas[0]), _beta(last, alphas[2], alphas[1])),
    outcome=(1 - rest, rest * (1 - last), rest * last),
    coordinates=(0, 1),
    moments=(*_moments(rest, _tail, alphas[0]), *_moments(last, alphas[2], alphas[1])),
)

PAIRS = (
    Pair(
        "Dirichlet",
        "Dirichlet",
        kl=lambda q, p: (
            sp.loggamma(q.rename(_total))
            - sp.loggamma(p.rename(_total))
            + sum(
                sp.loggamma(p.rename(a))
                - sp.loggamma(q.rename(a))
                + (q.rename(a) - p.rename(a))
                * (sp.digamma(q.rename(a)) - sp.digamma(q.rename(_total)))
                for a in alphas
            )
        ),
        case="of three proportions",
        relative_to_largest=True,
    ),
)
