"""Normal vectors: parameterisations, shapes, and matrices that are none."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from klosed import MultivariateNormal
from klosed.distributions._matrices import solve_lower, solve_upper
from klosed.errors import ParameterError, ShapeError

COVARIANCE = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.7]])
LOC = np.array([0.5, -1.0, 2.0])
GIVEN = {
    "covariance_matrix": COVARIANCE,
    "precision_matrix": np.linalg.inv(COVARIANCE),
    "scale_tril": np.linalg.cholesky(COVARIANCE),
}


@pytest.mark.parametrize("name", GIVEN)
def test_every_parameterisation_is_the_distribution_that_scipy_knows(name):
    given = GIVEN[name] if name == "scale_tril" else (GIVEN[name] + GIVEN[name].T) / 2
    d = MultivariateNormal(LOC, **{name: given})
    x = np.random.default_rng(0).standard_normal((5, 3))
    truth = multivariate_normal(LOC, COVARIANCE)
    assert d.log_prob(x) == pytest.approx(truth.logpdf(x), rel=1e-12)
    assert float(d.entropy()) == pytest.approx(truth.entropy(), rel=1e-12)
    assert d.variance == pytest.approx(np.diagonal(COVARIANCE), rel=1e-12)
    for other, wanted in GIVEN.items():
        assert getattr(d, other) == pytest.approx(wanted, rel=1e-11), other
    draws = d.sample(0, (40_000,))
    assert np.cov(draws.T) == pytest.approx(COVARIANCE, abs=0.05)


def test_gradients_through_a_covariance_are_what_torch_finds():
    covariance = torch.tensor(COVARIANCE, requires_grad=True)
    x = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    theirs = torch.distributions.MultivariateNormal(torch.tensor(LOC), covariance).log_prob(x)
    wanted = torch.autograd.grad(theirs, covariance)[0]
    ours = MultivariateNormal(torch.tensor(LOC), covariance).log_prob(x)
    torch.testing.assert_close(torch.autograd.grad(ours, covariance)[0], wanted)


def test_matrices_that_are_none_are_refused():
    with pytest.raises(ParameterError, match=r"symmetric positive definite; .* at index \(1,\)"):
        MultivariateNormal(np.zeros((2, 2)), [np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(ParameterError, match="lower triangular with a positive diagonal"):
        MultivariateNormal(np.zeros(2), scale_tril=[[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ShapeError, match=r"covariance_matrix in \(d, d\); got shapes \(3,\) and"):
        MultivariateNormal(np.zeros(3), np.eye(2))
    with pytest.raises(ShapeError, match=r"loc must end in \(d,\)"):
        MultivariateNormal(0.0, np.eye(1))
    with pytest.raises(ParameterError, match="exactly one of covariance_matrix or"):
        MultivariateNormal(np.zeros(2), np.eye(2), np.eye(2))


def test_triangular_solves_broadcast():
    rng = np.random.default_rng(1)
    lower = np.tril(rng.standard_normal((2, 1, 4, 4))) + 4 * np.eye(4)
    b = rng.standard_normal((3, 4, 2))
    x = solve_lower(lower, b)
    assert x.shape == (2, 3, 4, 2)
    assert lower @ x == pytest.approx(np.broadcast_to(b, x.shape), abs=1e-13)
    upper = np.swapaxes(lower, -1, -2)
    assert upper @ solve_upper(upper, b) == pytest.approx(np.broadcast_to(b, x.shape), abs=1e-13)
