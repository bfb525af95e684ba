"""KL between power spherical and uniform distributions on spheres against mpmath."""

from functools import partial

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from klosed import PowerSpherical, SphericalUniform, VonMisesFisher


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


def to_fisher(q, p):
    """Return entropy, log-normaliser, mean, and what the angle adds."""
    mu, eta = q["mean_direction"], p["mean_direction"]
    d, kappa, lam = mu.rows, q["concentration"], p["concentration"]
    mean = kappa / (kappa + d - 1)
    cos = (mu.T * eta)[0] / mp.norm(mu) / mp.norm(eta)
    log_fisher = mp.log(mp.hyp0f1(mp.mpf(d) / 2, lam * lam / 4))
    return to_uniform(kappa, d), log_fisher, -lam * mean, lam * mean * (1 - cos)


def anywhere(rng, regime):
    d = rng.choice([2, 3, 4, 17])
    return power(rng, regime, d, "concentration"), power(rng, regime, d, "concentration")


def fitted(rng, regime):
    """Draw a Fisher of the same direction, near the one that fits best; at extremes 1/κ from it."""
    d = rng.choice([2, 3, 4, 17, 101])
    wide = (-2, 3) if regime == "ordinary" else (2, 8)
    kappa = np.asarray((1 + d) * 10.0 ** rng.uniform(*wide))
    whole = kappa + d - 1
    most = -0.5 if regime == "ordinary" or rng.random() < 0.5 else -np.log10(whole)
    step = rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-1 - np.log10(whole), most)
    mu = rng.standard_normal(d)
    return (
        {"mean_direction": mu, "concentration": kappa},
        {"mean_direction": mu, "concentration": 0.5 * whole * (1.0 + step)},
    )


FISHER = (PowerSpherical, VonMisesFisher, to_fisher)
PAIRS = [
    ArrayPair("power_spherical_fisher", *FISHER, anywhere, ("ordinary", "extreme")),
    ArrayPair("power_spherical_fisher_fit", *FISHER, fitted, ("ordinary", "extreme")),
    *pairs(2, "concentration"), *pairs(3, "log_concentration"), *pairs(17, "concentration"),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
