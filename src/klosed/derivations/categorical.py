"""Categorical distributions of three classes, from logits. Mirrors divergences/."""

from __future__ import annotations

from typing import Any

import sympy as sp

from klosed.derivations._classes import indicators, moments_of_class
from klosed.derivations._families import Family, Side
from klosed.derivations._pairs import Pair

__all__ = ["FAMILY", "LOGITS", "PAIRS", "PROBABILITIES", "SHOWN", "kl_of_logits"]

Expr = Any

k = sp.Symbol("k", integer=True, nonnegative=True)
LOGITS = sp.symbols("a0 a1 a2", real=True)
_total = sp.Add(*map(sp.exp, LOGITS))
PROBABILITIES = tuple(sp.exp(a) / _total for a in LOGITS)

FAMILY = Family(
    name="Categorical",
    draws=dict.fromkeys(LOGITS, (-2, 2)),
    parameters={"logits": LOGITS},
    variables=(k,),
    log_density=sum(a * is_k for a, is_k in zip(LOGITS, indicators(k), strict=True))
    - sp.log(_total),
    low=0,
    high=2,
    discrete=True,
    moments=moments_of_class(k, PROBABILITIES),
)


def kl_of_logits(q: Side, p: Side) -> Expr:
    """Return Σ πq (a − b) − log Σ exp a + log Σ exp b, of logits a of q and b of p."""
    differences = [q.rename(a) - p.rename(a) for a in LOGITS]
    means = [q.rename(pi) * d for pi, d in zip(PROBABILITIES, differences, strict=True)]
    return sp.Add(*means) - sp.log(q.rename(_total)) + sp.log(p.rename(_total))


SHOWN = {
    "KL": (
        "KL = Σ πq (a − b) − log Σ exp a + log Σ exp b = Σ πq log(πq/πp)",
        r"\mathrm{KL} = \sum_k \pi^q_k (a_k - b_k) - \log\sum_k e^{a_k} + \log\sum_k e^{b_k}"
        r" = \sum_k \pi^q_k \log\frac{\pi^q_k}{\pi^p_k}",
    ),
}

PAIRS = (
    Pair(
        "Categorical",
        "Categorical",
        kl=kl_of_logits,
        shown=SHOWN,
        case="of three classes",
        relative_to_largest=True,
    ),
)
