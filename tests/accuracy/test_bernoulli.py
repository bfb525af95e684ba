"""KL from a Bernoulli distribution against mpmath."""

import mpmath as mp
from probabilities import both, logits, mixed, outcomes, probs

from accuracy import Pair, accuracy_tests
from klosed import Bernoulli


def exact(q, p):
    """Return Σ q log(q/p) over the two outcomes."""
    return mp.fsum(x * mp.log(x / m) for x, m in zip(outcomes(q), outcomes(p), strict=True))


PAIRS = [
    Pair("bernoulli_bernoulli_probs", Bernoulli, Bernoulli, exact, both(probs)),
    Pair("bernoulli_bernoulli_logits", Bernoulli, Bernoulli, exact, both(logits)),
    Pair(
        "bernoulli_bernoulli_mixed", Bernoulli, Bernoulli, exact, mixed,
        regimes=("ordinary", "extreme"),
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
