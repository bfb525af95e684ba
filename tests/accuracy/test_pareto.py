"""KL from a Pareto distribution against mpmath."""

import mpmath as mp
import numpy as np
from location_scale import in_scale, normal_cross_entropy, scale, sizes_to_normal

from accuracy import Pair, accuracy_tests, near, positive
from klosed import Exponential, Gamma, Normal, Pareto, kl_value_and_grad


def alpha(side):
    return side["alpha"] if "alpha" in side else mp.exp(side["log_alpha"])


def exact(q, p):
    a_q, a_p = alpha(q), alpha(p)
    return mp.log(a_q / a_p) + a_p * mp.log(scale(q) / scale(p)) + a_p / a_q - 1


def sizes(q, p):
    """A heavier tail meets a smaller least value: (r − 1) and αp log(mq/mp) cancel."""
    r, above = alpha(p) / alpha(q), alpha(p) * mp.log(scale(q) / scale(p))
    size = abs(r - 1) + above
    return {"p_alpha": size / alpha(p), "p_log_alpha": size}


def nested(rng, n, regime):
    """Draw p, and q with a scale above p's: by anything, or by next to nothing."""
    p = {"scale": positive(rng, n, regime), "alpha": positive(rng, n, regime)}
    if regime == "near":
        above = 1 + rng.choice([0.0, 1.0], n) * 10.0 ** rng.uniform(-12, 0, n)
        return {"scale": p["scale"] * above, "alpha": near(rng, p["alpha"])}, p
    above = 10.0 ** rng.uniform(0, 150 if regime == "extreme" else 2, n)
    return {"scale": p["scale"] * above, "alpha": positive(rng, n, regime)}, p


def nested_log(rng, n, regime):
    return tuple(
        {f"log_{name}": np.log(x) for name, x in side.items()} for side in nested(rng, n, regime)
    )


def moments(q):
    """Return α, the mean, the standard deviation and the entropy."""
    a, m = alpha(q), scale(q)
    mean, spread = a * m / (a - 1), m / (a - 1) * mp.sqrt(a / (a - 2)) if a > 2 else mp.inf
    return a, mean, spread, mp.log(m / a) + 1 + 1 / a


def in_alpha(of_log, q):
    return {"q_alpha": of_log / alpha(q), "q_log_alpha": of_log}


def to_normal(q, p):
    _, mean, spread, entropy = moments(q)
    return normal_cross_entropy(mean, spread**2, p) - entropy


def sizes_of_normal(q, p):
    a, mean, spread, _ = moments(q)
    offset = mean + abs(p["loc"])
    sizes = sizes_to_normal(offset, spread, p)
    size = 1 + (spread**2 + mean * offset) / scale(p) ** 2
    steeper = (a / (a - 1) + 1 / (a - 2)) * (1 + (spread / scale(p)) ** 2)
    of_alpha = 1 + 1 / a + steeper + mean * offset / scale(p) ** 2 / (a - 1)
    return sizes | in_scale(size, q, "q") | in_alpha(of_alpha, q)


def shape(p):
    """Return concentration and rate; an exponential distribution has concentration 1."""
    c = p.get("concentration", mp.mpf(1))
    return c, p["rate"]


def to_gamma(q, p):
    a, mean, _, entropy = moments(q)
    c, rate = shape(p)
    mean_log = mp.log(scale(q)) + 1 / a
    return -entropy - c * mp.log(rate) + mp.loggamma(c) - (c - 1) * mean_log + rate * mean


def sizes_of_gamma(q, p):
    a, mean, _, _ = moments(q)
    c, rate = shape(p)
    s = rate * mean
    of_c = abs(mp.log(c / s)) + abs(mp.digamma(c) - mp.log(c)) + mp.log(a / (a - 1)) - 1 / a
    return (
        {"p_rate": (s + c) / rate, "p_concentration": of_c}
        | in_scale(s + c, q, "q")
        | in_alpha(1 + c / a + s / (a - 1), q)
    )  # fmt: skip


def beside_normal(rng, n, regime):
    """Draw α above 2 and a normal of the scale of q's least value."""
    width = positive(rng, n, regime)
    q = {"scale": width, "alpha": 2 + 10.0 ** rng.uniform(-3, 3, n)}
    return q, {"loc": width * rng.uniform(-8, 8, n), "scale": width * positive(rng, n, "ordinary")}


def beside_exponential(rng, n, regime):
    width = positive(rng, n, regime)
    q = {"scale": width, "alpha": 1 + 10.0 ** rng.uniform(-3, 3, n)}
    return q, {"rate": positive(rng, n, "ordinary") / width}


def beside_gamma(rng, n, regime):
    q, p = beside_exponential(rng, n, regime)
    return q, {"concentration": positive(rng, n, "ordinary"), **p}


def cross(name, family, truth, draw, sizes):
    regimes = ("ordinary", "extreme")
    return Pair(f"pareto_{name}", Pareto, family, truth, draw, regimes, sizes=sizes, digits=400)


PAIRS = [
    Pair("pareto_pareto", Pareto, Pareto, exact, nested, sizes=sizes),
    Pair("pareto_pareto_log", Pareto, Pareto, exact, nested_log, sizes=sizes),
    cross("normal", Normal, to_normal, beside_normal, sizes_of_normal),
    cross("exponential", Exponential, to_gamma, beside_exponential, sizes_of_gamma),
    cross("gamma", Gamma, to_gamma, beside_gamma, sizes_of_gamma),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_infinite_moments_make_it_infinite():
    q = Pareto(1.0, [0.5, 1.0, 1.5, 2.0, 2.5])
    for p, least in ((Exponential(1.0), 1.0), (Gamma(2.0, 1.0), 1.0), (Normal(0.0, 1.0), 2.0)):
        value, *gradients = kl_value_and_grad(q, p)
        assert np.array_equal(np.isfinite(value), q.alpha > least)
        for g in (g for of in gradients for g in of.values()):
            assert np.all(np.isfinite(g))
            assert np.all(g[q.alpha <= least] == 0)
