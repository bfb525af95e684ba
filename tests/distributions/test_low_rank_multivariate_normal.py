"""Normal vectors with few factors beside full ones, and what they must not cost."""

import numpy as np
import pytest
import torch

from klosed import LowRankMultivariateNormal, MultivariateNormal, kl_divergence, kl_value_and_grad
from klosed.errors import ParameterError, ShapeError

LOC = np.array([0.3, -1.0, 2.0, 0.4])
FACTOR = np.array([[0.5, 1.0], [-0.3, 0.2], [2.0, 0.0], [0.1, -0.7]])
DIAGONAL = np.array([0.5, 1.5, 0.3, 2.0])


def low_rank(loc=LOC, factor=FACTOR, diagonal=DIAGONAL):
    return LowRankMultivariateNormal(loc, factor, diagonal)


def full(d):
    return MultivariateNormal(d.loc, covariance_matrix=d.covariance_matrix)


def test_density_entropy_and_moments_are_those_of_torch():
    q = low_rank()
    theirs = torch.distributions.LowRankMultivariateNormal(
        *(torch.from_numpy(a) for a in (LOC, FACTOR, DIAGONAL))
    )
    x = q.sample(0, (5,))
    assert q.log_prob(x) == pytest.approx(theirs.log_prob(torch.from_numpy(x)).numpy(), rel=1e-12)
    assert q.entropy() == pytest.approx(theirs.entropy().item(), rel=1e-13)
    assert q.variance == pytest.approx(theirs.variance.numpy(), rel=1e-14)
    assert q.covariance_matrix == pytest.approx(theirs.covariance_matrix.numpy(), rel=1e-14)


def test_draws_have_the_covariance():
    draws = low_rank().sample(1, (100_000,))
    np.testing.assert_allclose(np.cov(draws.T), low_rank().covariance_matrix, atol=0.06)


def test_kl_and_its_gradient_are_those_of_full_vectors():
    q, p = low_rank(), low_rank(LOC + 0.2, FACTOR[:, :1] - 0.4, 1.3 * DIAGONAL)
    value, of_q, of_p = kl_value_and_grad(q, p)
    wanted, full_q, full_p = kl_value_and_grad(full(q), full(p))
    assert value == pytest.approx(wanted, rel=1e-12)
    assert kl_divergence(q, full(p)) == pytest.approx(wanted, rel=1e-12)
    assert kl_divergence(full(q), p) == pytest.approx(wanted, rel=1e-12)
    for got, true, d in ((of_q, full_q, q), (of_p, full_p, p)):
        whole = true["covariance_matrix"]
        assert got["loc"] == pytest.approx(true["loc"], rel=1e-11)
        assert got["cov_factor"] == pytest.approx(2 * whole @ d.cov_factor, rel=1e-10, abs=1e-13)
        assert got["cov_diag"] == pytest.approx(np.diagonal(whole), rel=1e-10, abs=1e-13)


def test_factors_that_dwarf_the_diagonal_leave_it_its_digits():
    """As a full matrix, the diagonal would be lost beside the factors: it has all of the KL."""
    factor = 1e9 * FACTOR
    value = kl_divergence(low_rank(factor=factor), low_rank(factor=factor, diagonal=4 * DIAGONAL))
    # only the two directions outside the factors' span see the diagonal
    assert value == pytest.approx(2 * 0.5 * (0.25 - 1 + np.log(4)), rel=1e-6)


def test_many_elements_need_no_square_matrix():
    """As a d × d matrix this would be 80 GB."""
    rng = np.random.default_rng(0)
    q, p = (
        low_rank(rng.normal(size=100_000), rng.normal(size=(100_000, 2)), np.full(100_000, s))
        for s in (1.0, 1.1)
    )
    value, of_q, _ = kl_value_and_grad(q, p)
    assert np.isfinite(value)
    assert of_q["cov_factor"].shape == (100_000, 2)


def test_rotated_factors_are_the_same_distribution():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    value = kl_divergence(low_rank(), low_rank(factor=FACTOR @ turn))
    assert 0 <= value < 1e-14


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: low_rank(factor=FACTOR[:3]),
            ShapeError,
            r"loc must end in \(d,\), cov_factor in \(d, m\) and cov_diag in \(d,\); got shapes "
            r"\(4,\), \(3, 2\) and \(4,\)",
        ),
        (lambda: low_rank(factor=LOC), ShapeError, r"got shapes \(4,\), \(4,\)"),
        (lambda: low_rank(factor=FACTOR[:, :0]), ShapeError, r"\(4, 0\)"),
        (lambda: low_rank(diagonal=1.0), ShapeError, r"and \(\)"),
        (lambda: low_rank(diagonal=-DIAGONAL), ParameterError, "cov_diag must be > 0"),
        (
            lambda: low_rank(diagonal=None),
            ParameterError,
            "exactly one of cov_diag or log_cov_diag",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
