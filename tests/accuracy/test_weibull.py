"""KL from a Weibull distribution against mpmath."""

import mpmath as mp
import numpy as np
from gammas import concentration, of

from accuracy import Pair, accuracy_tests, near, positive
from klosed import Weibull


def pieces(q, p):
    """Return kp/kq, kp log(λq/λp), and their Γ(1 + r) exp(w)."""
    r = of(p, "concentration") / of(q, "concentration")
    w = of(p, "concentration") * mp.log(of(q, "scale") / of(p, "scale"))
    return r, w, mp.exp(w) * mp.gamma(1 + r)


def exact(q, p):
    """Bauckhage (2013), arXiv:1310.3713, equation 18."""
    r, w, tail = pieces(q, p)
    return -mp.log(r) - w + mp.euler * (r - 1) + tail - 1


def sizes(q, p):
    """Return the magnitudes of the terms of the gradients in concentration."""
    r, w, tail = pieces(q, p)
    of_scale = abs(of(p, "concentration") * (tail - 1))
    of_ratio = abs(r * (mp.digamma(r) + mp.euler))
    weight = r * mp.digamma(1 + r)
    of_q = of_ratio + abs(weight * (tail - 1))
    of_p = of_ratio + (abs(weight) + abs(w)) * abs(tail - 1)
    if "log_scale" in q:
        return {"q_log_concentration": of_q, "p_log_concentration": of_p}
    return {
        "q_concentration": of_q / q["concentration"],
        "p_concentration": of_p / p["concentration"],
        "q_scale": of_scale / q["scale"],
        "p_scale": of_scale / p["scale"],
    }


def apart(rng, n, regime):
    """Draw kp up to four times kq, and scales a few standard deviations of log x apart.

    Beyond, the KL is conditioned as the exponential of |w| + log Γ(1 + r) is.
    """
    q = {"scale": positive(rng, n, regime), "concentration": concentration(rng, n, regime)}
    if regime == "near":
        q["concentration"] = positive(rng, n, regime)
        return q, {name: near(rng, x) for name, x in q.items()}
    ratio = 10.0 ** (rng.uniform(-16, 2, n) if regime == "extreme" else rng.uniform(-2, 0.6, n))
    k = np.clip(q["concentration"] * ratio, 1e-8, 1e8)
    w = rng.uniform(-300, 300, n) if regime == "extreme" else rng.uniform(-8, 8, n)
    wide = 300 if regime == "extreme" else 40  # within float32
    step = np.clip(w / k, -wide, wide)
    return q, {"scale": q["scale"] * np.exp(-step), "concentration": k}


def apart_log(rng, n, regime):
    sides = apart(rng, n, regime)
    return tuple({f"log_{name}": np.log(x) for name, x in side.items()} for side in sides)


PAIRS = [
    Pair("weibull_weibull", Weibull, Weibull, exact, apart, sizes=sizes, digits=400),
    Pair(
        "weibull_weibull_log",
        Weibull,
        Weibull,
        exact,
        apart_log,
        regimes=("ordinary", "near"),
        sizes=sizes,
    ),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
