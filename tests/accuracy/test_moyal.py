"""KL from a Moyal distribution against mpmath."""

import mpmath as mp
from location_scale import apart, as_log, in_scale, scale

from accuracy import Pair, accuracy_tests
from klosed import Moyal


def pieces(q, p):
    """Return r, w and E exp(−rz + w), z being a standard Moyal variable."""
    r, w = scale(q) / scale(p), (p["loc"] - q["loc"]) / scale(p)
    return r, w, mp.exp(w) * 2**r * mp.gamma(r + mp.mpf(1) / 2) / mp.sqrt(mp.pi)


def exact(q, p):
    r, w, tail = pieces(q, p)
    mean = mp.euler + mp.log(2)
    return -mp.log(r) + (mean * (r - 1) - w + tail - 1) / 2


def sizes(q, p):
    """Narrower and shifted against each other: the tail's terms cancel against the scale's."""
    r, w, tail = pieces(q, p)
    slope = mp.digamma(r + mp.mpf(1) / 2)
    of_scale = abs(r - 1) + r * abs(slope - mp.digamma(mp.mpf(3) / 2)) / 2
    weight = r * (abs(slope) + mp.log(2))
    return in_scale(of_scale + weight * abs(tail - 1), q, "q") | in_scale(
        of_scale + (weight + abs(w)) * abs(tail - 1), p, "p"
    )


PAIRS = [
    Pair("moyal_moyal", Moyal, Moyal, exact, apart, sizes=sizes, digits=400),
    Pair("moyal_moyal_log", Moyal, Moyal, exact, as_log(apart), sizes=sizes, digits=400),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
