"""KL from a chi-squared distribution against mpmath."""

import mpmath as mp
from gammas import concentration, kl_gamma, log_concentration, of

from accuracy import Pair, accuracy_tests, same
from klosed import Chi2


def exact(q, p):
    half = mp.mpf(1) / 2
    return kl_gamma(of(q, "df") / 2, half, of(p, "df") / 2, half)


PAIRS = [
    Pair("chi2_chi2", Chi2, Chi2, exact, same(df=concentration), digits=120),
    Pair(
        "chi2_chi2_log",
        Chi2,
        Chi2,
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
