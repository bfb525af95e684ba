"""KL from a Poisson distribution, and from a Bernoulli to a Poisson, against mpmath."""

import mpmath as mp
import numpy as np
from probabilities import logits, outcomes, probs

from accuracy import Pair, accuracy_tests, near, positive, same
from klosed import Bernoulli, Poisson


def rate(side):
    return mp.exp(side["log_rate"]) if "log_rate" in side else side["rate"]


def exact(q, p):
    x, m = rate(q), rate(p)
    return x * mp.log(x / m) + m - x


def of_log(rng, n, regime):
    """Draw log rates in ±4, near-equal by adding, or in ±300."""
    side = 300.0 if regime == "extreme" else 4.0
    p = rng.uniform(-side, side, n)
    q = near(rng, p) if regime == "near" else rng.uniform(-side, side, n)
    return {"log_rate": q}, {"log_rate": p}


def apart(rng, n, regime):
    """Draw q by its log and p by its number, at least a factor 1.5 apart."""
    side = 300.0 if regime == "extreme" else 4.0
    q = rng.uniform(-side, side, n)
    return {"log_rate": q}, {"rate": np.exp(q + rng.choice([-1, 1], n) * rng.uniform(0.4, 3, n))}


def from_bernoulli(q, p):
    one, zero = outcomes(q)
    return one * mp.log(one / rate(p)) + zero * mp.log(zero) + rate(p)


def bernoulli_sizes(q, p):
    one, zero = outcomes(q)
    size = abs(mp.log(one / rate(p))) + abs(mp.log(zero))
    return {"q_probs": size, "q_logits": one * zero * size}


def with_probs(rng, n, regime):
    return dict([probs(rng, n, regime)]), {"rate": positive(rng, n, regime)}


def with_logits(rng, n, regime):
    side = 300.0 if regime == "extreme" else 4.0
    return dict([logits(rng, n, regime)]), {"log_rate": rng.uniform(-side, side, n)}


APART = ("ordinary", "extreme")
PAIRS = [
    Pair("poisson_poisson", Poisson, Poisson, exact, same(rate=positive)),
    Pair("poisson_poisson_log", Poisson, Poisson, exact, of_log),
    Pair("poisson_poisson_mixed", Poisson, Poisson, exact, apart, APART),
    Pair(
        "bernoulli_poisson", Bernoulli, Poisson, from_bernoulli, with_probs, APART,
        sizes=bernoulli_sizes,
    ),
    Pair(
        "bernoulli_poisson_logits", Bernoulli, Poisson, from_bernoulli, with_logits, APART,
        sizes=bernoulli_sizes,
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
