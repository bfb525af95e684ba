"""Likelihoods against scipy.stats and mpmath, at ordinary and saturated outputs."""

import mpmath
import numpy as np
import pytest
from scipy import special, stats

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


@pytest.mark.parametrize("floor", [0.0, 0.3, (0.0, 0.1, 0.2, 4.0)])
def test_heteroscedastic_gaussian_is_the_log_density(floor):
    likelihood = spec_of("heteroscedastic_gaussian", 4, min_variance=floor)
    mean, s, x = rng.normal(size=(3, 3, 4))
    output = np.concatenate([mean, s], axis=1)
    normal = stats.norm(mean, np.sqrt(np.add(floor, np.exp(s))))
    expected = -normal.logpdf(x).sum(axis=1)
    np.testing.assert_allclose(likelihood.negative_log_prob({}, output, x), expected, rtol=1e-13)
    assert (likelihood.mean(output) == mean).all()
    draws = likelihood.sample({}, np.repeat(output[:1], 40_000, axis=0), np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), mean[0], atol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), np.add(floor, np.exp(s[0])), rtol=0.05)
    # an entry that was not observed adds nothing and pulls at neither of its outputs
    x[0, 1] = np.nan
    grads = likelihood.grad({}, output, x)[0]
    assert (grads[0, [1, 5]] == 0).all()
    assert (grads != 0).sum() == 22


def spec_of(likelihood, width, **fields):
    return likelihood_of(VAESpec(width, likelihood=likelihood, **fields))


@pytest.mark.parametrize("variance", [0.3, "scalar", "per_feature"])
def test_student_t_is_the_log_density(variance):
    likelihood = spec_of("student_t", 4, variance=variance)
    params = {k: rng.normal(size=shape) for k, shape in likelihood.free_parameters().items()}
    scale = np.exp(params.get("decoder.log_variance", np.log([0.3])) / 2)
    df = 4 * np.exp(params["decoder.log_df"])
    loc, x = rng.normal(size=(3, 4)), 30 * rng.normal(size=(3, 4))
    expected = -stats.t(df, loc, scale).logpdf(x).sum(axis=1)
    np.testing.assert_allclose(likelihood.negative_log_prob(params, loc, x), expected, rtol=1e-13)
    # far out the pull fades instead of growing
    far = likelihood.grad(params, loc, x + 1e8)[0]
    assert (np.abs(far) < 1e-5).all()


