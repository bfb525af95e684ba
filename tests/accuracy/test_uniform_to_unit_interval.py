"""KL from a uniform to a beta or continuous Bernoulli distribution against mpmath."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near, positive
from klosed import Beta, ContinuousBernoulli, Uniform, kl_divergence, kl_value_and_grad


def log_mean(a, b):
    """Return E log x for x uniform between two ends."""
    return (b * mp.log(b) - a * mp.log(a)) / (b - a) - 1


def to_bernoulli(q, p):
    a, b, eta = q["low"], q["high"], p["logits"]
    normaliser = mp.log(mp.expm1(eta) / eta)
    return -mp.log(b - a) - eta * (a + b) / 2 + normaliser


def sizes_of_bernoulli(q, p):
    tilt, lean = abs(p["logits"]) / 2, abs(q["low"] + q["high"] - 1)
    of_end = 1 / (q["high"] - q["low"]) + tilt
    slope = abs(mp.coth(tilt) - 1 / tilt)
    return {"q_low": of_end, "q_high": of_end, "p_logits": slope + lean}


def parts_of_beta(q, p):
    """Return the terms of the cross-entropy."""
    a, b = q["low"], q["high"]
    one, zero = p["concentration1"], p["concentration0"]
    return (
        -mp.log(b - a),
        -(one - 1) * log_mean(a, b),
        -(zero - 1) * log_mean(1 - b, 1 - a),
        mp.loggamma(one) + mp.loggamma(zero) - mp.loggamma(one + zero),
    )


def to_beta(q, p):
    return mp.fsum(parts_of_beta(q, p))


def sizes_of_beta(q, p):
    a, b = q["low"], q["high"]
    one, zero = p["concentration1"], p["concentration0"]
    up, down = log_mean(a, b), log_mean(1 - b, 1 - a)
    whole = mp.digamma(one + zero)
    ends = [abs(one - 1), abs(zero - 1)]
    low = 1 + ends[0] * (up - mp.log(a)) + ends[1] * (mp.log(1 - a) - down)
    high = 1 + ends[0] * (mp.log(b) - up) + ends[1] * (down - mp.log(1 - b))
    return {
        "q_low": low / (b - a),
        "q_high": high / (b - a),
        "p_concentration1": abs(mp.digamma(one) - whole + 1) + abs(1 + up),
        "p_concentration0": abs(mp.digamma(zero) - whole + 1) + abs(1 + down),
    }


def interval(rng, n, regime):
    """Draw an interval in (0, 1): anywhere, next to all of it, or at the extremes of width."""
    if regime == "near":
        low, gap = (10.0 ** rng.uniform(-12, -1, n) for _ in "ab")
        return {"low": low, "high": 1 - gap}
    width = rng.uniform(0.05, 0.9, n)
    low = rng.uniform(0.02, 0.98, n) * (1 - width)
    return {"low": low, "high": low + width}


def beside_bernoulli(rng, n, regime):
    if regime == "near":
        logits = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-12, 0, n)
    else:
        logits = rng.uniform(-500, 500, n) if regime == "extreme" else rng.uniform(-9, 9, n)
    return interval(rng, n, regime), {"logits": logits}


def beside_beta(rng, n, regime):
    if regime == "near":
        drawn = [near(rng, np.ones(n)) for _ in "ab"]
    else:
        drawn = [10.0 ** rng.uniform(-1, 1, n) for _ in "ab"]
    return interval(rng, n, regime), {"concentration1": drawn[0], "concentration0": drawn[1]}


PAIRS = [
    Pair(
        "uniform_continuous_bernoulli",
        Uniform,
        ContinuousBernoulli,
        to_bernoulli,
        beside_bernoulli,
        sizes=sizes_of_bernoulli,
        digits=400,
    ),
    Pair(
        "uniform_beta",
        Uniform,
        Beta,
        to_beta,
        beside_beta,
        ("ordinary", "near"),
        sizes=sizes_of_beta,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_where_the_families_meet_it_is_exactly_zero():
    q = Uniform(0.0, 1.0)
    for p in (Beta(1.0, 1.0), ContinuousBernoulli(probs=0.5), ContinuousBernoulli(logits=0.0)):
        value, *gradients = kl_value_and_grad(q, p)
        assert value == 0
        assert not any(np.isnan(g) for of in gradients for g in of.values())


def test_large_concentrations_keep_the_digits_of_their_terms():
    rng = np.random.default_rng(3)
    for scale in 10.0 ** rng.uniform(1, 8, 40):
        q = {"low": 0.5 - rng.uniform(0.5, 3) / scale**0.5 * 0.1, "high": 0.5 + 0.1 / scale**0.5}
        p = {"concentration1": scale, "concentration0": scale * positive(rng, 1, "near")[0] ** 0.01}
        exact = [{k: mp.mpf(float(v)) for k, v in side.items()} for side in (q, p)]
        with mp.workdps(60):
            true, terms = to_beta(*exact), mp.fsum(map(abs, parts_of_beta(*exact)))
            value = float(kl_divergence(Uniform(**q), Beta(**p)))
            assert value >= 0
            assert abs(value - true) <= 16 * 2.0**-52 * terms
