"""KL from a chi distribution against mpmath."""

import mpmath as mp
from gammas import concentration, kl_gamma, log_concentration, of

from accuracy import Pair, accuracy_tests, same
from klosed import Chi


def exact(q, p):
    half = mp.mpf(1) / 2
    return kl_gamma(of(q, "df") / 2, half, of(p, "df") / 2, half)


PAIRS = [
    Pair("chi_chi", Chi, Chi, exact, same(df=concentration), digits=120),
    Pair(
        "chi_chi_log",
        Chi,
        Chi,
        exact,
        same(log_df=log_concentration),
        regimes=("ordinary", "near"),
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
