"""What a fitted VAE says: likelihoods, samples, reconstructions, files, hard inputs."""

import numpy as np
import pytest
from klosed_tables import small
from scipy import stats
from sklearn.decomposition import PCA

import klosed
from klosed.errors import DataError, FileFormatError, ParameterError
from klosed.models import load_model


def test_log_likelihood_is_the_density_of_the_data_in_its_own_units(blobs):
    # PCA with its noise variance is the linear-Gaussian model, fitted in closed form.
    vae = small(n_components=2, max_iter=200, activation="identity")
    vae.fit(blobs)
    assert vae.score(blobs) == pytest.approx(PCA(2).fit(blobs).score(blobs), abs=0.5)


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_a_factor_moves_the_log_density_by_its_logarithm_exactly(blobs, likelihood):
    vae, scaled = (small(likelihood=likelihood).fit(blobs * factor) for factor in (1.0, 1024.0))
    np.testing.assert_allclose(
        scaled.score_samples(blobs[:5] * 1024), vae.score_samples(blobs[:5]) - 5 * np.log(1024)
    )
    holed = blobs[:5].copy()
    holed[:, 1:3] = np.nan
    np.testing.assert_allclose(
        scaled.score_samples(holed * 1024), vae.score_samples(holed) - 3 * np.log(1024)
    )


def test_a_log_normal_is_the_gaussian_of_the_logarithm(blobs):
    logs = blobs / 500
    vae, positive = small(), small(column_types="positive")
    vae.fit(logs)
    positive.fit(np.exp(logs))
    expected = vae.score_samples(logs) - logs.sum(axis=1)
    np.testing.assert_allclose(positive.score_samples(np.exp(logs)), expected, rtol=1e-6)
    np.testing.assert_allclose(positive.sample(9), np.exp(vae.sample(9)), rtol=1e-5)


def test_more_samples_tighten_the_bound_and_nothing_else_moves_it(fitted, blobs):
    elbo, tight = (fitted.score_samples(blobs, n_samples=k).mean() for k in (1, 256))
    assert elbo < tight
    np.testing.assert_array_equal(fitted.score_samples(blobs), fitted.score_samples(blobs))
    np.testing.assert_allclose(
        fitted.score_samples(blobs[7:8]), fitted.score_samples(blobs)[7:8], rtol=1e-12
    )
    with pytest.raises(ParameterError, match="n_samples must be an integer >= 1; got 0"):
        fitted.score_samples(blobs, n_samples=0)
    for count in (2.5, "3", True, None):
        with pytest.raises(ParameterError, match=f"must be an integer >= 1; got {count!r}"):
            fitted.score_samples(blobs, n_samples=count)
        with pytest.raises(ParameterError, match=f"must be an integer >= 1; got {count!r}"):
            fitted.sample(count)


def test_the_elbo_is_log_p_less_the_gap_of_the_posterior():
    # Linear decoder, one latent number: log p(x) − ELBO = KL(q(z | x) ‖ p(z | x)), in closed form.
    x = np.random.default_rng(0).normal(size=(100, 1)) @ np.ones((1, 3)) * 5 + 7
    x += np.random.default_rng(1).normal(size=x.shape)
    vae = small(n_components=1, activation="identity", max_iter=5).fit(x)
    hidden, bias = (vae.params_[f"decoder.hidden.0.{k}"].astype(float) for k in ("weight", "bias"))
    w = vae.params_["decoder.loc.weight"].astype(float)
    mean = w @ bias + vae.params_["decoder.loc.bias"]
    slope = (w @ hidden)[:, 0]
    noise = np.exp(vae.params_["decoder.log_variance"].astype(float)) + 1e-4
    scaled = (x - vae.scaling_.shift) / vae.scaling_.scale
    exact = stats.multivariate_normal(mean, np.outer(slope, slope) + np.diag(noise)).logpdf(scaled)
    exact -= np.log(vae.scaling_.scale).sum()
    variance = 1 / (1 + (slope**2 / noise).sum())
    centre = variance * ((scaled - mean) @ (slope / noise))
    loc, scale = (a[:, 0] for a in vae.transform(x, return_std=True))
    gap = 0.5 * ((scale**2 + (loc - centre) ** 2) / variance - 1 - np.log(scale**2 / variance))
    np.testing.assert_allclose(
        vae.score_samples(x, elbo=True, n_samples=4096), exact - gap, atol=0.05
    )
    np.testing.assert_allclose(vae.score_samples(x, n_samples=4096), exact, atol=0.05)


