"""The normal distribution of matrices beside scipy.stats and beside normal vectors."""

import numpy as np
import pytest
from scipy import stats

from klosed import MatrixNormal, MultivariateNormal, kl_value_and_grad
from klosed.errors import ParameterError, ShapeError

LOC = np.array([[0.3, -1.0, 2.0], [0.1, 0.5, -0.4]])
ROW = np.array([[1.3, 0.4], [0.4, 0.9]])
COLUMN = np.array([[2.0, 0.3, -0.2], [0.3, 0.8, 0.1], [-0.2, 0.1, 1.1]])


def distribution(loc=LOC, row=ROW, column=COLUMN):
    return MatrixNormal(loc, covariance_matrix_row=row, covariance_matrix_column=column)


def vector(loc, row, column):
    return MultivariateNormal(np.ravel(loc), covariance_matrix=np.kron(row, column))


def test_density_entropy_and_draws_are_those_of_scipy_and_of_a_vector():
    q, theirs = distribution(), stats.matrix_normal(LOC, ROW, COLUMN)
    x = q.sample(0, (4,))
    assert q.log_prob(x) == pytest.approx(theirs.logpdf(x), rel=1e-13)
    assert q.entropy() == pytest.approx(theirs.entropy(), rel=1e-13)
    draws = np.reshape(q.sample(1, (50_000,)), (-1, 6))
    np.testing.assert_allclose(np.cov(draws.T), np.kron(ROW, COLUMN), atol=0.05)
    assert q.mean is q.core.loc
    assert np.ravel(q.variance) == pytest.approx(np.diagonal(np.kron(ROW, COLUMN)))


def test_kl_is_that_of_vectors_with_kronecker_covariances():
    other = (LOC + 0.3, ROW @ ROW, COLUMN + 0.2 * np.eye(3))
    value, of_q, of_p = kl_value_and_grad(distribution(), distribution(*other))
    wanted, vector_q, vector_p = kl_value_and_grad(vector(LOC, ROW, COLUMN), vector(*other))
    assert value == pytest.approx(wanted, rel=1e-13)
    for got, true, row, column in (
        (of_q, vector_q, ROW, COLUMN),
        (of_p, vector_p, *other[1:]),
    ):
        assert np.ravel(got["loc"]) == pytest.approx(true["loc"], rel=1e-12)
        whole = np.reshape(true["covariance_matrix"], (2, 3, 2, 3))
        of_row = np.einsum("iajb,ab->ij", whole, column)
        of_column = np.einsum("iajb,ij->ab", whole, row)
        assert got["covariance_matrix_row"] == pytest.approx(of_row, rel=1e-11)
        assert got["covariance_matrix_column"] == pytest.approx(of_column, rel=1e-11)


def test_sizes_moved_from_rows_to_columns_change_nothing():
    """Also where the two sides' scales are far apart, and nothing is near 1."""
    value, of_q, of_p = kl_value_and_grad(
        distribution(row=1e120 * ROW, column=1e-120 * COLUMN), distribution(LOC + 0.1)
    )
    wanted, *gradients = kl_value_and_grad(distribution(), distribution(LOC + 0.1))
    assert value == pytest.approx(wanted, rel=1e-12)
    for got, true in zip((of_q, of_p), gradients, strict=True):
        assert got["loc"] == pytest.approx(true["loc"], rel=1e-12)
    assert of_p["covariance_matrix_row"] == pytest.approx(
        gradients[1]["covariance_matrix_row"], rel=1e-12
    )


def test_scale_in_one_side_alone_is_seen():
    q = distribution(row=1e-200 * ROW)
    value = kl_value_and_grad(q, distribution())[0]
    assert value == pytest.approx(0.5 * 6 * (np.log(1e200) - 1), rel=1e-14)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: MatrixNormal(LOC, COLUMN, COLUMN),
            ShapeError,
            r"loc must end in \(n, m\) and scale_tril_row in \(n, n\); got shapes \(2, 3\) and "
            r"\(3, 3\)",
        ),
        (
            lambda: MatrixNormal(LOC, np.eye(2), covariance_matrix_column=ROW),
            ShapeError,
            r"covariance_matrix_column in \(m, m\)",
        ),
        (lambda: MatrixNormal(LOC[0], np.eye(2), np.eye(3)), ShapeError, r"got shapes \(3,\)"),
        (
            lambda: distribution(row=np.array([[1.0, 2.0], [2.0, 1.0]])),
            ParameterError,
            "covariance_matrix_row must be symmetric positive definite.*Use scale_tril_row",
        ),
        (lambda: MatrixNormal(LOC, np.eye(2)), ParameterError, "exactly one of .*_column"),
    ],
)
def test_sides_that_do_not_fit_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
