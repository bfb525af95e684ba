"""KL from a uniform distribution against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from location_scale import in_scale, normal_cross_entropy, scale, sizes_to_normal

from accuracy import Pair, accuracy_tests, positive, real
from klosed import Exponential, Gamma, Gumbel, Normal, Pareto, Uniform, kl_value_and_grad


def exact(q, p):
    return mp.log((p["high"] - p["low"]) / (q["high"] - q["low"]))


def nested(rng, n, regime):
    """Draw q's interval, then p's around it: wider by anything, or by next to nothing."""
    width = positive(rng, n, regime)
    low = width * rng.choice([0.0, 1.0], n) * real(rng, n, "ordinary")
    wider = [positive(rng, n, regime) for _ in "ab"]
    if regime == "near":
        wider = [width * w * 10.0 ** rng.uniform(-12, -2, n) for w in wider]
    p = {"low": low - wider[0] * (rng.random(n) < 0.8), "high": low + width + wider[1]}
    return {"low": low, "high": low + width}, p


def ends(q):
    return q["low"], q["high"], q["high"] - q["low"]


def to_normal(q, p):
    a, b, w = ends(q)
    return normal_cross_entropy((a + b) / 2, w * w / 12, p) - mp.log(w)


def sizes_of_normal(q, p):
    a, b, w = ends(q)
    offset = max(abs(a - p["loc"]), abs(b - p["loc"]))
    spread = w / mp.sqrt(12)
    size = offset / scale(p) ** 2 + (1 + (spread / scale(p)) ** 2) / w
    return sizes_to_normal(offset, spread, p) | {"q_low": size, "q_high": size}


def to_gumbel(q, p):
    a, b, w = ends(q)
    s, low, high = scale(p), (a - p["loc"]) / scale(p), (b - p["loc"]) / scale(p)
    return mp.log(s / w) + (low + high) / 2 + s / w * (mp.exp(-low) - mp.exp(-high))


def sizes_of_gumbel(q, p):
    a, b, w = ends(q)
    s, low, high = scale(p), (a - p["loc"]) / scale(p), (b - p["loc"]) / scale(p)
    tail = 1 + s / w * (mp.exp(-low) - mp.exp(-high))
    size = 1 / w + tail / s
    of_scale = 1 + (abs(low) + abs(high)) * tail
    return {"q_low": size, "q_high": size, "p_loc": tail / s} | in_scale(of_scale, p, "p")


def mean_log(q):
    a, b, w = ends(q)
    return (b * mp.log(b) - (a * mp.log(a) if a else 0)) / w - 1


def to_gamma(q, p):
    a, b, w = ends(q)
    c, rate = p.get("concentration", mp.mpf(1)), p["rate"]
    entropy = mp.log(w)
    below = -entropy - c * mp.log(rate) + mp.loggamma(c)
    return below - (c - 1) * mean_log(q) + rate * (a + b) / 2


def sizes_of_gamma(q, p):
    a, b, w = ends(q)
    c, rate = p.get("concentration", mp.mpf(1)), p["rate"]
    s = rate * (a + b) / 2
    of_c = abs(mp.log(c / s)) + abs(mp.digamma(c) - mp.log(c)) + mp.log((a + b) / 2) - mean_log(q)
    bent = abs(c - 1)
    return {
        "p_rate": (s + c) / rate,
        "p_concentration": of_c,
        "q_low": (1 + bent * (mean_log(q) - mp.log(a))) / w + rate if a else 1 / w + rate,
        "q_high": (1 + bent * (mp.log(b) - mean_log(q))) / w + rate,
    }


def to_pareto(q, p):
    w = q["high"] - q["low"]
    entropy = mp.log(w)
    return (
        -entropy
        - mp.log(p["alpha"])
        - p["alpha"] * mp.log(scale(p))
        + (p["alpha"] + 1) * mean_log(q)
    )


def sizes_of_pareto(q, p):
    _, b, w = ends(q)
    above = mean_log(q) - mp.log(scale(p))
    of_high = (1 + (p["alpha"] + 1) * (mp.log(b) - mean_log(q))) / w
    return {"q_high": of_high, "p_alpha": 1 / p["alpha"] + above}


def beside(rng, n, regime):
    """Draw p with a location and a scale of the sizes of q's ends and width."""
    width = positive(rng, n, regime)
    low = width * rng.uniform(-8, 8, n)
    p = {
        "loc": low + width * rng.uniform(-8, 8, n),
        "scale": width * 10.0 ** rng.uniform(-0.5, 2, n),
    }
    return {"low": low, "high": low + width}, p