def test_transform_inverse_and_reconstruct(fitted, blobs):
    loc, scale = fitted.transform(blobs, return_std=True)
    assert loc.shape == scale.shape == (200, 2)
    assert ((scale > 0) & (scale < 1)).all()
    again = fitted.inverse_transform(loc)
    np.testing.assert_allclose(again, fitted.reconstruct(blobs), rtol=1e-12)
    assert ((again - blobs) ** 2).mean() < 0.2 * blobs.var()
    assert fitted.transform(blobs.astype(np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match="3 columns; the latent space has 2"):
        fitted.inverse_transform(np.zeros((1, 3)))


def test_samples_have_the_spread_of_the_data(fitted, blobs):
    sample = fitted.sample(4000)
    np.testing.assert_allclose(sample.mean(axis=0), blobs.mean(axis=0), atol=20)
    np.testing.assert_allclose(sample.std(axis=0), blobs.std(axis=0), rtol=0.3)
    assert not np.array_equal(fitted.sample(3, random_state=1), fitted.sample(3, random_state=2))
    assert fitted.sample(50, draw=False).std() < sample.std()
    with pytest.raises(ParameterError, match="n_samples must be an integer >= 1; got 0"):
        fitted.sample(0)


def test_files_go_there_and_back_bit_for_bit(fitted, blobs, tmp_path):
    path = tmp_path / "vae.safetensors"
    fitted.save(path)
    again = klosed.load(path)
    np.testing.assert_array_equal(again.score_samples(blobs[:9]), fitted.score_samples(blobs[:9]))
    np.testing.assert_array_equal(again.sample(3), fitted.sample(3))
    assert again.get_params() == fitted.get_params()
    assert load_model(path).spec == fitted.spec_
    assert again.partial_fit(blobs).n_iter_ == 61
    assert again.score(blobs) > fitted.score(blobs) - 1
    klosed.models.save_model(path, load_model(path))
    with pytest.raises(FileFormatError, match="holds a klosed model but no estimator"):
        klosed.load(path)
    with pytest.raises(FileFormatError, match=r"is a folder.*model.safetensors"):
        klosed.load(tmp_path)


def test_bernoulli_for_grey_pixels():
    x = np.random.default_rng(0).random((50, 4))
    vae = small(likelihood="bernoulli").fit(x)
    assert vae.spec_.likelihood == "bernoulli"
    assert ((vae.reconstruct(x) > 0) & (vae.reconstruct(x) < 1)).all()
    with pytest.raises(DataError, match="Bernoulli"):
        small(likelihood="bernoulli").fit(x + 1)


HARD = {
    "one column": lambda rng: rng.normal(size=(50, 1)),
    "two rows": lambda rng: rng.normal(size=(2, 3)),
    "duplicated rows": lambda rng: np.repeat(rng.normal(size=(5, 3)), 20, axis=0),
    "duplicated columns": lambda rng: np.repeat(rng.normal(size=(100, 1)), 4, axis=1),
    "a constant column": lambda rng: np.c_[rng.normal(size=(50, 2)), np.full(50, 1e9)],
    "heavy tails": lambda rng: rng.standard_t(0.5, size=(300, 3)),
    "huge scales": lambda rng: rng.normal(size=(50, 3)) * [1e-140, 1.0, 1e140],
    "far from zero": lambda rng: 1e15 + rng.normal(size=(50, 3)) * 100,
    "an empty column": lambda rng: np.c_[rng.normal(size=(50, 2)), np.full(50, np.nan)],
    "empty rows": lambda rng: np.r_[rng.normal(size=(50, 2)), np.full((3, 2), np.nan)],
    "wide": lambda rng: rng.normal(size=(10, 300)),
    "integers": lambda rng: rng.integers(5, size=(50, 3)),
    "booleans": lambda rng: rng.random((50, 3)) < 0.5,
    "numbers as objects": lambda rng: rng.normal(size=(50, 3)).astype(object),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_tables_give_finite_answers(name):
    x = HARD[name](np.random.default_rng(0))
    vae = small(max_iter=20).fit(x)
    assert np.isfinite(vae.transform(x)).all()
    assert np.isfinite(vae.score_samples(x)).all()
    known = np.isfinite(x.astype(float)).any(axis=0)
    for table in (vae.sample(20), vae.reconstruct(x), vae.impute(x)):
        assert np.isfinite(np.asarray(table, float)[:, known]).all()
    if name not in ("an empty column", "booleans"):
        far = x.astype(float) * 1e6
        np.testing.assert_array_less(vae.score_samples(far).mean(), vae.score_samples(x).mean())


def test_a_row_far_out_scores_low_and_not_nan(fitted, blobs):
    far = blobs[:3] * [[1e3], [1e30], [1e100]]
    scores = fitted.score_samples(far)
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((1, 3)), "a column that varies.*n_samples = 1"),
        (np.full((9, 2), np.nan), "a column that varies"),
        ([[1.0], [np.inf], [2.0]], "infinity"),
        (np.array([["2020-01-01"], ["2020-01-02"]], "datetime64[D]"), "dates or time spans"),
        ([[1.0], [1e200], [2.0]], "finite numbers below 1e.150"),
        (stats.norm, "2D array"),
    ],
)
def test_what_cannot_be_fitted_is_said(x, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().fit(x)


def test_sparse_input_is_refused_with_advice():
    from scipy import sparse

    with pytest.raises(TypeError, match="toarray"):
        small().fit(sparse.csr_matrix(np.eye(5)))
