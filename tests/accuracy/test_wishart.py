"""KL between Wishart distributions against mpmath."""

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from klosed import Wishart


def covariance(side):
    ((given, m),) = [(k, v) for k, v in side.items() if k != "df"]
    if given == "scale_tril":
        return m * m.T
    return m**-1 if given == "precision_matrix" else m


def exact(q, p):
    """Return the part that compares means, and the part that compares degrees of freedom."""
    x, y = q["df"] / 2, p["df"] / 2
    ratio = covariance(p) ** -1 * covariance(q)
    d = ratio.rows
    trace, log_det = mp.fsum(ratio[i, i] for i in range(d)), mp.log(mp.det(ratio))
    log_gammas = mp.fsum(
        mp.loggamma(y - i / mp.mpf(2)) - mp.loggamma(x - i / mp.mpf(2))
        - (y - x) * mp.digamma(x - i / mp.mpf(2))
        for i in range(d)
    )  # fmt: skip
    logs = d * (y * mp.log(x / y) + y - x)
    return x * trace - y * log_det - d * x - logs, log_gammas + logs


def factor(rng, d, wide):
    lower = np.tril(rng.standard_normal((d, d)), -1) / 2 + np.diag(rng.uniform(0.5, 2.0, d))
    return lower * 10.0 ** rng.uniform(-wide, wide, d)[:, None]


def one(rng, name, d, low, high):
    lower = factor(rng, d, 1)
    inverse = np.linalg.inv(lower)
    given = {
        "scale_tril": lower,
        "covariance_matrix": lower @ lower.T,
        "precision_matrix": inverse.T @ inverse,
    }[name]
    return {"df": d - 1 + 10.0 ** rng.uniform(low, high), name: given}


def drawn(name):
    def draw(rng, regime):
        d = rng.integers(1, 4)
        if regime == "extreme":
            sides = [one(rng, name, d, -6, 8) for _ in "qp"]
            size = 10.0 ** rng.uniform(-50, 50)
            for side in sides:
                side[name] = size * side[name]
            return tuple(sides)
        p = one(rng, name, d, -1, 2)
        if regime == "ordinary":
            return one(rng, name, d, -1, 2), p
        size = 10.0 ** rng.uniform(-12, 0)
        roots = 1.0 if name == "scale_tril" else np.sqrt(np.diagonal(p[name]))
        noise = rng.uniform(-0.2, 0.2, (d, d)) * size / d
        step = noise * (p[name] if name == "scale_tril" else np.outer(roots, roots))
        q = p[name] + (step if name == "scale_tril" else step + step.T)
        excess = p["df"] - (d - 1)
        return {"df": d - 1 + excess * (1 + size * rng.uniform(-0.5, 1)), name: q}, p

    return draw


PAIRS = [
    ArrayPair(f"wishart_{name}", Wishart, Wishart, exact, drawn(name), cases=4)
    for name in ("covariance_matrix", "precision_matrix", "scale_tril")
]

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
