"""KL between the gamma and families of other names, against mpmath."""

import mpmath as mp
import numpy as np
from gammas import concentration, kl_gamma, sizes_gamma

from accuracy import Pair, accuracy_tests, near, positive, real
from klosed import Chi2, Exponential, Gamma, Gumbel, Normal, Weibull

HALF = mp.mpf(1) / 2


def as_gamma(side):
    """Return what stands for the same gamma distribution."""
    if "df" in side:
        return {"concentration": side["df"] / 2, "rate": HALF}
    return {"concentration": mp.mpf(1)} | side


def exact(q, p):
    q, p = as_gamma(q), as_gamma(p)
    return kl_gamma(q["concentration"], q["rate"], p["concentration"], p["rate"])


def sizes(q, p):
    """Name the sizes as the parameters were given."""
    found = sizes_gamma(as_gamma(q), as_gamma(p))
    return found | {f"{s}_df": found[f"{s}_concentration"] / 2 for s in "qp"}


def beside(rng, rate, regime):
    """Draw rates 1e-2 … 1e2 times another, or 1e-30 … 1e30 times: beyond, only size is tried."""
    return rate * 10.0 ** rng.uniform(*((-30, 30) if regime == "extreme" else (-2, 2)), rate.shape)


def to_exponential(rng, n, regime):
    p = {"rate": positive(rng, n, regime)}
    if regime == "near":
        return {"concentration": near(rng, np.ones(n)), "rate": near(rng, p["rate"])}, p
    return {
        "concentration": concentration(rng, n, regime),
        "rate": beside(rng, p["rate"], regime),
    }, p


def to_chi2(rng, n, regime):
    half = np.full(n, 0.5)
    q = {"concentration": concentration(rng, n, regime), "rate": beside(rng, half, regime)}
    if regime == "near":
        q["rate"] = near(rng, half)
        return q, {"df": near(rng, 2.0 * q["concentration"])}
    return q, {"df": concentration(rng, n, regime)}


def from_chi2(rng, n, regime):
    return to_chi2(rng, n, regime)[::-1]


def moments(rng, n, regime):
    """A location and a scale near or around the mean and the deviation of q."""
    q = {"concentration": concentration(rng, n, "ordinary"), "rate": positive(rng, n, regime)}
    mean = q["concentration"] / q["rate"]
    deviation = np.sqrt(q["concentration"]) / q["rate"]
    if regime == "near":
        return q, {"loc": near(rng, mean), "scale": near(rng, deviation)}
    if regime == "extreme":
        q["concentration"] = concentration(rng, n, regime)
    width = positive(rng, n, "ordinary")
    return q, {"loc": mean * real(rng, n, "ordinary"), "scale": deviation * width}


def wide(rng, n, regime):
    """As `moments`, with a scale that leaves the mean of exp(−(x − loc)/scale) below 1e8."""
    q, p = moments(rng, n, regime)
    p["scale"] = np.maximum(p["scale"], np.abs(p["loc"]) / 18.0)
    return q, p


def entropy(a, b):
    return mp.loggamma(a) + a + (1 - a) * mp.digamma(a) - mp.log(b)


def exact_normal(q, p):
    a, b, loc, scale = *q.values(), *p.values()
    square = a / b**2 + (a / b - loc) ** 2
    return -entropy(a, b) + mp.log(2 * mp.pi * scale**2) / 2 + square / (2 * scale**2)


def negentropy_slope(a):
    """Derivative of the KL of a gamma from the normal of its moments."""
    return abs(1 / (2 * a) + (1 - a) * (mp.psi(1, a) - 1 / a))


def sizes_normal(q, p):
    a, b, loc, scale = *q.values(), *p.values()
    z, spread = (a / b - loc) / scale, abs(a / (b * scale) ** 2 - 1)
    moved = abs(z) * a / (b * scale)
    return {
        "q_concentration": (spread / 2 + moved) / a + negentropy_slope(a),
        "q_rate": (spread + moved) / b,
        "p_scale": (spread + z**2) / scale,
    }


def exact_gumbel(q, p):
    a, b, loc, scale = *q.values(), *p.values()
    tail = mp.exp(loc / scale - a * mp.log1p(1 / (b * scale)))
    return -entropy(a, b) + mp.log(scale) + (a / b - loc) / scale + tail


def sizes_gumbel(q, p):
    a, b, loc, scale = *q.values(), *p.values()
    tau = 1 / (b * scale)
    log_tail = loc / scale - a * mp.log1p(tau)
    # the tail is known relative to the terms of its logarithm
    pull = abs(mp.expm1(log_tail)) + mp.exp(log_tail) * (abs(loc / scale) + a * tau)
    weight = a * tau / (1 + tau)
    own = negentropy_slope(a) + 1 / (2 * a)
    return {
        "q_concentration": tau - mp.log1p(tau) + mp.log1p(tau) * pull + own,
        "q_rate": (weight * (pull + tau) + 1) / b,
        "p_loc": pull / scale,
        "p_scale": ((weight + abs(loc / scale)) * pull + weight * tau + 1) / scale,
    }


def from_weibull(rng, n, regime):
    """Two exponentials, or a gamma of about the mean of q."""
    q = {"scale": positive(rng, n, regime), "concentration": 10.0 ** rng.uniform(-1, 1, n)}
    if regime == "near":
        q["concentration"] = near(rng, np.ones(n))
        return q, {"concentration": near(rng, np.ones(n)), "rate": near(rng, 1.0 / q["scale"])}
    c = concentration(rng, n, regime)
    return q, {"concentration": c, "rate": c / q["scale"] * positive(rng, n, "ordinary")}


def exact_weibull(q, p):
    scale, k, c, d = *q.values(), *p.values()
    minus_entropy = mp.log(k / scale) - 1 - mp.euler * (1 - 1 / k)
    mean_log = mp.log(scale) - mp.euler / k
    score = c * mp.log(d) - mp.loggamma(c) + (c - 1) * mean_log
    return minus_entropy - score + d * scale * mp.gamma(1 + 1 / k)


def sizes_weibull(q, p):
    scale, k, c, d = *q.values(), *p.values()
    rho, mean = 1 / k, d * scale * mp.gamma(1 + 1 / k)
    logs = abs(mp.log(d * scale)) + abs(mp.loggamma(1 + rho)) + abs(mp.log(c))
    tilt = abs(mean - c) + min(mean, c) * min(logs, 1)
    return {
        "q_scale": tilt / scale,
        "p_rate": tilt / d,
        "p_concentration": logs + abs(mp.digamma(c) - mp.log(c) + mp.euler) + abs(rho - 1),
        "q_concentration": (
            abs(c - 1)
            + c * rho * abs(mp.euler + mp.digamma(rho))
            + tilt * rho * abs(mp.digamma(1 + rho))
        )
        / k,
    }


PAIRS = [
    Pair(name, q, p, exact, draw, sizes=sizes, digits=200)
    for name, q, p, exact, draw, sizes in (
        ("gamma_exponential", Gamma, Exponential, exact, to_exponential, sizes),
        ("gamma_chi2", Gamma, Chi2, exact, to_chi2, sizes),
        ("chi2_gamma", Chi2, Gamma, exact, from_chi2, sizes),
        ("gamma_normal", Gamma, Normal, exact_normal, moments, sizes_normal),
        ("gamma_gumbel", Gamma, Gumbel, exact_gumbel, wide, sizes_gumbel),
        ("weibull_gamma", Weibull, Gamma, exact_weibull, from_weibull, sizes_weibull),
    )
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