def positive_ends(rng, n, regime):
    low = positive(rng, n, regime)
    return {"low": low, "high": low * (1 + positive(rng, n, "ordinary"))}


def beside_exponential(rng, n, regime):
    q = positive_ends(rng, n, regime)
    mean = (q["low"] + q["high"]) / 2
    return q, {"rate": positive(rng, n, "ordinary") / mean}


def beside_gamma(rng, n, regime):
    """Draw an interval and a gamma, both of them narrow or wide."""
    q = positive_ends(rng, n, regime)
    mean = (q["low"] + q["high"]) / 2
    c = positive(rng, n, "ordinary")
    return q, {"concentration": c, "rate": c * 10.0 ** rng.uniform(-1, 1, n) / mean}


def beside_pareto(rng, n, regime):
    q = positive_ends(rng, n, regime)
    below = 10.0 ** (-rng.choice([0.0, 1.0], n) * rng.uniform(0, 2, n))
    return q, {"scale": q["low"] * below, "alpha": positive(rng, n, "ordinary")}


def cross(name, family, truth, draw, sizes):
    regimes = ("ordinary", "extreme")
    return Pair(f"uniform_{name}", Uniform, family, truth, draw, regimes, sizes=sizes, digits=400)


PAIRS = [
    Pair("uniform_uniform", Uniform, Uniform, exact, nested),
    cross("normal", Normal, to_normal, beside, sizes_of_normal),
    cross("gumbel", Gumbel, to_gumbel, beside, sizes_of_gumbel),
    cross("exponential", Exponential, to_gamma, beside_exponential, sizes_of_gamma),
    cross("gamma", Gamma, to_gamma, beside_gamma, sizes_of_gamma),
    cross("pareto", Pareto, to_pareto, beside_pareto, sizes_of_pareto),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_an_interval_that_sticks_out_by_one_unit_in_the_last_place_is_infinitely_far():
    q, p = Uniform(0.0, 1.0), Uniform(0.0, np.nextafter(1.0, 0.0))
    value, grad_q, grad_p = kl_value_and_grad(q, p)
    assert value == np.inf
    assert all(g == 0 for g in (*grad_q.values(), *grad_p.values()))


def test_an_interval_that_starts_at_zero():
    value, grad_q, grad_p = kl_value_and_grad(Uniform(0.0, 4.0), Exponential(0.5))
    assert value == pytest.approx(1 - np.log(2), rel=1e-15)
    assert grad_q == {"low": 0.25 + 0.25, "high": -0.25 + 0.25}
    assert grad_p == {"rate": 0.0}
    # here the density of p is 0 at 0: E log x = log 4 − 1 is finite, its slope there is not
    value, grad_q, _ = kl_value_and_grad(Uniform(0.0, 4.0), Gamma(3.0, 0.5))
    assert value == pytest.approx(float(to_gamma(*MEETING)), rel=1e-14)
    assert grad_q["low"] == -np.inf
    assert grad_q["high"] == pytest.approx(-(1 + 2.0) / 4 + 0.25, rel=1e-15)


MEETING = (
    {"low": mp.mpf(0), "high": mp.mpf(4)},
    {"concentration": mp.mpf(3), "rate": mp.mpf(1) / 2},
)
