"""One-hot vectors of three classes: the class number behind them. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._classes import indicators, moments_of_class
from klosed.derivations._families import Family
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law
from klosed.derivations.categorical import FAMILY as CLASSES
from klosed.derivations.categorical import LOGITS, PROBABILITIES, SHOWN, kl_of_logits

__all__ = ["FAMILY", "PAIRS"]

x = sp.symbols("x0 x1 x2", real=True)
(k,) = CLASSES.variables

FAMILY = Family(
    name="OneHotCategorical",
    draws=CLASSES.draws,
    parameters=CLASSES.parameters,
    variables=x,
    log_density=sum(a * x_k for a, x_k in zip(LOGITS, x, strict=True))
    - sp.log(sp.Add(*map(sp.exp, LOGITS))),
    laws=(Law(k, CLASSES.log_density, 0, 2, discrete=True),),
    outcome=indicators(k),
    moments=moments_of_class(k, PROBABILITIES),
)

PAIRS = (
    Pair(
        "OneHotCategorical",
        "OneHotCategorical",
        kl=kl_of_logits,
        shown=SHOWN,
        case="of three classes",
        relative_to_largest=True,
    ),
)
