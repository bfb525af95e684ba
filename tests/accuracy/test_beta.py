"""KL from a beta distribution against mpmath, concentrations 1e-8 … 1e8 included."""

import mpmath as mp
import numpy as np

from accuracy import Pair, accuracy_tests, near
from klosed import Beta

NAMES = ("concentration1", "concentration0")


def log_normalizer(*x):
    return sum(mp.loggamma(v) for v in x) - mp.loggamma(sum(x))


def exact(q, p):
    """E_q[log q − log p], both exponential in log x and log(1 − x)."""
    x, y = ([given(side, n) for n in NAMES] for side in (q, p))
    means = [mp.psi(0, v) - mp.psi(0, sum(x)) for v in x]
    step = sum(m * (b - a) for m, a, b in zip(means, x, y, strict=True))
    return log_normalizer(*y) - log_normalizer(*x) - step


def sizes(q, p):
    """Return the sizes of the two terms of each gradient, which may cancel.

    For q the change of yₖ/xₖ relative to Y/X, and what x ψ'(x) loses from xₖ to X; for p the change
    of log proportions, and that of ψ − log.
    """
    found = {}
    x, y = ([given(side, n) for n in NAMES] for side in (q, p))
    X, Y = sum(x), sum(y)

    def eta(v):
        return mp.psi(0, v) - mp.log(v)

    for (name_q, name_p), a, b in zip(zip(q, p, strict=True), x, y, strict=True):
        tilt, whole = b / a - Y / X, X * mp.psi(1, X)
        of_q = abs(tilt * whole) + abs((b / a - 1) * (a * mp.psi(1, a) - whole))
        of_p = abs(mp.log(b * X / (a * Y))) + abs(eta(b) - eta(a) - eta(Y) + eta(X))
        found[f"q_{name_q}"] = of_q * (a if name_q.startswith("log") else 1)
        found[f"p_{name_p}"] = of_p * (b if name_p.startswith("log") else 1)
    return found


def given(side, name):
    return side[name] if name in side else mp.exp(side[f"log_{name}"])


def concentrations(rng, n, regime):
    limit = 8 if regime == "extreme" else 2
    return 10.0 ** rng.uniform(-limit, limit, (2, n))


def moved(rng, x):
    """Move both concentrations, or one, or both by nearly the same factor."""
    kind = rng.integers(0, 4, x.shape[1])
    y = near(rng, x)
    common = near(rng, np.ones(x.shape[1])) * x * near(rng, np.ones(x.shape)) ** 1e-6
    y = np.where(kind == 1, x * near(rng, np.ones(x.shape[1])), np.where(kind == 2, common, y))
    still = np.stack([kind == 3, np.zeros_like(kind, dtype=bool)])
    return np.where(rng.permutation(still), x, y)


def draw(rng, n, regime):
    p = concentrations(rng, n, regime)
    q = concentrations(rng, n, regime)
    if regime == "near":
        q = moved(rng, p)
    return named(q), named(p)


def draw_extreme_near(rng, n, regime):
    p = concentrations(rng, n, regime)
    return named(moved(rng, p)), named(p)


def draw_logs(rng, n, regime):
    (q, p) = draw(rng, n, regime)
    p = {f"log_{name}": np.log(x) for name, x in p.items()}
    if regime == "near":
        step = {name: rng.choice([-1, 1], n) * 10.0 ** rng.uniform(-12, 0, n) for name in p}
        return {name: x + step[name] for name, x in p.items()}, p
    return {f"log_{name}": np.log(x) for name, x in q.items()}, p


def named(x):
    return dict(zip(NAMES, x, strict=True))


PAIRS = [
    Pair("beta_beta", Beta, Beta, exact, draw, sizes=sizes, digits=90),
    Pair(
        "beta_beta_near_extremes",
        Beta,
        Beta,
        exact,
        draw_extreme_near,
        ("extreme",),
        sizes=sizes,
        digits=90,
    ),
    Pair("beta_beta_log", Beta, Beta, exact, draw_logs, sizes=sizes, digits=90),
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = accuracy_tests(PAIRS)
