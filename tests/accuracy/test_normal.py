"""KL from a normal distribution against mpmath."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near, positive, real, same
from klosed import Normal


def kl(loc_q, variance_q, loc_p, variance_p):
    """Kullback (1959), ch. 9, as textbooks print it."""
    ratio = variance_q / variance_p
    return (ratio + (loc_q - loc_p) ** 2 / variance_p - 1 - mp.log(ratio)) / 2


def variance(side):
    """Return σ² of whichever parameter was given."""
    ((name, x),) = [(n, x) for n, x in side.items() if n != "loc"]
    return {
        "scale": lambda: x**2,
        "variance": lambda: x,
        "log_scale": lambda: mp.exp(2 * x),
        "log_variance": lambda: mp.exp(x),
    }[name]()


def exact(q, p):
    return kl(q["loc"], variance(q), p["loc"], variance(p))


def of_log(limit):
    """Draw logs of scales: ±4, near-equal by adding, or ±limit."""

    def draw(rng, n, regime, names=("log_scale", "log_scale")):
        side = limit if regime == "extreme" else 4.0
        loc_p = real(rng, n, "ordinary")
        log_p = rng.uniform(-side, side, n)
        if regime == "near":
            q = {"loc": near(rng, loc_p), names[0]: near(rng, log_p)}
        elif regime == "extreme":
            q = {"loc": real(rng, n, "ordinary"), names[0]: log_p + rng.uniform(-300, 300, n)}
        else:
            q = {"loc": real(rng, n, regime), names[0]: rng.uniform(-side, side, n)}
        return q, {"loc": loc_p, names[1]: log_p}

    return draw


def as_log_variance(rng, n, regime):
    return of_log(1000.0)(rng, n, regime, ("log_variance", "log_variance"))


def mixed(rng, n, regime):
    """Draw q's scale by the log of its square, apart from p's, whose logarithm is rounded."""
    width = positive(rng, n, regime)
    apart = np.exp(rng.choice([-1.0, 1.0], n) * rng.uniform(0.3, 6, n))
    q = {"loc": real(rng, n, regime), "log_variance": 2 * np.log(width)}
    return q, {"loc": real(rng, n, regime), "scale": width * apart}


def shared(name):
    """Draw locations and scales of like sizes, so that neither term drowns the other."""

    def draw(rng, n, regime):
        q, p = same(loc=real, scale=positive)(rng, n, regime)
        if regime == "extreme":
            p["loc"] = p["scale"] * real(rng, n, "ordinary")
            q["loc"] = p["loc"] + p["scale"] * real(rng, n, "ordinary")
            q["scale"] = p["scale"] * positive(rng, n, "ordinary")
        return tuple({"loc": s["loc"], name: s["scale"]} for s in (q, p))

    return draw


def sizes(q, p):
    """Return the sizes of the gradient in p's scale: r² − 1 and z², which may cancel."""
    of_p = variance(p)
    of_log = abs(variance(q) / of_p - 1) + (q["loc"] - p["loc"]) ** 2 / of_p
    names = {"scale": 1 / mp.sqrt(of_p), "variance": 1 / of_p / 2, "log_variance": mp.mpf(1) / 2}
    ((name, slope),) = [(n, names.get(n, mp.mpf(1))) for n in p if n != "loc"]
    return {f"p_{name}": of_log * slope}


PAIRS = [
    Pair("normal_normal", Normal, Normal, exact, same(loc=real, scale=positive), sizes=sizes),
    Pair("normal_normal_shared", Normal, Normal, exact, shared("scale"), sizes=sizes),
    Pair("normal_normal_variance", Normal, Normal, exact, shared("variance"), sizes=sizes),
    Pair("normal_normal_log_scale", Normal, Normal, exact, of_log(1000.0), sizes=sizes),
    Pair("normal_normal_log_variance", Normal, Normal, exact, as_log_variance, sizes=sizes),
    Pair(
        "normal_normal_mixed", Normal, Normal, exact, mixed, ("ordinary", "extreme"), sizes=sizes
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
