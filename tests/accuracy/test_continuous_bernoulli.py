"""KL from a continuous Bernoulli distribution against mpmath."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near
from klosed import ContinuousBernoulli


def log_normalizer(eta):
    return mp.log(mp.expm1(eta) / eta) if eta else mp.mpf(0)


def mean(eta):
    return 1 + 1 / mp.expm1(eta) - 1 / eta if eta else mp.mpf(1) / 2


def logit(side):
    ((name, x),) = side.items()
    return x if name == "logits" else mp.log(x / (1 - x))


def exact(q, p):
    """Loaiza-Ganem and Cunningham (2019): E_q[log q − log p], both exponential in x."""
    a, b = logit(q), logit(p)
    return log_normalizer(b) - log_normalizer(a) - mean(a) * (b - a)


def of_logits(rng, n, regime):
    side = 500 if regime == "extreme" else 10
    b = rng.uniform(-side, side, n)
    if regime == "near":
        step = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-12, 0, n)
        return {"logits": np.where(rng.random(n) < 0.5, near(rng, b), b + step)}, {"logits": b}
    return {"logits": rng.uniform(-side, side, n)}, {"logits": b}


def of_probs(rng, n, regime):
    def draw():
        if regime == "extreme":
            return 10.0 ** rng.uniform(-300, -1, n)
        return rng.uniform(0.001, 0.999, n)

    p = draw()
    if regime == "near":
        q = np.minimum(near(rng, p), 0.5 + 0.5 * p)
        near_half = 0.5 + rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-12, -1, n)
        return {"probs": np.where(rng.random(n) < 0.7, q, near_half)}, {"probs": p}
    return {"probs": draw()}, {"probs": p}


def mixed(rng, n, regime):
    """Draw q by its logit and p by its number, apart: the logit of a number is rounded."""
    q, p = of_logits(rng, n, regime)[0], of_probs(rng, n, regime)[1]
    if regime == "ordinary":
        apart = rng.choice([-1.0, 1.0], n) * rng.uniform(0.7, 6, n)
        p = {"probs": 1 / (1 + np.exp(-(q["logits"] + apart)))}
    return q, p


FAMILY = ContinuousBernoulli
PAIRS = [
    Pair("continuous_bernoulli_logits", FAMILY, FAMILY, exact, of_logits, digits=600),
    Pair("continuous_bernoulli_probs", FAMILY, FAMILY, exact, of_probs, digits=400),
    Pair(
        "continuous_bernoulli_mixed", FAMILY, FAMILY, exact, mixed, ("ordinary", "extreme"),
        digits=600,
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
