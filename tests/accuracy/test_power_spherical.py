"""KL between power spherical and uniform distributions on spheres against mpmath."""

from functools import partial

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from klosed import PowerSpherical, SphericalUniform


def log_normaliser(kappa, d):
    """Return log E[(1 + x₁)^κ] over the uniform distribution, from the beta integral."""
    beta = mp.mpf(d - 1) / 2
    beta_ratio = mp.loggamma(beta + kappa) - mp.loggamma(2 * beta + kappa)
    return kappa * mp.log(2) + beta_ratio - mp.loggamma(beta) + mp.loggamma(2 * beta)


def slope(kappa, d):
    beta = mp.mpf(d - 1) / 2
    return mp.log(2) + mp.digamma(beta + kappa) - mp.digamma(2 * beta + kappa)


def to_uniform(kappa, d):
    return kappa * slope(kappa, d) - log_normaliser(kappa, d)


def from_uniform(kappa, d):
    return log_normaliser(kappa, d) - kappa * slope(0, d)


def power(rng, regime, d, name):
    wide = 8 if regime == "extreme" else 2
    kappa = np.asarray(10.0 ** rng.uniform(-wide, wide))
    given = {"concentration": kappa, "log_concentration": np.log(kappa)}[name]
    return {"mean_direction": rng.standard_normal(d), name: given}


def pairs(d, name):
    def exact(side, formula):
        kappa = side[name] if name == "concentration" else mp.exp(side[name])
        return (formula(kappa, d),)

    uniform = partial(SphericalUniform, d)
    flat = {"like": np.zeros(())}
    return [
        ArrayPair(
            f"power_spherical_uniform_{d}", PowerSpherical, uniform,
            lambda q, p: exact(q, to_uniform),
            lambda rng, regime: (power(rng, regime, d, name), flat),
            ("ordinary", "extreme"),
        ),
        ArrayPair(
            f"spherical_uniform_power_{d}", uniform, PowerSpherical,
            lambda q, p: exact(p, from_uniform),
            lambda rng, regime: (flat, power(rng, regime, d, name)),
            ("ordinary", "extreme"),
        ),
    ]  # fmt: skip


PAIRS = [
    *pairs(2, "concentration"), *pairs(3, "log_concentration"), *pairs(17, "concentration"),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
