"""KL from a Gumbel distribution against mpmath."""

import mpmath as mp
from location_scale import (
    apart,
    as_log,
    in_scale,
    normal_cross_entropy,
    scale,
    shifted,
    sizes_to_normal,
)

from accuracy import Pair, accuracy_tests
from klosed import Gumbel, Normal


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


def to_normal(q, p):
    b = scale(q)
    mean, variance = q["loc"] + mp.euler * b, mp.pi**2 * b * b / 6
    return normal_cross_entropy(mean, variance, p) - 1 - mp.euler - mp.log(b)


def sizes_of_normal(q, p):
    b = scale(q)
    offset, spread = abs(q["loc"] - p["loc"]) + mp.euler * b, mp.pi * b / mp.sqrt(6)
    sizes = sizes_to_normal(offset, spread, p)
    of_scale = 1 + (spread / scale(p)) ** 2 + b * offset / scale(p) ** 2
    return sizes | {"q_loc": sizes["p_loc"]} | in_scale(of_scale, q, "q")


PAIRS = [
    Pair("gumbel_gumbel", Gumbel, Gumbel, exact, apart, sizes=sizes, digits=400),
    Pair("gumbel_gumbel_log", Gumbel, Gumbel, exact, as_log(apart), sizes=sizes, digits=400),
    Pair(
        "gumbel_normal",
        Gumbel,
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
