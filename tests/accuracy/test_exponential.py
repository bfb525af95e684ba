"""KL from an exponential distribution against mpmath."""

import mpmath as mp
from location_scale import logs

from accuracy import Pair, accuracy_tests, positive, same
from klosed import Exponential


def rate(side):
    ((name, x),) = side.items()
    x = mp.exp(x) if name.startswith("log_") else x
    return 1 / x if name.endswith("scale") else x


def exact(q, p):
    r = rate(p) / rate(q)
    return r - 1 - mp.log(r)


PAIRS = [
    Pair("exponential_exponential", Exponential, Exponential, exact, same(rate=positive)),
    Pair("exponential_exponential_scale", Exponential, Exponential, exact, same(scale=positive)),
    Pair("exponential_exponential_log", Exponential, Exponential, exact, logs("log_rate")),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
