"""KL from a Gumbel distribution against mpmath."""

import mpmath as mp
from location_scale import apart, as_log, in_scale, scale

from accuracy import Pair, accuracy_tests
from klosed import Gumbel


def pieces(q, p):
    """Return r, w and Γ(1 + r) exp(w)."""
    r, w = scale(q) / scale(p), (p["loc"] - q["loc"]) / scale(p)
    return r, w, mp.exp(w) * mp.gamma(1 + r)


def exact(q, p):
    r, w, tail = pieces(q, p)
    return -mp.log(r) + mp.euler * (r - 1) + tail - 1 - w


def sizes(q, p):
    """Narrower and shifted against each other: the tail's terms cancel against the scale's."""
    r, w, tail = pieces(q, p)
    of_scale = abs(r - 1) + r * abs(mp.digamma(1 + r) - mp.digamma(2))
    weight = r * mp.digamma(1 + r)
    return in_scale(of_scale + abs(weight * (tail - 1)), q, "q") | in_scale(
        of_scale + (abs(weight) + abs(w)) * abs(tail - 1), p, "p"
    )


PAIRS = [
    Pair("gumbel_gumbel", Gumbel, Gumbel, exact, apart, sizes=sizes, digits=400),
    Pair("gumbel_gumbel_log", Gumbel, Gumbel, exact, as_log(apart), sizes=sizes, digits=400),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
