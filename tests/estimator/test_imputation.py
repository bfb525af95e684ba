"""Missing values: exact conditionals of a linear-Gaussian model, draws, frames left untouched."""

import numpy as np
import pytest
from klosed_tables import small
from scipy import stats

import klosed
from klosed.engines import engine
from klosed.errors import DataError, ParameterError
from klosed.evaluation import impute_draws, impute_mean, score_examples

V = 0.2


@pytest.fixture(scope="module")
def linear():
    """x = W z + noise with an encoder that is only roughly right, and the joint normal of x."""
    rng = np.random.default_rng(3)
    spec = klosed.VAESpec(4, 2, (), likelihood="gaussian", variance=V)
    model = engine("reference", spec)
    params = {name: np.zeros_like(a, dtype=float) for name, a in model.init(0).items()}
    params["decoder.loc.weight"] = rng.normal(size=(4, 2))
    params["decoder.loc.bias"] = rng.normal(size=4)
    w = params["decoder.loc.weight"]
    joint = stats.multivariate_normal(params["decoder.loc.bias"], w @ w.T + V * np.eye(4))
    return model, params, joint


def conditional(joint, row):
    o, m = ~np.isnan(row), np.isnan(row)
    gain = joint.cov[np.ix_(m, o)] @ np.linalg.inv(joint.cov[np.ix_(o, o)])
    mean = joint.mean[m] + gain @ (row[o] - joint.mean[o])
    return mean, joint.cov[np.ix_(m, m)] - gain @ joint.cov[np.ix_(o, m)]


def test_means_and_draws_are_the_exact_conditional(linear):
    model, params, joint = linear
    x = joint.rvs(2, random_state=0)
    x[0, [1, 3]] = x[1, 0] = np.nan
    noise = np.random.default_rng(0).standard_normal((40_000, 2))
    filled = impute_mean(model, params, x, noise)
    draws = impute_draws(model, params, x, noise, n_draws=3000, seed=1)
    for i in range(2):
        m = np.isnan(x[i])
        mean, cov = conditional(joint, x[i])
        np.testing.assert_allclose(filled[i, m], mean, atol=0.05)
        np.testing.assert_allclose(draws[:, i][:, m].mean(axis=0), mean, atol=0.08)
        np.testing.assert_allclose(np.cov(draws[:, i][:, m].T), cov.squeeze(), atol=0.15)
        np.testing.assert_array_equal(filled[i, ~m], x[i, ~m])
        assert (draws[:, i][:, ~m] == x[i, ~m]).all()
    with pytest.raises(ParameterError, match="n_draws must be >= 1; got 0"):
        impute_draws(model, params, x, noise, n_draws=0)


def test_the_likelihood_is_that_of_what_was_observed(linear):
    model, params, joint = linear
    x = joint.rvs(3, random_state=1)
    x[0, [1, 3]] = x[1, 0] = np.nan
    x[2] = np.nan
    scores = score_examples(model, params, x, n_samples=20_000)
    for i in range(2):
        o = ~np.isnan(x[i])
        exact = stats.multivariate_normal(joint.mean[o], joint.cov[np.ix_(o, o)]).logpdf(x[i, o])
        assert scores.log_likelihood[i] == pytest.approx(exact, abs=0.05)
    assert scores.log_likelihood[2] == pytest.approx(0, abs=1e-12)


def test_holes_in_training_are_learnt_around(blobs):
    rng = np.random.default_rng(0)
    holes = rng.random(blobs.shape) < 0.3
    holed = np.where(holes, np.nan, blobs)
    vae = small(n_components=2, max_iter=80).fit(holed)
    filled = vae.impute(holed)
    np.testing.assert_array_equal(filled[~holes], blobs[~holes])
    error = ((filled - blobs)[holes] ** 2).mean()
    at_mean = ((np.broadcast_to(np.nanmean(holed, axis=0), blobs.shape) - blobs)[holes] ** 2).mean()
    assert error < 0.5 * at_mean
    # draws spread around the single imputation, as far as the errors go
    draws = np.stack(vae.impute(holed, 20))
    assert draws.shape == (20, *blobs.shape)
    spread = draws[:, holes].std(axis=0).mean()
    assert 0.5 < spread / np.sqrt(error) < 1.5
    np.testing.assert_array_equal(draws, np.stack(vae.impute(holed, 20)))
    assert not np.array_equal(draws, np.stack(vae.impute(holed, 20, random_state=5)))
    with pytest.raises(ParameterError, match="n_samples must be an integer >= 1; got 0"):
        vae.impute(holed, 0)
    with pytest.raises(ParameterError, match="n_importance must be an integer >= 1; got 0"):
        vae.impute(holed, n_importance=0)


def test_later_rows_need_not_show_every_column(blobs):
    blank = blobs.copy()
    blank[:, 1] = np.nan
    for later in (blank, blank[:1], np.full((1, 5), np.nan)):
        assert np.isfinite(small().partial_fit(blobs).partial_fit(later).score(blobs))
    assert np.isfinite(small(warm_start=True).fit(blobs).fit(blank).score(blobs))
    with pytest.raises(DataError, match="column 'x1' holds no number in the rows of the first"):
        small().partial_fit(blank)


@pytest.mark.parametrize("how", [{}, {"likelihood": "gaussian"}, {"column_types": "real"}])
def test_a_column_without_entries_stays_empty(blobs, how):
    blank = blobs.copy()
    blank[:, 1] = np.nan
    vae = small(**how).fit(blank)
    assert vae.columns_[1].type == "constant"
    assert np.isnan(vae.impute(blank)[:, 1]).all()
    assert np.isfinite(vae.score(blobs))


@pytest.mark.parametrize("dtype", ["boolean", "Int64", "string", "object", "category"])
def test_a_column_of_a_frame_without_entries_stays_empty(dtype):
    pd = pytest.importorskip("pandas")
    dtype = pd.CategoricalDtype(["u", "v"]) if dtype == "category" else dtype
    z = np.random.default_rng(0).normal(size=30)
    frame = pd.DataFrame({"a": pd.Series([None] * 30, dtype=dtype), "z": z})
    vae = small().fit(frame)
    for table in (vae.impute(frame), vae.sample(30), vae.reconstruct(frame)):
        assert table["a"].dtype == frame["a"].dtype
        assert table["a"].isna().all()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_dtypes_and_what_was_observed(library, fitted_mixed, mixed_frame):
    frames = pytest.importorskip(library)
    import pandas as pd

    holed = mixed_frame.astype({"smoker": "boolean", "visits": "Int64"})
    holed.loc[2, ["smoker", "visits", "city"]] = pd.NA
    if library == "polars":
        holed = frames.from_pandas(holed)
    full = fitted_mixed.impute(holed)
    assert type(full) is type(holed)
    assert list(full.dtypes) == list(holed.dtypes)
    rows = full.to_pandas() if library == "polars" else full
    original = mixed_frame.drop(index=2)
    for name in ("smoker", "visits", "city", "income"):
        assert (rows.drop(index=2)[name] == original[name]).all()
    assert rows.notna().all(axis=None)
    assert rows.loc[2, "city"] in {"Bern", "Oslo", "Rome"}
    assert rows.loc[2, "visits"] >= 0


def test_an_array_of_objects_is_completed(mixed_frame):
    rows = mixed_frame.to_numpy()
    full = small().fit(rows).impute(rows)
    assert full.shape == rows.shape
    assert full[0, 4] == rows[0, 4]
    assert not any(np.isnan(v) for v in full[:, 0])
