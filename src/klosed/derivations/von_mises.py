"""Von Mises distributions: the expectations that their KLs are made of. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

x, mu = sp.symbols("x mu", real=True)
kappa = sp.Symbol("kappa", positive=True)
_ratio = sp.besseli(1, kappa) / sp.besseli(0, kappa)

FAMILY = Family(
    name="VonMises",
    draws={mu: (-1, 1), kappa: (0.3, 4)},
    parameters={"loc": mu, "concentration": kappa},
    variables=(x,),
    log_density=kappa * sp.cos(x - mu) - sp.log(2 * sp.pi * sp.besseli(0, kappa)),
    low=mu - sp.pi,
    high=mu + sp.pi,
    moments=(Moment(sp.cos(x - mu), _ratio, "derivative of log I₀(κ)"),),
    entropy=sp.log(2 * sp.pi * sp.besseli(0, kappa)) - kappa * _ratio,
)

PAIRS = (
    Pair(
        "VonMises",
        "VonMises",
        moments=lambda q, p: (
            Moment(
                sp.cos(x - p.mu),
                sp.besseli(1, q.kappa) / sp.besseli(0, q.kappa) * sp.cos(q.mu - p.mu),
                "cos(x − μp) turned to μq; the sine is odd",
            ),
        ),
        kl=lambda q, p: (
            sp.log(sp.besseli(0, p.kappa) / sp.besseli(0, q.kappa))
            + sp.besseli(1, q.kappa)
            / sp.besseli(0, q.kappa)
            * (q.kappa - p.kappa * sp.cos(q.mu - p.mu))
        ),
    ),
)
