"""KL to and from normal vectors with few factors against mpmath."""

import mpmath as mp
import numpy as np
from accuracy_arrays import ArrayPair, array_accuracy_tests
from draws import draws

import klosed
from accuracy import fresh_rng
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


def collinear(rng):
    """Draw large factors, as many as elements or nearly of one span, and others near them."""
    d = int(rng.integers(2, 5))
    m = int(rng.integers(2, d + 1))
    p = low_rank(rng, d, m)
    w = p["cov_factor"]
    share = w[:, :1] * rng.standard_normal(m) * float(m < d)
    p["cov_factor"] = 10.0 ** rng.uniform(2, 4) * (share + 10.0 ** rng.uniform(-3, -1) * w)
    size = 10.0 ** rng.uniform(-12, -1)
    return {k: x * (1 + size * rng.uniform(-0.5, 0.5, x.shape)) for k, x in p.items()}, p


def truth(function, *sides):
    with mp.workdps(70):
        return function(*({k: mp.matrix(v.tolist()) for k, v in side.items()} for side in sides))


def test_large_factors_that_are_nearly_collinear_keep_the_digits_of_a_kl():
    rng = fresh_rng()
    for _ in range(draws(240)):
        q, p = collinear(rng)
        got = klosed.kl_divergence(LOW(**q), LOW(**p))
        true = sum(truth(exact, q, p))
        assert abs(float(got) - true) <= 1e-12 * true, (q, p)


def test_large_factors_that_are_nearly_collinear_keep_the_digits_of_a_density():
    def terms(side):
        """Return the square, the volume and the constant of a density at x."""
        y, whole = side["x"] - side["loc"], covariance(side)
        square, volume = (y.T * whole**-1 * y)[0] / 2, mp.log(mp.det(whole)) / 2
        return square, volume, len(y) * mp.log(2 * mp.pi) / 2

    rng = fresh_rng()
    for _ in range(draws(200)):
        _, p = collinear(rng)
        x = p["loc"] + np.sqrt(p["cov_diag"]) * rng.standard_normal(len(p["loc"]))
        got, true = LOW(**p).log_prob(x), truth(terms, {"x": x, **p})
        assert abs(float(got) + sum(true)) <= 1e-12 * sum(map(abs, true)), (x, p)
