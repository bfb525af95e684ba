"""KL between normal distributions of matrices against mpmath."""

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

from klosed import MatrixNormal


def covariance(side, name):
    ((given, m),) = [(k, v) for k, v in side.items() if k.endswith(name)]
    if given.startswith("scale_tril"):
        return m * m.T
    return m**-1 if given.startswith("precision") else m


def exact(q, p):
    """Return the KL of vec X, from traces and determinants of both covariances."""
    step = q["loc"] - p["loc"]
    n, m = step.rows, step.cols
    u, v = (covariance(p, name) ** -1 for name in ("row", "column"))
    a, b = u * covariance(q, "row"), v * covariance(q, "column")
    trace = mp.fsum(a[i, i] for i in range(n)) * mp.fsum(b[j, j] for j in range(m))
    inner = u * step * v * step.T
    square = mp.fsum(inner[i, i] for i in range(n))
    logs = m * mp.log(mp.det(a)) + n * mp.log(mp.det(b))
    return (trace - n * m - logs) / 2, square / 2


def factor(rng, n, wide):
    lower = np.tril(rng.standard_normal((n, n)), -1) / 2 + np.diag(rng.uniform(0.5, 2.0, n))
    return lower * 10.0 ** rng.uniform(-wide, wide, n)[:, None]


def given_as(name, lower):
    if name == "scale_tril":
        return lower
    if name == "covariance_matrix":
        return lower @ lower.T
    inverse = np.linalg.inv(lower)
    return inverse.T @ inverse


def moved(rng, x, size, symmetric):
    """Return x with entries moved by a relative size, of their row's and column's scale."""
    noise = rng.uniform(-0.2, 0.2, x.shape) * size
    if not symmetric:
        return x * (1 + noise)
    roots = np.sqrt(np.diagonal(x))
    step = noise * np.outer(roots, roots) / len(x)
    return x + (step + step.T) / 2


def drawn(name_row, name_column):
    names = (f"{name_row}_row", f"{name_column}_column")

    def one(rng, n, m, wide):
        rows, columns = factor(rng, n, wide), factor(rng, m, wide)
        loc = rows @ rng.standard_normal((n, m)) @ columns.T
        bare = (name_row, name_column)
        return {"loc": loc} | {
            name: given_as(b, f)
            for name, b, f in zip(names, bare, (rows, columns), strict=True)
        }  # fmt: skip

    def draw(rng, regime):
        n, m = rng.permutation([rng.integers(1, 4), rng.integers(2, 4)])
        p = one(rng, n, m, 1)
        if regime == "ordinary":
            return one(rng, n, m, 1), p
        size = 10.0 ** rng.uniform(-12, 0)
        return {k: moved(rng, x, size, "matrix" in k) for k, x in p.items()}, p

    return draw


REGIMES = ("ordinary", "near")
PAIRS = [
    ArrayPair(
        f"matrix_normal_{row}_{column}", MatrixNormal, MatrixNormal, exact,
        drawn(row, column), REGIMES, cases=4,
    )
    for row, column in (
        ("scale_tril", "scale_tril"),
        ("covariance_matrix", "precision_matrix"),
        ("scale_tril", "covariance_matrix"),
    )
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)
