"""KL from a half-normal distribution against mpmath."""

import mpmath as mp
from location_scale import logs, scale

from accuracy import Pair, accuracy_tests, positive, same
from klosed import HalfNormal


def exact(q, p):
    r = scale(q) / scale(p)
    return (r * r - 1) / 2 - mp.log(r)


PAIRS = [
    Pair("half_normal_half_normal", HalfNormal, HalfNormal, exact, same(scale=positive)),
    Pair("half_normal_half_normal_log", HalfNormal, HalfNormal, exact, logs("log_scale")),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
