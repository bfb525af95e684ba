"""KL from beta and continuous Bernoulli to other families against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from draws import draws
from location_scale import normal_cross_entropy, sizes_to_normal

from accuracy import Pair, accuracy_tests, fresh_rng, near, point, positive
from klosed import (
    Beta,
    ContinuousBernoulli,
    Exponential,
    Gamma,
    Normal,
    Uniform,
    kl_divergence,
)

A, B = "concentration1", "concentration0"


class OfBeta:
    """Entropy, moments and E log x of a beta distribution, as textbooks have them."""

    def __init__(self, q):
        a, b = q[A], q[B]
        whole = a + b
        log_b = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(whole)
        self.mean, self.variance = a / whole, a * b / whole**2 / (whole + 1)
        self.mean_log = mp.psi(0, a) - mp.psi(0, whole)
        rest = mp.psi(0, b) - mp.psi(0, whole)
        self.terms = (log_b, -(a - 1) * self.mean_log, -(b - 1) * rest)
        self.entropy = mp.fsum(self.terms)


class OfTilt:
    """The same of a continuous Bernoulli with a logit."""

    def __init__(self, q):
        x = q["logits"]
        self.mean = 1 + 1 / mp.expm1(x) - 1 / x
        self.variance = 1 / x**2 - 1 / (4 * mp.sinh(x / 2) ** 2)
        self.entropy = mp.log(mp.expm1(x) / x) - x * self.mean


def to_normal(of):
    def exact(q, p):
        x = of(q)
        return normal_cross_entropy(x.mean, x.variance, p) - x.entropy

    return exact


def to_exponential(of):
    def exact(q, p):
        x = of(q)
        return p["rate"] * x.mean - mp.log(p["rate"]) - x.entropy

    return exact


def to_uniform(of):
    return lambda q, p: mp.log(p["high"] - p["low"]) - of(q).entropy


def to_gamma(q, p):
    c, d, x = p["concentration"], p["rate"], OfBeta(q)
    surprise = mp.loggamma(c) - c * mp.log(d) - (c - 1) * x.mean_log + d * x.mean
    return surprise - x.entropy


def to_bernoulli(q, p):
    eta, x = p["logits"], OfBeta(q)
    return mp.log(mp.expm1(eta) / eta) - eta * x.mean - x.entropy


def slopes(q, extra):
    """Return the sizes of a gradient in a beta's parameters: its entropy's and the given ones."""
    a, b = q[A], q[B]
    whole, found = a + b, {}
    for name, own, other in ((A, a, b), (B, b, a)):
        mean = other / whole**2
        entropy = abs(own - 1) * mp.psi(1, own) + abs(whole - 2) * mp.psi(1, whole)
        found[f"q_{name}"] = entropy + extra(own, mean, whole)
    return found


def sizes_uniform(q, p):
    return slopes(q, lambda own, mean, whole: 0)


def sizes_normal(q, p):
    x = OfBeta(q)
    spread, offset = mp.sqrt(x.variance), x.mean + abs(p["loc"])
    of_mean, square = offset / p["scale"] ** 2, x.variance / p["scale"] ** 2

    def extra(own, mean, whole):
        return of_mean * mean + (1 + square) * (1 / own + 3 / whole)

    return slopes(q, extra) | sizes_to_normal(offset, spread, p)


def sizes_gamma(q, p):
    c, d, x = p.get("concentration", mp.mpf(1)), p["rate"], OfBeta(q)

    def extra(own, mean, whole):
        return d * mean + abs(c - 1) * (mp.psi(1, own) + mp.psi(1, whole))

    size = slopes(q, extra) | {"p_rate": c / d + x.mean}
    if "concentration" in p:
        size["p_concentration"] = abs(mp.log(d)) + abs(mp.psi(0, c)) + abs(x.mean_log)
    return size


def sizes_bernoulli(q, p):
    return slopes(q, lambda own, mean, whole: abs(p["logits"]) * mean) | {"p_logits": mp.mpf(1)}


def sizes_tilt_normal(q, p):
    x = OfTilt(q)
    spread, offset = mp.sqrt(x.variance), x.mean + abs(p["loc"])
    of_tilt = offset / p["scale"] ** 2 * x.variance + (1 + x.variance / p["scale"] ** 2)
    return {"q_logits": of_tilt + abs(q["logits"]) * x.variance} | sizes_to_normal(
        offset, spread, p
    )


def sizes_tilt_exponential(q, p):
    x = OfTilt(q)
    return {
        "q_logits": (p["rate"] + abs(q["logits"])) * x.variance,
        "p_rate": 1 / p["rate"] + x.mean,
    }


def beta(rng, n, regime):
    limit = 8 if regime == "extreme" else 2
    return dict(zip((A, B), 10.0 ** rng.uniform(-limit, limit, (2, n)), strict=True))


def tilt(rng, n, regime):
    side = 500 if regime == "extreme" else 12
    return {"logits": rng.uniform(-side, side, n)}


def beside(draw, near, **of):
    """Draw q and p independently, or nearly the same ones by `near`."""

    def drawn(rng, n, regime):
        if regime == "near":
            return near(rng, n)
        return draw(rng, n, regime), {name: f(rng, n) for name, f in of.items()}

    return drawn


def beside_one(rng, x):
    """Return x times a number that is 1 ± (1e-8 … 1)."""
    return x * (1 + rng.choice([-0.5, 0.5], x.shape) * 10.0 ** rng.uniform(-8, 0, x.shape))


def gamma_beside(rng, n):
    """Draw a beta of large second concentration, and the gamma that it nearly is."""
    q = {A: 10.0 ** rng.uniform(-1, 1, n), B: 10.0 ** rng.uniform(1, 8, n)}
    return q, {"concentration": beside_one(rng, q[A]), "rate": beside_one(rng, q[A] + q[B])}


def exponential_beside(rng, n):
    q = {A: beside_one(rng, np.ones(n)), B: 10.0 ** rng.uniform(1, 8, n)}
    return q, {"rate": beside_one(rng, q[A] + q[B])}


def tilted_beside(rng, n):
    """Draw betas that are nearly uniform or nearly exponential, at either end."""
    q = {name: beside_one(rng, np.ones(n)) for name in (A, B)}
    flat = rng.random(n) < 0.5
    steep, up = 10.0 ** rng.uniform(0.5, 8, n), rng.random(n) < 0.5
    q[A], q[B] = np.where(flat | ~up, q[A], steep), np.where(flat | up, q[B], steep)
    # the logit of the mean's first order, and that of the nearest exponential
    near_flat = 6 * (q[A] - q[B]) * rng.uniform(0, 2, n)
    return q, {"logits": np.where(flat, near_flat, beside_one(rng, np.where(up, steep, -steep)))}


def tilt_beside_exponential(rng, n):
    eta = -(10.0 ** rng.uniform(0, 2.5, n))
    return {"logits": eta}, {"rate": beside_one(rng, -eta)}


def uniform_beside(rng, n):
    q = {name: near(rng, np.ones(n)) for name in (A, B)}
    return q, {"low": -(10.0 ** rng.uniform(-40, -12, n)), "high": 1 + 0 * q[A]}


def tilt_beside_uniform(rng, n):
    _, p = uniform_beside(rng, n)
    return {"logits": rng.choice([-1, 1], n) * 10.0 ** rng.uniform(-12, 0, n)}, p


def tilt_beside_normal(rng, n):
    q = tilt(rng, n, "ordinary")
    x = ContinuousBernoulli(**q)
    return q, {"loc": beside_one(rng, x.mean), "scale": beside_one(rng, x.variance**0.5)}


def normal_beside(rng, n):
    """Draw normals like a nearly symmetric beta of large concentrations."""
    a, b = 10.0 ** rng.uniform(1, 3) * rng.uniform(0.5, 2, (2, n))
    mean, spread = a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)
    loc = mean + spread * rng.uniform(-0.5, 0.5, n)
    return {A: a, B: b}, {"loc": loc, "scale": spread * 10.0 ** rng.uniform(-0.2, 0.2, n)}


def scale(rng, n):
    return positive(rng, n, "ordinary")


def loc(rng, n):
    return rng.uniform(-2, 2, n)


def low(rng, n):
    return -(10.0 ** rng.uniform(-12, 1, n))


def high(rng, n):
    return 1 + 10.0 ** rng.uniform(-12, 1, n)


def logit(rng, n):
    return rng.uniform(-12, 12, n)


BETA, TILT = {"digits": 120}, {"digits": 500}
TILTED = ContinuousBernoulli
PAIRS = [
    Pair("beta_uniform", Beta, Uniform, to_uniform(OfBeta),
         beside(beta, uniform_beside, low=low, high=high), sizes=sizes_uniform, **BETA),
    Pair("beta_continuous_bernoulli", Beta, TILTED, to_bernoulli,
         beside(beta, tilted_beside, logits=logit), sizes=sizes_bernoulli, **BETA),
    Pair("beta_exponential", Beta, Exponential, to_exponential(OfBeta),
         beside(beta, exponential_beside, rate=scale), sizes=sizes_gamma, **BETA),
    Pair("beta_gamma", Beta, Gamma, to_gamma,
         beside(beta, gamma_beside, concentration=scale, rate=scale), sizes=sizes_gamma, **BETA),
    Pair("beta_normal", Beta, Normal, to_normal(OfBeta),
         beside(beta, normal_beside, loc=loc, scale=scale), sizes=sizes_normal, **BETA),
    Pair("continuous_bernoulli_uniform", TILTED, Uniform, to_uniform(OfTilt),
         beside(tilt, tilt_beside_uniform, low=low, high=high), **TILT),
    Pair("continuous_bernoulli_exponential", TILTED, Exponential, to_exponential(OfTilt),
         beside(tilt, tilt_beside_exponential, rate=scale), sizes=sizes_tilt_exponential, **TILT),
    Pair("continuous_bernoulli_normal", TILTED, Normal, to_normal(OfTilt),
         beside(tilt, tilt_beside_normal, loc=loc, scale=scale), sizes=sizes_tilt_normal, **TILT),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    _,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def by_scale(exact):
    return lambda q, p: exact(q, {**p, "rate": 1 / p["scale"]})


@pytest.mark.parametrize(
    "pair",
    [
        Pair("beta_gamma", Beta, Gamma, by_scale(to_gamma), gamma_beside),
        Pair("beta_exponential", Beta, Exponential, by_scale(to_exponential(OfBeta)),
             exponential_beside),
        Pair("continuous_bernoulli_exponential", TILTED, Exponential,
             by_scale(to_exponential(OfTilt)), tilt_beside_exponential),
    ],
    ids=lambda pair: pair.name,
)  # fmt: skip
def test_a_scale_keeps_as_many_digits_beside_what_is_nearly_the_same(pair):
    q, p = pair.draw(fresh_rng(), 30)
    p["scale"] = 1 / p.pop("rate")
    for i, value in enumerate(kl_divergence(pair.q(**q), pair.p(**p)).tolist()):
        with mp.workdps(400):
            true = pair.exact(*({k: mp.mpf(x) for k, x in point(s, i).items()} for s in (q, p)))
        assert abs(value - true) <= 64 * 2.0**-52 * true, (point(q, i), point(p, i))


def test_beta_beside_its_own_normal_keeps_the_budget():
    """KL there is J and the squares of two small differences, which rounding must not decide."""
    rng = fresh_rng()
    for _ in range(draws(200)):
        a = 10.0 ** rng.uniform(-2, 8)
        b = a * 10.0 ** rng.uniform(-0.5, 0.5) if rng.random() < 0.5 else 10.0 ** rng.uniform(-2, 8)
        q = {A: a, B: b}
        with mp.workdps(60):
            x = OfBeta({name: mp.mpf(value) for name, value in q.items()})
            shift, stretch = rng.choice([-1, 1], 2) * 10.0 ** rng.uniform(-12, -1, 2)
            spread = mp.sqrt(x.variance)
            p = {"loc": float(x.mean + spread * shift), "scale": float(spread * (1 + stretch))}
            true = to_normal(OfBeta)(
                {name: mp.mpf(value) for name, value in q.items()},
                {name: mp.mpf(value) for name, value in p.items()},
            )
            value = float(kl_divergence(Beta(**q), Normal(**p)))
            assert abs(value - true) <= 64 * 2.0**-52 * true, (q, p)
