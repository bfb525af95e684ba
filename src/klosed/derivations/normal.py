"""Normal distributions: the expectations that their KLs are made of. Mirrors divergences/."""

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS", "kl_of_normals"]

x = sp.Symbol("x", real=True)
mu = sp.Symbol("mu", real=True)
sigma = sp.Symbol("sigma", positive=True)

FAMILY = Family(
    name="Normal",
    draws={mu: (-2, 2), sigma: (0.3, 2)},
    parameters={"loc": mu, "scale": sigma},
    variables=(x,),
    log_density=-((x - mu) ** 2) / (2 * sigma**2) - sp.log(2 * sp.pi * sigma**2) / 2,
    moments=(
        Moment(x, mu, "the mean"),
        Moment(x**2, mu**2 + sigma**2, "square of the mean plus variance"),
    ),
    entropy=sp.log(2 * sp.pi * sigma**2) / 2 + sp.Rational(1, 2),
)


def kl_of_normals(q: Side, p: Side) -> Any:
    """Return ½ (σq²/σp² + (μq − μp)²/σp² − 1) − log(σq/σp)."""
    r, z = q.sigma / p.sigma, (q.mu - p.mu) / p.sigma
    return (r**2 + z**2 - 1) / 2 - sp.log(r)


PAIRS = (
    Pair(
        "Normal",
        "Normal",
        kl=kl_of_normals,
        gradients=lambda q, p: {
            q.mu: (q.mu - p.mu) / p.sigma**2,
            q.sigma: q.sigma / p.sigma**2 - 1 / q.sigma,
        },
    ),
    Pair(
        "Normal",
        "Laplace",
        moments=lambda q, p: (
            Moment(
                sp.Abs(x - p.mu),
                q.sigma * sp.sqrt(2 / sp.pi) * sp.exp(-((q.mu - p.mu) ** 2) / (2 * q.sigma**2))
                + (q.mu - p.mu) * sp.erf((q.mu - p.mu) / (sp.sqrt(2) * q.sigma)),
                "the mean of a folded normal variable",
            ),
        ),
    ),
    Pair(
        "Normal",
        "Gumbel",
        moments=lambda q, p: (
            Moment(
                sp.exp(-x / p.beta),
                sp.exp(-q.mu / p.beta + q.sigma**2 / (2 * p.beta**2)),
                "moment generating function at −1/β",
            ),
        ),
    ),
)
