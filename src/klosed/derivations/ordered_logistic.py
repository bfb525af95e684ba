"""Ordered logistic distributions of three classes. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._classes import indicators, moments_of_class
from klosed.derivations._families import Family
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "PAIRS"]

k = sp.Symbol("k", integer=True, nonnegative=True)
eta, c = sp.symbols("eta c", real=True)
gap = sp.Symbol("gap", positive=True)

_below = [1 / (1 + sp.exp(eta - cut)) for cut in (c, c + gap)]
_probabilities = (_below[0], _below[1] - _below[0], 1 - _below[1])

FAMILY = Family(
    name="OrderedLogistic",
    draws={eta: (-1, 1), c: (-2, 0), gap: (0.5, 2)},
    parameters={"predictor": eta, "cutpoints": (c, c + gap)},
    variables=(k,),
    log_density=sum(
        sp.log(pi) * is_k for pi, is_k in zip(_probabilities, indicators(k), strict=True)
    ),
    low=0,
    high=2,
    discrete=True,
    moments=moments_of_class(k, _probabilities),
)

PAIRS = (
    Pair(
        "OrderedLogistic",
        "OrderedLogistic",
        kl=lambda q, p: sum(
            q.rename(pi) * (sp.log(q.rename(pi)) - sp.log(p.rename(pi))) for pi in _probabilities
        ),
        shown={
            "KL": (
                "KL = Σ q(k) log(q(k)/p(k))",
                r"\mathrm{KL} = \sum_k q(k) \log\frac{q(k)}{p(k)}",
            ),
        },
        case="of three classes",
        relative_to_largest=True,
    ),
)
