"""KL from an exponential distribution against mpmath."""

import mpmath as mp
import numpy as np
from gammas import DIGITS, concentration, exact_gamma, sizes_gamma
from location_scale import in_scale, logs, normal_cross_entropy, scale, sizes_to_normal

from accuracy import Pair, accuracy_tests, near, positive, same
from klosed import Exponential, Gamma, Gumbel, Normal


def rate(side):
    ((name, x),) = side.items()
    x = mp.exp(x) if name.startswith("log_") else x
    return 1 / x if name.endswith("scale") else x


def exact(q, p):
    r = rate(p) / rate(q)
    return r - 1 - mp.log(r)


def to_normal(q, p):
    mean = 1 / rate(q)
    return normal_cross_entropy(mean, mean * mean, p) - 1 - mp.log(mean)


def sizes_of_normal(q, p):
    mean = 1 / rate(q)
    offset = mean + abs(p["loc"])
    size = 1 + mean * (mean + offset) / scale(p) ** 2
    return sizes_to_normal(offset, mean, p) | {"q_rate": size * mean, "q_log_rate": size}


def to_gumbel(q, p):
    mean, b = 1 / rate(q), scale(p)
    tail = mp.exp(p["loc"] / b) / (1 + mean / b)
    return mp.log(b) + (mean - p["loc"]) / b + tail - 1 - mp.log(mean)


def sizes_of_gumbel(q, p):
    mean, b = 1 / rate(q), scale(p)
    r, tail = mean / b, mp.exp(p["loc"] / b) / (1 + mean / b)
    size = 1 + r / (1 + r) * (1 + r + tail)
    of_p = size + abs(p["loc"] / b) * (1 + tail)
    return (
        {"q_rate": size * mean, "q_log_rate": size, "p_loc": (1 + tail) / b}
        | in_scale(of_p, p, "p")
    )  # fmt: skip


def beside(rng, n, regime):
    """Draw p with a location and a scale of the sizes of q's mean."""
    width = positive(rng, n, regime)
    p = {"loc": width * rng.uniform(-8, 8, n), "scale": width * 10.0 ** rng.uniform(-0.5, 1, n)}
    return {"rate": 1 / width}, p


def beside_log(rng, n, regime):
    q, p = beside(rng, n, regime)
    return {"log_rate": np.log(q["rate"])}, {"loc": p["loc"], "log_scale": np.log(p["scale"])}


def cross(name, family, truth, draw, sizes):
    name, regimes = f"exponential_{name}", ("ordinary", "extreme")
    return Pair(name, Exponential, family, truth, draw, regimes, sizes=sizes, digits=400)


def as_gamma(q):
    return {"concentration": mp.mpf(1), **q}


def beside_gamma(rng, n, regime):
    """Draw a gamma anywhere, or one that is next to the exponential in both parameters."""
    q = {"rate": positive(rng, n, regime)}
    if regime == "near":
        return q, {"concentration": near(rng, np.ones(n)), "rate": near(rng, q["rate"])}
    c = concentration(rng, n, regime)
    return q, {"concentration": c, "rate": positive(rng, n, regime)}


PAIRS = [
    Pair("exponential_exponential", Exponential, Exponential, exact, same(rate=positive)),
    Pair("exponential_exponential_scale", Exponential, Exponential, exact, same(scale=positive)),
    Pair("exponential_exponential_log", Exponential, Exponential, exact, logs("log_rate")),
    cross("normal", Normal, to_normal, beside, sizes_of_normal),
    cross("normal_log", Normal, to_normal, beside_log, sizes_of_normal),
    cross("gumbel", Gumbel, to_gumbel, beside, sizes_of_gumbel),
    cross("gumbel_log", Gumbel, to_gumbel, beside_log, sizes_of_gumbel),
    Pair(
        "exponential_gamma",
        Exponential,
        Gamma,
        lambda q, p: exact_gamma(as_gamma(q), p),
        beside_gamma,
        sizes=lambda q, p: sizes_gamma(as_gamma(q), p),
        digits=DIGITS,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
