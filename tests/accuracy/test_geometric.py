"""KL from a geometric distribution against mpmath."""

import mpmath as mp
from probabilities import both, logits, mixed, outcomes, probs

from accuracy import Pair, accuracy_tests
from klosed import Geometric


def exact(q, p):
    """Return E log(q/p) by the mean number of failures."""
    (x, y), (m, n) = outcomes(q), outcomes(p)
    return mp.log(x / m) + y / x * mp.log(y / n)


PAIRS = [
    Pair("geometric_geometric_probs", Geometric, Geometric, exact, both(probs)),
    Pair("geometric_geometric_logits", Geometric, Geometric, exact, both(logits)),
    Pair(
        "geometric_geometric_mixed", Geometric, Geometric, exact, mixed, ("ordinary", "extreme")
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
