"""KL from an exp-gamma distribution against mpmath."""

from gammas import DIGITS, concentration, exact_gamma, log_concentration, log_rate, sizes_gamma

from accuracy import Pair, accuracy_tests, positive, same
from klosed import ExpGamma

NUMBERS = same(concentration=concentration, rate=positive)
LOGS = same(log_concentration=log_concentration, log_rate=log_rate)


def pair(name, draw, regimes, digits=None):
    families = {"q": ExpGamma, "p": ExpGamma, "exact": exact_gamma, "sizes": sizes_gamma}
    return Pair(name, draw=draw, regimes=regimes, digits=digits, **families)


PAIRS = [
    pair("exp_gamma_exp_gamma", NUMBERS, ("ordinary", "near")),
    pair("exp_gamma_exp_gamma_extreme", NUMBERS, ("extreme",), DIGITS),
    pair("exp_gamma_exp_gamma_log", LOGS, ("ordinary", "near")),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
