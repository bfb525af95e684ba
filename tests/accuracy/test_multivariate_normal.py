"""KL between normal vectors against mpmath: values in ulp, gradients relative to their norm."""

import mpmath as mp
import numpy as np
import pytest

from accuracy import fresh_rng
from klosed import Independent, MultivariateNormal, Normal, kl_divergence, kl_value_and_grad

NAMES = ("covariance_matrix", "precision_matrix", "scale_tril")
CASES = 12


def matrix(array):
    return mp.matrix(np.asarray(array, dtype=float).tolist())


def covariance(name, given):
    m = matrix(given)
    return {"covariance_matrix": lambda: m, "precision_matrix": lambda: m**-1}.get(
        name, lambda: m * m.T
    )()


def exact(q, p):
    """Return KL and its gradients as the matrix cookbook has them, with 60 digits."""
    with mp.workdps(60):
        (_, loc_q), (name_q, given_q) = q.items()
        (_, loc_p), (name_p, given_p) = p.items()
        sigma_q, sigma_p = covariance(name_q, given_q), covariance(name_p, given_p)
        inverse = sigma_p**-1
        product, step = inverse * sigma_q, matrix(loc_q) - matrix(loc_p)
        trace = sum(product[i, i] for i in range(product.rows))
        value = (trace - product.rows - mp.log(mp.det(product)) + (step.T * inverse * step)[0]) / 2
        of_q = difference(inverse, sigma_q**-1) / 2
        of_p = difference(inverse, inverse * (sigma_q + step * step.T) * inverse) / 2
        slope = inverse * step
        return value, [
            slope,
            chained(name_q, given_q, sigma_q, of_q),
            -slope,
            chained(name_p, given_p, sigma_p, of_p),
        ]


def difference(a, b):
    """Return a − b; what rounding leaves of equal matrices is zero."""
    rest = a - b
    return rest if mp.norm(rest) > mp.mpf(10) ** -50 * mp.norm(a) else 0 * rest


def chained(name, given, sigma, gradient):
    if name == "covariance_matrix":
        return gradient
    if name == "precision_matrix":
        return -sigma * gradient * sigma
    g = 2 * gradient * matrix(given)
    return mp.matrix([[g[i, j] if j <= i else 0 for j in range(g.cols)] for i in range(g.rows)])


def drawn(rng, name, dtype=np.float64):
    """Return a normal vector of a random dimension, as parameters."""
    d = int(rng.integers(1, 6))
    factor = np.tril(rng.standard_normal((d, d)), -1) / 2 + np.diag(rng.uniform(0.5, 2.0, d))
    sizes = 10.0 ** rng.uniform(-2, 2, d)
    factor = factor * sizes[:, None]
    given = {"covariance_matrix": factor @ factor.T, "scale_tril": factor}.get(name)
    if given is None:
        inverse = np.linalg.inv(factor)
        given = inverse.T @ inverse
    return {"loc": (sizes * rng.standard_normal(d)).astype(dtype), name: given.astype(dtype)}


def moved(rng, p, size):
    """Return p with every parameter moved by a relative `size` of its own scale."""
    (_, loc), (name, given) = p.items()
    noise = rng.uniform(-0.2, 0.2, given.shape) * size
    if name == "scale_tril":
        step = np.tril(noise) * given
    else:
        roots = np.sqrt(np.diagonal(given))
        step = (noise + noise.T) / 2 * np.outer(roots, roots) / len(loc)
        step = (step + step.T) / 2
    return {
        "loc": (loc * (1 + size * rng.uniform(-1, 1, loc.shape))).astype(loc.dtype),
        name: (given + step).astype(given.dtype),
    }


def relative(got, true):
    got = matrix(got) if np.ndim(got) else mp.mpf(float(got))
    with mp.workdps(40):
        if isinstance(true, mp.matrix):
            return float(mp.norm(got - true) / mp.norm(true)) if mp.norm(true) else 0.0
        return float(abs(got - true) / true)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_near_equal_and_ordinary_vectors_keep_the_budget(name, dtype):
    rng, eps = fresh_rng(), float(np.finfo(dtype).eps)
    for _ in range(CASES):
        p = drawn(rng, name, dtype)
        size = 10.0 ** rng.uniform(-12 if dtype == np.float64 else -4, 0)
        check(moved(rng, p, size), p, eps)


