"""KL from a Pareto distribution against mpmath."""

import mpmath as mp
import numpy as np
from location_scale import scale

from accuracy import Pair, accuracy_tests, near, positive
from klosed import Pareto


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


PAIRS = [
    Pair("pareto_pareto", Pareto, Pareto, exact, nested, sizes=sizes),
    Pair("pareto_pareto_log", Pareto, Pareto, exact, nested_log, sizes=sizes),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
