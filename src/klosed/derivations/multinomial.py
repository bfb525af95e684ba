"""Counts of two trials in three classes: the classes of the trials. Mirrors divergences/."""

from __future__ import annotations

import sympy as sp

from klosed.derivations._classes import indicators
from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law
from klosed.derivations.categorical import FAMILY as CLASSES
from klosed.derivations.categorical import LOGITS, PROBABILITIES, kl_of_logits

__all__ = ["FAMILY", "PAIRS"]

x = sp.symbols("x0 x1 x2", real=True)
trials = sp.symbols("k1 k2", integer=True, nonnegative=True)
(_k,) = CLASSES.variables
_powers = {j: PROBABILITIES[1] + 2**j * PROBABILITIES[2] for j in range(1, 5)}
_singles = [
    Moment(k**j, mean, "sum over the classes of one trial")
    for k in trials
    for j, mean in _powers.items()
]
_products = [
    Moment(trials[0] ** i * trials[1] ** j, _powers[i] * _powers[j], "independent trials")
    for i in _powers
    for j in _powers
]

# log 2!/(x0! x1! x2!): log x! is x (x − 1)/2 · log 2 for the counts 0, 1 and 2 of two trials
_log_coefficient = sp.log(2) - sum(n * (n - 1) / 2 * sp.log(2) for n in x)

FAMILY = Family(
    name="Multinomial",
    draws=CLASSES.draws,
    parameters={"total_count": sp.Integer(2), "logits": LOGITS},
    variables=x,
    log_density=(
        _log_coefficient
        + sum(a * n for a, n in zip(LOGITS, x, strict=True))
        - 2 * sp.log(sp.Add(*map(sp.exp, LOGITS)))
    ),
    laws=tuple(Law(k, CLASSES.log_density.subs(_k, k), 0, 2, discrete=True) for k in trials),
    outcome=tuple(sum(pair) for pair in zip(*map(indicators, trials), strict=True)),
    log_ways=_log_coefficient,
    moments=(*_singles, *_products),
)

PAIRS = (
    Pair(
        "Multinomial",
        "Multinomial",
        kl=lambda q, p: 2 * kl_of_logits(q, p),
        shown={
            "KL": (
                "KL = n Σ πq log(πq/πp)",
                r"\mathrm{KL} = n \sum_k \pi^q_k \log\frac{\pi^q_k}{\pi^p_k}",
            ),
        },
        case="of two trials in three classes",
        relative_to_largest=True,
    ),
)
