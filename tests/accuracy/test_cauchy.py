"""KL from a Cauchy distribution against mpmath."""

import mpmath as mp
from location_scale import in_scale, logs, scale, shifted, with_loc

from accuracy import Pair, accuracy_tests, positive, same
from klosed import Cauchy, HalfCauchy


def exact(q, p):
    s_q, s_p, distance = scale(q), scale(p), q.get("loc", mp.mpf(0)) - p.get("loc", mp.mpf(0))
    return mp.log(((s_q + s_p) ** 2 + distance**2) / (4 * s_q * s_p))


def sizes(q, p):
    """The narrower side's derivative crosses zero where σq² − σp² = ±Δ²."""
    s_q, s_p, distance = scale(q), scale(p), q["loc"] - p["loc"]
    of_scale = (abs(s_q**2 - s_p**2) + distance**2) / ((s_q + s_p) ** 2 + distance**2)
    return in_scale(of_scale, q, "q") | in_scale(of_scale, p, "p")


PAIRS = [
    Pair("cauchy_cauchy", Cauchy, Cauchy, exact, shifted, sizes=sizes),
    Pair("cauchy_cauchy_log", Cauchy, Cauchy, exact, with_loc(logs("log_scale")), sizes=sizes),
    Pair("half_cauchy_half_cauchy", HalfCauchy, HalfCauchy, exact, same(scale=positive)),
    Pair("half_cauchy_half_cauchy_log", HalfCauchy, HalfCauchy, exact, logs("log_scale")),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
