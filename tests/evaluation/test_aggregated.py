"""The aggregated posterior against scipy's normal densities and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import approx_fprime

from klosed.evaluation import AggregatedPosterior

rng = np.random.default_rng(3)
PRIOR = AggregatedPosterior(rng.normal(size=(7, 3)), rng.normal(size=(7, 3)) - 2)
Z = rng.normal(size=(5, 3))


def test_it_is_the_mean_of_the_posteriors_densities():
    each = stats.norm(PRIOR.loc, np.exp(PRIOR.log_variance / 2)).pdf(Z[:, None]).prod(axis=2)
    np.testing.assert_allclose(PRIOR.log_prob(Z), np.log(each.mean(axis=1)), rtol=1e-11)


def test_gradient_and_blocks(monkeypatch):
    expected = [approx_fprime(z, lambda at: PRIOR.log_prob(at[None])[0], 1e-7) for z in Z]
    grads, values = PRIOR.grad_log_prob(Z), PRIOR.log_prob(Z)
    np.testing.assert_allclose(grads, expected, rtol=1e-4, atol=1e-4)
    monkeypatch.setattr("klosed.evaluation.aggregated._MOST_NUMBERS", 14)  # two points at a time
    np.testing.assert_allclose(PRIOR.log_prob(Z), values, rtol=1e-13)
    np.testing.assert_allclose(PRIOR.grad_log_prob(Z), grads, rtol=1e-12)


def test_far_out_it_stays_finite():
    far = np.full((1, 3), 1e6)
    nearest = stats.norm(PRIOR.loc, np.exp(PRIOR.log_variance / 2)).logpdf(far).sum(axis=1).max()
    assert PRIOR.log_prob(far)[0] == pytest.approx(nearest - np.log(7), rel=1e-9)
    assert np.isfinite(PRIOR.grad_log_prob(far)).all()