def check(q, p, eps):
    value, *gradients = kl_value_and_grad(MultivariateNormal(**q), MultivariateNormal(**p))
    true, slopes = exact(q, p)
    assert value.dtype == p["loc"].dtype
    assert relative(value, true) <= 64 * eps, (q, p)
    flat = [g for of in gradients for g in of.values()]
    for got, slope in zip(flat, slopes, strict=True):
        assert relative(got, slope) <= 4500 * eps, (q, p)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_where_only_the_means_differ_the_matrix_of_q_has_no_gradient(name, dtype):
    rng = fresh_rng()
    for _ in range(CASES):
        p = drawn(rng, name, dtype)
        q = {**moved(rng, p, 0.1), name: p[name]}
        check(q, p, float(np.finfo(dtype).eps))


@pytest.mark.parametrize("name_q", NAMES)
@pytest.mark.parametrize("name_p", NAMES)
def test_different_parameterisations_agree(name_q, name_p):
    rng = fresh_rng()
    for _ in range(5):
        p = drawn(rng, name_p)
        q = drawn(rng, name_q)
        while len(q["loc"]) != len(p["loc"]):
            q = drawn(rng, name_q)
        value, *gradients = kl_value_and_grad(MultivariateNormal(**q), MultivariateNormal(**p))
        true, slopes = exact(q, p)
        assert relative(value, true) <= 1e-12, (q, p)
        flat = [g for of in gradients for g in of.values()]
        for got, slope in zip(flat, slopes, strict=True):
            # sizes of 1e-2 … 1e2 make condition numbers of up to 1e8
            assert relative(got, slope) <= 1e-9, (q, p)


@pytest.mark.parametrize("name", NAMES)
def test_kl_of_a_vector_with_itself_is_exactly_zero(name):
    """torch.distributions gives a rounding error, of either sign."""
    rng = fresh_rng()
    for _ in range(CASES):
        p = MultivariateNormal(**drawn(rng, name))
        value, *gradients = kl_value_and_grad(p, p)
        assert value == 0
        assert all(np.all(g == 0) for of in gradients for g in of.values())


def test_scales_far_apart_keep_the_budget():
    for scale_q, scale_p in [(1e-150, 1.0), (1.0, 1e-150), (1e-150, 1e150), (1e100, 1e-20)]:
        q = {"loc": np.zeros(2), "scale_tril": np.diag([scale_q, 1.0])}
        p = {"loc": np.zeros(2), "scale_tril": np.diag([scale_p, 1.0])}
        with mp.workdps(700):
            r = mp.mpf(scale_q) / mp.mpf(scale_p)
            true = (r**2 - 1) / 2 - mp.log(r)
        value = kl_divergence(MultivariateNormal(**q), MultivariateNormal(**p))
        if true > np.finfo(float).max:
            assert value == np.inf
        else:
            assert relative(value, true) <= 1e-12


def test_independent_elements_are_a_diagonal_vector():
    rng = fresh_rng()
    p = drawn(rng, "scale_tril")
    d = len(p["loc"])
    scale = rng.uniform(0.5, 2.0, d)
    vector = {"loc": np.zeros(d), "scale_tril": np.diag(scale)}
    elements = Independent(Normal(np.zeros(d), log_scale=np.log(scale)), 1)
    for forward in (True, False):
        pair = (vector, p) if forward else (p, vector)
        true, slopes = exact(*pair)
        operands = (elements, MultivariateNormal(**p))
        value, of_q, of_p = kl_value_and_grad(*(operands if forward else operands[::-1]))
        assert relative(value, true) <= 1e-12
        got = (of_q if forward else of_p)["log_scale"]
        slope = np.diagonal(np.array((slopes[1] if forward else slopes[3]).tolist(), dtype=float))
        assert got == pytest.approx(slope * scale, rel=1e-10)
