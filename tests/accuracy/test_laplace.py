"""KL from a Laplace distribution against mpmath."""

import mpmath as mp
from location_scale import (
    in_scale,
    logs,
    normal_cross_entropy,
    scale,
    shifted,
    sizes_to_normal,
    with_loc,
)

from accuracy import Pair, accuracy_tests
from klosed import Laplace, Normal


def exact(q, p):
    distance = abs(q["loc"] - p["loc"])
    b_q, b_p = scale(q), scale(p)
    return mp.log(b_p / b_q) + distance / b_p + b_q / b_p * mp.exp(-distance / b_q) - 1


def sizes(q, p):
    """Between the two scales the derivative crosses zero: its terms are |r − 1| and the shift's."""
    r, u = scale(q) / scale(p), abs(q["loc"] - p["loc"]) / scale(q)
    of_q = abs(r - 1) + r * (1 - (1 + u) * mp.exp(-u))
    of_p = abs(r - 1) + r * (mp.expm1(-u) + u)
    return in_scale(of_q, q, "q") | in_scale(of_p, p, "p")


def to_normal(q, p):
    b = scale(q)
    return normal_cross_entropy(q["loc"], 2 * b * b, p) - 1 - mp.log(2 * b)


def sizes_of_normal(q, p):
    spread, offset = mp.sqrt(2) * scale(q), abs(q["loc"] - p["loc"])
    sizes = sizes_to_normal(offset, spread, p)
    return sizes | in_scale(1 + (spread / scale(p)) ** 2, q, "q")


PAIRS = [
    Pair("laplace_laplace", Laplace, Laplace, exact, shifted, sizes=sizes),
    Pair("laplace_laplace_log", Laplace, Laplace, exact, with_loc(logs("log_scale")), sizes=sizes),
    Pair(
        "laplace_normal",
        Laplace,
        Normal,
        to_normal,
        shifted,
        regimes=("ordinary", "extreme"),
        sizes=sizes_of_normal,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
