"""KL to and from normal vectors with few factors against mpmath."""

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests

import klosed
from klosed import LowRankMultivariateNormal, MultivariateNormal


def covariance(side):
    if "cov_factor" not in side:
        return side["scale_tril"] * side["scale_tril"].T
    log = side.get("log_cov_diag")
    diagonal = side["cov_diag"] if log is None else [mp.exp(x) for x in log]
    return side["cov_factor"] * side["cov_factor"].T + mp.diag(list(diagonal))


def exact(q, p):
    """Return what the covariances and what the means add."""
    inverse = covariance(p) ** -1
    ratio, step = inverse * covariance(q), q["loc"] - p["loc"]
    trace = mp.fsum(ratio[i, i] for i in range(ratio.rows))
    return (trace - ratio.rows - mp.log(mp.det(ratio))) / 2, (step.T * inverse * step)[0] / 2


def low_rank(rng, d, m, log=False):
    sizes = 10.0 ** rng.uniform(-1, 1, d)
    factor = sizes[:, None] * rng.standard_normal((d, m))
    diagonal = sizes**2 * rng.uniform(0.5, 2.0, d)
    given = {"log_cov_diag": np.log(diagonal)} if log else {"cov_diag": diagonal}
    return {"loc": sizes * rng.standard_normal(d), "cov_factor": factor, **given}


def full(rng, d):
    lower = np.tril(rng.standard_normal((d, d)), -1) / 2 + np.diag(rng.uniform(0.5, 2.0, d))
    sizes = 10.0 ** rng.uniform(-1, 1, d)
    return {"loc": sizes * rng.standard_normal(d), "scale_tril": sizes[:, None] * lower}


def same(log):
    def draw(rng, regime):
        d, m = int(rng.integers(2, 5)), int(rng.integers(1, 3))
        p = low_rank(rng, d, m, log)
        if regime == "ordinary":
            return low_rank(rng, d, int(rng.integers(1, 3)), log), p
        size = 10.0 ** rng.uniform(-12, 0)
        return {k: x * (1 + size * rng.uniform(-0.5, 0.5, x.shape)) for k, x in p.items()}, p

    return draw


def to_full(rng, regime):
    d = int(rng.integers(2, 5))
    return low_rank(rng, d, 1), full(rng, d)


LOW, FULL = LowRankMultivariateNormal, MultivariateNormal
PAIRS = [
    ArrayPair("low_rank", LOW, LOW, exact, same(log=False), ("ordinary", "near"), cases=4),
    ArrayPair("low_rank_log", LOW, LOW, exact, same(log=True), ("ordinary", "near"), cases=4),
    ArrayPair("low_rank_full", LOW, FULL, exact, to_full, ("ordinary",), relative=1e-11),
    ArrayPair(
        "full_low_rank", FULL, LOW, exact, lambda rng, regime: to_full(rng, regime)[::-1],
        ("ordinary",), relative=1e-11,
    ),
]  # fmt: skip

(
    test_drawn_cases_keep_the_budget,
    test_drawn_cases_keep_the_budget_in_float32,
    test_equal_parameters_give_exactly_zero,
    test_committed_table_keeps_the_budget,
) = array_accuracy_tests(PAIRS)


def test_what_a_large_factor_leaves_of_another_keeps_its_digits():
    """Factors 1e4 times the diagonal's roots, of nearly one span: what KL sees is the rest."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        d = int(rng.integers(2, 5))
        sizes = 10.0 ** rng.uniform(-1, 1, d)
        factor = 1e4 * sizes[:, None] * rng.standard_normal((d, 1))
        q, p = (
            {
                "loc": np.zeros(d),
                "cov_factor": of * factor + sizes[:, None] * rng.standard_normal((d, 1)),
                "cov_diag": sizes**2,
            }
            for of in (1.3, 1.0)
        )
        got = klosed.kl_divergence(*(LowRankMultivariateNormal(**side) for side in (q, p)))
        with mp.workdps(50):
            true = mp.fsum(
                exact(*({k: mp.matrix(v.tolist()) for k, v in side.items()} for side in (q, p)))
            )
        assert abs(float(got) - true) <= 100 * 2.0**-52 * true
