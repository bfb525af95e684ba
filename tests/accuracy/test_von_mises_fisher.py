"""KL from a von Mises–Fisher distribution, and to one, against mpmath."""

from functools import partial

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from klosed import SphericalUniform, VonMisesFisher


def concentration(side):
    return side["concentration"] if "concentration" in side else mp.exp(side["log_concentration"])


def log_normaliser(kappa, d):
    """Return log E exp(κ x₁) over the uniform distribution."""
    return mp.log(mp.hyp0f1(mp.mpf(d) / 2, kappa * kappa / 4))


def mean_length(kappa, d):
    above, below = (mp.hyp0f1(mp.mpf(d) / 2 + i, kappa * kappa / 4) for i in (1, 0))
    return kappa / d * above / below


def cosine(a, b):
    return (a.T * b)[0] / mp.norm(a) / mp.norm(b)


def to_fisher(q, p):
    """Return what KL is for equal directions, and what their angle adds."""
    d = q["mean_direction"].rows
    of_q, of_p = concentration(q), concentration(p)
    a = mean_length(of_q, d)
    alike = log_normaliser(of_p, d) - log_normaliser(of_q, d) - a * (of_p - of_q)
    return alike, of_p * a * (1 - cosine(q["mean_direction"], p["mean_direction"]))


def to_uniform(q, p):
    kappa, d = concentration(q), q["mean_direction"].rows
    return (kappa * mean_length(kappa, d) - log_normaliser(kappa, d),)


def from_uniform(q, p):
    return (log_normaliser(concentration(p), p["mean_direction"].rows),)


def one(rng, d, regime, name):
    low, high = (-8, 8) if regime == "extreme" else (-2, 2)
    kappa = 10.0 ** rng.uniform(low, high)
    mu = rng.standard_normal(d)
    given = {"concentration": kappa, "log_concentration": np.log(kappa)}[name]
    return {"mean_direction": mu / np.linalg.norm(mu), name: given}


def pair(name):
    def draw(rng, regime):
        d = rng.choice([2, 3, 4, 17])
        p = one(rng, d, regime, name)
        if regime != "near":
            return one(rng, d, regime, name), p
        size, turn = 10.0 ** rng.uniform(-12, 0, 2)
        mu = p["mean_direction"] + turn * rng.uniform(-0.5, 0.5, d)
        return {"mean_direction": mu, name: p[name] * (1 + size * rng.uniform(-0.5, 1))}, p

    return draw


FLAT = {"like": np.zeros(())}
FISHER = VonMisesFisher
PAIRS = [
    ArrayPair("von_mises_fisher", FISHER, FISHER, to_fisher, pair("concentration")),
    ArrayPair("von_mises_fisher_log", FISHER, FISHER, to_fisher, pair("log_concentration")),
    ArrayPair(
        "von_mises_fisher_uniform_5", FISHER, partial(SphericalUniform, 5), to_uniform,
        lambda rng, regime: (one(rng, 5, regime, "concentration"), FLAT),
        ("ordinary", "extreme"),
    ),
    ArrayPair(
        "spherical_uniform_fisher_5", partial(SphericalUniform, 5), FISHER, from_uniform,
        lambda rng, regime: (FLAT, one(rng, 5, regime, "log_concentration")),
        ("ordinary", "extreme"),
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
