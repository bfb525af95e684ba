"""KL from a binomial distribution, and from a negative binomial, against mpmath."""

import mpmath as mp
import numpy as np
from probabilities import both, logits, mixed, outcomes, probs

from accuracy import Pair, accuracy_tests
from klosed import Binomial, NegativeBinomial


def total(q):
    """Return the total that q and p share, which differences do not move."""
    return mp.mpf(float(q["total_count"]))


def of_trials(q, p):
    return total(q) * mp.fsum(
        x * mp.log(x / m) for x, m in zip(outcomes(q), outcomes(p), strict=True)
    )


def of_failures(q, p):
    return of_trials(q, p) / outcomes(q)[1]


def counted(draw, real=False):
    """Add a total of 1 … 10⁴, or for `real` of 10⁻² … 10⁴ and of 10⁻⁸ … 10⁸ at the extremes."""

    def drawn(rng, n, regime):
        q, p = draw(rng, n, regime)
        low, high = (-8, 8) if real and regime == "extreme" else (-2 if real else 0, 4)
        totals = 10.0 ** rng.uniform(low, high, n)
        # a float32, so that both precisions share it
        totals = np.float32(totals if real else np.ceil(totals)).astype(float)
        return {"total_count": totals, **q}, {"total_count": totals, **p}

    return drawn


B, N = Binomial, NegativeBinomial
APART = ("ordinary", "extreme")
PAIRS = [
    Pair("binomial_binomial_probs", B, B, of_trials, counted(both(probs))),
    Pair("binomial_binomial_logits", B, B, of_trials, counted(both(logits))),
    Pair("binomial_binomial_mixed", B, B, of_trials, counted(mixed), APART),
    Pair("negative_binomial_probs", N, N, of_failures, counted(both(probs), real=True)),
    Pair("negative_binomial_logits", N, N, of_failures, counted(both(logits), real=True)),
    Pair("negative_binomial_mixed", N, N, of_failures, counted(mixed, real=True), APART),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
