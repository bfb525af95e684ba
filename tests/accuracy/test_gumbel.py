"""KL from a Gumbel distribution against mpmath."""

import mpmath as mp
import numpy as np
from location_scale import in_scale, scale

from accuracy import Pair, accuracy_tests, near, positive, real
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


def apart(rng, n, regime):
    """Draw scales within a factor of four and locations a few scales apart.

    Beyond, the KL is conditioned as the exponential of |w| + log Γ(1 + r) is. At the extremes
    the scales of q and p lie further apart, and both anywhere.
    """
    width = positive(rng, n, regime)
    p = {"loc": width * real(rng, n, "ordinary"), "scale": width}
    if regime == "near":
        step = real(rng, n, "ordinary") * 10.0 ** rng.uniform(-12, -2, n)
        return {"loc": p["loc"] + p["scale"] * step, "scale": near(rng, p["scale"])}, p
    ratio = 10.0 ** (rng.uniform(-100, 2, n) if regime == "extreme" else rng.uniform(-2, 0.6, n))
    step = rng.uniform(-300, 300, n) if regime == "extreme" else rng.uniform(-8, 8, n)
    return {"loc": p["loc"] + p["scale"] * step, "scale": p["scale"] * ratio}, p


def apart_log(rng, n, regime):
    return tuple(
        {"loc": side["loc"], "log_scale": np.log(side["scale"])} for side in apart(rng, n, regime)
    )


PAIRS = [
    Pair("gumbel_gumbel", Gumbel, Gumbel, exact, apart, sizes=sizes, digits=400),
    Pair("gumbel_gumbel_log", Gumbel, Gumbel, exact, apart_log, sizes=sizes, digits=400),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
