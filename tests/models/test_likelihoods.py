"""Likelihoods against scipy.stats and mpmath, at ordinary and saturated outputs."""

import mpmath
import numpy as np
import pytest
from scipy import stats

from klosed import VAESpec
from klosed.errors import DataError
from klosed.models import likelihood_of

rng = np.random.default_rng(2)


def test_bernoulli_is_the_log_mass_of_binary_pixels():
    likelihood = likelihood_of(VAESpec(5))
    logits = rng.normal(size=(3, 5), scale=3)
    x = (rng.random((3, 5)) < 0.5).astype(float)
    expected = -stats.bernoulli(likelihood.mean(logits)).logpmf(x).sum(axis=1)
    np.testing.assert_allclose(likelihood.negative_log_prob({}, logits, x), expected, rtol=1e-12)


@pytest.mark.parametrize("logit", [-745.0, -40.0, -1e-9, 0.0, 1e-9, 40.0, 745.0])
@pytest.mark.parametrize("x", [0.0, 0.25, 1.0])
def test_bernoulli_keeps_its_digits_at_any_logit(logit, x):
    likelihood = likelihood_of(VAESpec(1))
    output, data = np.array([[logit]]), np.array([[x]])
    with mpmath.workdps(400):
        a = mpmath.mpf(logit)
        exact = mpmath.log1p(mpmath.exp(a)) - mpmath.mpf(x) * a
        exact_grad = 1 / (1 + mpmath.exp(-a)) - mpmath.mpf(x)
    assert likelihood.negative_log_prob({}, output, data)[0] == pytest.approx(
        float(exact), rel=1e-15
    )
    assert likelihood.grad({}, output, data)[0][0, 0] == pytest.approx(float(exact_grad), rel=1e-15)


@pytest.mark.parametrize("variance", [0.3, "scalar", "per_feature"])
def test_gaussian_is_the_log_density(variance):
    likelihood = likelihood_of(VAESpec(4, likelihood="gaussian", variance=variance))
    params = {k: rng.normal(size=shape) for k, shape in likelihood.free_parameters().items()}
    log_variance = params.get("decoder.log_variance", np.log([0.3]))
    mean, x = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    expected = -stats.norm(mean, np.exp(log_variance / 2)).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(likelihood.negative_log_prob(params, mean, x), expected, rtol=1e-13)
    shapes = {0.3: {}, "scalar": {(1,)}, "per_feature": {(4,)}}
    assert {p.shape for p in params.values()} == set(shapes[variance])


def test_samples_have_the_right_moments():
    n = 40_000
    bernoulli = likelihood_of(VAESpec(2))
    logits = np.tile([[-1.0, 2.0]], (n, 1))
    draws = bernoulli.sample({}, logits, np.random.default_rng(0))
    assert set(np.unique(draws)) == {0.0, 1.0}
    np.testing.assert_allclose(draws.mean(axis=0), bernoulli.mean(logits[0]), atol=0.01)
    gaussian = likelihood_of(VAESpec(2, likelihood="gaussian", variance="per_feature"))
    params = {"decoder.log_variance": np.log([0.25, 4.0])}
    draws = gaussian.sample(params, logits, np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), logits[0], atol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), [0.25, 4.0], rtol=0.05)


def test_support():
    bernoulli, gaussian = (
        likelihood_of(VAESpec(2)),
        likelihood_of(VAESpec(2, likelihood="gaussian")),
    )
    bernoulli.check_support(0.0, 1.0, "x")
    gaussian.check_support(-1e9, 1e9, "x")
    with pytest.raises(DataError, match=r"t.csv: a Bernoulli .* got \[-0.1, 1\].*gaussian"):
        bernoulli.check_support(-0.1, 1.0, "t.csv")
    with pytest.raises(DataError, match="must be finite"):
        gaussian.check_support(0.0, float("inf"), "x")