def test_counts_are_their_log_probabilities():
    x = np.array([[0.0, 1.0, 7.0, 400.0]])
    output = np.array([[-3.0, 0.5, 2.0, 6.1]])
    poisson = spec_of("poisson", 4)
    expected = -stats.poisson(np.exp(output)).logpmf(x).sum(axis=1)
    np.testing.assert_allclose(poisson.negative_log_prob({}, output, x), expected, rtol=1e-13)
    params = {"decoder.log_total_count": np.array([-1.0, 0.0, 2.0, 9.0])}
    binomial = spec_of("negative_binomial", 4)
    r = np.exp(params["decoder.log_total_count"])
    expected = -stats.nbinom(r, r / (r + np.exp(output))).logpmf(x).sum(axis=1)
    got = binomial.negative_log_prob(params, output, x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_large_total_count_is_the_poisson_in_float32_too():
    x = np.array([[0.0, 3.0, 50.0]], np.float32)
    output = np.array([[0.0, 1.0, 4.0]], np.float32)
    params = {"decoder.log_total_count": np.full(3, 16.0, np.float32)}
    got, grads = spec_of("negative_binomial", 3).grad(params, output, x)
    np.testing.assert_allclose(got, spec_of("poisson", 3).grad({}, output, x)[0], atol=1e-3)
    assert np.abs(grads["decoder.log_total_count"]).max() < 1e-3
    assert got.dtype == np.float32


def test_categorical_is_the_log_softmax_at_any_logit():
    likelihood = spec_of("categorical", 3)
    logits = np.array([[0.0, 1.0, -2.0], [900.0, 0.0, -900.0]])
    x = np.eye(3)[[1, 2]]
    expected = -special.log_softmax(logits, axis=1)[[0, 1], [1, 2]]
    np.testing.assert_allclose(likelihood.negative_log_prob({}, logits, x), expected, rtol=1e-14)
    np.testing.assert_allclose(likelihood.mean(logits).sum(axis=1), 1, rtol=1e-15)


def test_a_floor_holds_the_variance_up():
    likelihood = spec_of("gaussian", 1, min_variance=0.04)
    params = {"decoder.log_variance": np.array([-200.0])}
    got = likelihood.negative_log_prob(params, np.zeros((1, 1)), np.array([[0.1]]))
    assert got[0] == pytest.approx(-stats.norm(0, 0.2).logpdf(0.1), rel=1e-14)
    # nothing is left to learn there, and nothing overflows
    assert likelihood.grad(params, np.zeros((1, 1)), np.array([[0.1]]))[1] == params | {
        "decoder.log_variance": pytest.approx(0.0, abs=1e-60)
    }


def test_blocks_may_emit_more_numbers_than_they_have_columns():
    spec = VAESpec(3, 2, likelihood=(("heteroscedastic_gaussian", 2), ("bernoulli", 1)))
    likelihood = likelihood_of(spec)
    output, x = rng.normal(size=(1, 5)), np.array([[0.5, -1.0, 1.0]])
    expected = (
        stats.norm(output[:, :2], np.exp(output[:, 2:4] / 2)).logpdf(x[:, :2]).sum()
        + stats.bernoulli(special.expit(output[:, 4])).logpmf(1)[0]
    )
    np.testing.assert_allclose(likelihood.negative_log_prob({}, output, x), [-expected], rtol=1e-13)
    assert likelihood.mean(output).shape == likelihood.sample({}, output, rng).shape == x.shape


MIXED = VAESpec(
    9,
    2,
    (5,),
    likelihood=(
        ("gaussian", 2),
        ("bernoulli", 1),
        ("negative_binomial", 2),
        ("categorical", 3),
        ("student_t", 1),
    ),
)


def test_blocks_add_up_and_own_their_parameters():
    likelihood = likelihood_of(MIXED)
    assert likelihood.free_parameters() == {
        "decoder.0.log_variance": (1,),
        "decoder.2.log_total_count": (2,),
        "decoder.4.log_variance": (1,),
        "decoder.4.log_df": (1,),
    }
    params = {k: rng.normal(size=shape) for k, shape in likelihood.free_parameters().items()}
    output, x = rng.normal(size=(1, 9)), np.array([[0.3, -1, 1, 4, 0, 0, 1, 0, 2.5]])
    r = np.exp(params["decoder.2.log_total_count"])
    a, t = output[0], np.exp(params["decoder.4.log_variance"] / 2)
    expected = (
        stats.norm(a[:2], np.exp(params["decoder.0.log_variance"] / 2)).logpdf(x[0, :2]).sum()
        + stats.bernoulli(special.expit(a[2])).logpmf(1)
        + stats.nbinom(r, r / (r + np.exp(a[3:5]))).logpmf(x[0, 3:5]).sum()
        + special.log_softmax(a[5:8])[1]
        + stats.t(4 * np.exp(params["decoder.4.log_df"]), a[8], t).logpdf(2.5)[0]
    )
    got = likelihood.negative_log_prob(params, output, x)
    np.testing.assert_allclose(got, [-expected], rtol=1e-12)


def test_what_is_missing_adds_nothing_and_is_read_as_zero():
    likelihood = likelihood_of(MIXED)
    params = {k: rng.normal(size=shape) for k, shape in likelihood.free_parameters().items()}
    output, x = rng.normal(size=(1, 9)), np.array([[0.3, -1, 1, 4, 0, 0, 1, 0, 2.5]])
    parts = [slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 5), slice(5, 8), slice(8, 9)]
    alone = []
    for part in parts:
        only = np.full_like(x, np.nan)
        only[:, part] = x[:, part]
        alone.append(likelihood.negative_log_prob(params, output, only)[0])
    together = likelihood.negative_log_prob(params, output, x)[0]
    assert sum(alone) == pytest.approx(together, rel=1e-12)
    nothing = np.full_like(x, np.nan)
    assert likelihood.negative_log_prob(params, output, nothing)[0] == 0
    assert (likelihood.encoder_input(nothing) == 0).all()
    expected = [0.3, -1, 1, np.log(5), 0, 0, 1, 0, np.arcsinh(2.5)]
    np.testing.assert_allclose(likelihood.encoder_input(x)[0], expected)


def test_samples_of_blocks_have_the_right_moments():
    n = 40_000
    likelihood = likelihood_of(MIXED)
    params = {name: np.zeros(shape) for name, shape in likelihood.free_parameters().items()}
    output = np.tile([[0.5, -1, 0.4, 1.0, -0.5, 0, 1, 2, 3.0]], (n, 1))
    draws = likelihood.sample(params, output, np.random.default_rng(0))
    mean = likelihood.mean(output[0])
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(draws[:, 3].var(), mean[3] + mean[3] ** 2, rtol=0.05)
    assert (draws[:, 5:8].sum(axis=1) == 1).all()
    assert np.quantile(draws[:, 8], 0.9) == pytest.approx(stats.t(4, 3).ppf(0.9), abs=0.05)
    poisson = spec_of("poisson", 1).sample({}, np.full((n, 1), 1.0), np.random.default_rng(0))
    assert poisson.mean() == pytest.approx(np.e, rel=0.02)
    assert poisson.var() == pytest.approx(np.e, rel=0.05)


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
    with pytest.raises(DataError, match=r"t.csv: a Bernoulli .* got \[-0.1, 1\].*Gaussian"):
        bernoulli.check_support(-0.1, 1.0, "t.csv")
    with pytest.raises(DataError, match="must be finite"):
        gaussian.check_support(0.0, float("inf"), "x")
    with pytest.raises(DataError, match=r"t: counts must be >= 0 and finite; got \[-2, 3\]"):
        spec_of("poisson", 2).check_support(-2.0, 3.0, "t")
    with pytest.raises(DataError, match="t: a categorical likelihood needs one-hot"):
        spec_of("categorical", 2).check_support(0.0, 2.0, "t")
    mixed = likelihood_of(MIXED)
    low, high = np.zeros(9), np.ones(9)
    mixed.check_support(low, high, "t")
    low[0], high[3] = -5, 100
    mixed.check_support(low, high, "t")
    with pytest.raises(DataError, match="Bernoulli"):
        mixed.check_support(low[::-1], high[::-1] * 9, "t")
