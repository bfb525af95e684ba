"""KL from a normal to a Gumbel or Laplace distribution against mpmath."""

import mpmath as mp
from location_scale import apart, as_log, in_scale, scale, shifted

from accuracy import Pair, accuracy_tests
from klosed import Gumbel, Laplace, Normal


def entropy(q):
    return mp.log(2 * mp.pi * mp.e * scale(q) ** 2) / 2


def to_gumbel(q, p):
    r, z = scale(q) / scale(p), (q["loc"] - p["loc"]) / scale(p)
    return mp.log(scale(p)) + z + mp.exp(r * r / 2 - z) - entropy(q)


def sizes_of_gumbel(q, p):
    r, z = scale(q) / scale(p), (q["loc"] - p["loc"]) / scale(p)
    tail = 1 + mp.exp(r * r / 2 - z)
    of_loc = {"q_loc": tail / scale(p), "p_loc": tail / scale(p)}
    of_scale = 1 + r * r * tail
    return of_loc | in_scale(of_scale, q, "q") | in_scale(of_scale + abs(z) * tail, p, "p")


def mean_distance(q, p):
    """Return E|x − μp| of a normal x, as folded-normal tables give it."""
    shift, z = q["loc"] - p["loc"], (q["loc"] - p["loc"]) / scale(q)
    return scale(q) * mp.sqrt(2 / mp.pi) * mp.exp(-z * z / 2) + shift * mp.erf(z / mp.sqrt(2))


def to_laplace(q, p):
    return mp.log(2 * scale(p)) + mean_distance(q, p) / scale(p) - entropy(q)


def sizes_of_laplace(q, p):
    z = (q["loc"] - p["loc"]) / scale(q)
    width = scale(q) / scale(p) * mp.exp(-z * z / 2)
    return in_scale(1 + width, q, "q") | in_scale(1 + mean_distance(q, p) / scale(p), p, "p")


CROSS = ("ordinary", "extreme")

PAIRS = [
    Pair("normal_gumbel", Normal, Gumbel, to_gumbel, apart, CROSS, sizes=sizes_of_gumbel),
    Pair(
        "normal_gumbel_log", Normal, Gumbel, to_gumbel, as_log(apart), CROSS, sizes=sizes_of_gumbel
    ),
    Pair("normal_laplace", Normal, Laplace, to_laplace, shifted, CROSS, sizes=sizes_of_laplace),
    Pair(
        "normal_laplace_log",
        Normal,
        Laplace,
        to_laplace,
        as_log(shifted),
        CROSS,
        sizes=sizes_of_laplace,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
