"""KL from a uniform distribution against mpmath."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, positive, real
from klosed import Uniform


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


PAIRS = [Pair("uniform_uniform", Uniform, Uniform, exact, nested)]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)


def test_an_interval_that_sticks_out_by_one_unit_in_the_last_place_is_infinitely_far():
    q, p = Uniform(0.0, 1.0), Uniform(0.0, np.nextafter(1.0, 0.0))
    from klosed import kl_value_and_grad

    value, grad_q, grad_p = kl_value_and_grad(q, p)
    assert value == np.inf
    assert all(g == 0 for g in (*grad_q.values(), *grad_p.values()))
