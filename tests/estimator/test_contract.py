"""The scikit-learn contract: check_estimator with no expected failures, and life in its tools."""

import pickle
import time

import joblib
import numpy as np
import pytest
from klosed_tables import small
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import klosed
from klosed._waiting import if_slow
from klosed.errors import KlosedWarning, ParameterError
from klosed.estimator import base, fitting


@pytest.mark.filterwarnings("ignore::klosed.errors.KlosedWarning")
@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API.*")
@parametrize_with_checks(
    [
        klosed.VAE(n_components=2, hidden_layer_sizes=(8,), max_iter=2),
        klosed.VAE(n_components=2, hidden_layer_sizes=(8,), max_iter=2, likelihood="student_t"),
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)


def test_grid_search_over_a_pipeline(blobs):
    y = blobs[:, 0] > np.median(blobs[:, 0])
    pipeline = make_pipeline(StandardScaler(), small(max_iter=30), LogisticRegression())
    search = GridSearchCV(pipeline, {"quiet__n_components": [1, 2]}, cv=2).fit(blobs, y)
    assert search.best_score_ > 0.8
    # without labels the estimator's own score, a log-likelihood, decides
    alone = GridSearchCV(small(max_iter=60), {"n_components": [1, 2]}, cv=2).fit(blobs)
    assert alone.best_params_ == {"n_components": 2}


def test_clone_pickle_and_joblib(fitted, blobs):
    assert clone(fitted).get_params() == fitted.get_params()
    expected = fitted.score_samples(blobs[:9])
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301  (our own bytes)
    np.testing.assert_array_equal(again.score_samples(blobs[:9]), expected)
    parts = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(fitted.score_samples)(part) for part in (blobs[:4], blobs[4:9])
    )
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_gives_named_columns(fitted, blobs, library):
    frames = pytest.importorskip(library)
    out = clone(fitted).set_output(transform=library).fit(blobs).transform(blobs)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == ["quiet0", "quiet1"]


def test_metadata_is_routed(fitted):
    import sklearn

    with sklearn.config_context(enable_metadata_routing=True):
        vae = clone(fitted).set_transform_request(return_std=True)
        assert vae.get_metadata_routing().transform.requests == {"return_std": True}


def test_the_same_seed_gives_the_same_model_and_another_another(blobs):
    one, two = small().fit(blobs), small().fit(blobs)
    other = small(random_state=1).fit(blobs)
    np.testing.assert_array_equal(one.transform(blobs), two.transform(blobs))
    assert not np.array_equal(one.transform(blobs), other.transform(blobs))
    np.testing.assert_array_equal(one.sample(3), two.sample(3))


def test_warm_start_goes_on_and_a_cold_one_does_not(blobs):
    twice = small(warm_start=True, early_stopping=False).fit(blobs).fit(blobs)
    assert twice.n_iter_ == 10
    assert len(twice.history_["train_loss"]) == 10
    assert twice.history_["train_loss"][9] < twice.history_["train_loss"][0]
    once = small(early_stopping=False).fit(blobs).fit(blobs)
    assert once.n_iter_ == 5
    # ten epochs in one go end in the same place
    whole = small(max_iter=10, early_stopping=False).fit(blobs)
    np.testing.assert_array_equal(twice.transform(blobs), whole.transform(blobs))


def test_partial_fit_trains_an_epoch_a_call(blobs):
    vae = small()
    before = vae.partial_fit(blobs[:100]).score(blobs)
    for _ in range(40):
        vae.partial_fit(blobs[100:]).partial_fit(blobs[:100])
    assert vae.n_iter_ == 81
    assert vae.score(blobs) > before + 1


def test_early_stopping_stops(blobs):
    noise = np.random.default_rng(0).normal(size=(60, 3))
    vae = small(max_iter=400, n_iter_no_change=5).fit(noise)
    assert vae.n_iter_ < 400
    assert vae.history_["validation_loss"][-1] > min(vae.history_["validation_loss"])


def test_verbose_says_what_columns_were_taken_for(blobs, capsys):
    small(verbose=True, max_iter=10).fit(blobs[:, :2])
    out = capsys.readouterr().out
    assert "[VAE] x0: real, gaussian\n" in out
    assert "[VAE] epoch 10: loss" in out


@pytest.mark.parametrize("verbose", [True, False])
def test_an_estimator_says_that_the_engine_compiles_where_it_may_speak(
    verbose, blobs, capsys, monkeypatch
):
    compiled, reference = [], klosed.engine("reference", klosed.VAESpec(2))

    class Compiling(type(reference)):
        def prepare(self, dtype, **options):
            compiled.append((np.dtype(dtype).name, options))
            time.sleep(0.02)

    monkeypatch.setattr(base, "engine", lambda name, spec: Compiling(spec))
    monkeypatch.setattr(fitting, "if_slow", lambda say: if_slow(say, 0.001))
    small(verbose=verbose, max_iter=1).fit(blobs[:, :2])
    assert ("compiling for this processor" in capsys.readouterr().out) is verbose
    if verbose:
        assert compiled[0] == ("float32", {"optimizer": "adam"})


def test_warnings_say_what_to_do(blobs):
    noise = np.random.default_rng(0).normal(size=(100, 3))
    with pytest.warns(KlosedWarning) as caught:
        klosed.VAE(n_components=2, max_iter=3, beta=50.0, random_state=0).fit(noise)
    said = " ".join(str(w.message) for w in caught)
    assert "posterior collapse" in said
    assert "max_iter=3" in said
    assert {w.filename for w in caught} == {__file__}
    line = np.repeat(np.random.default_rng(0).normal(size=(200, 1)), 4, axis=1)
    with pytest.warns(KlosedWarning, match="only 1 of 4 latent numbers are active.*n_components=1"):
        klosed.VAE(4, max_iter=40, early_stopping=False, random_state=0).fit(line)
    counts = np.random.default_rng(0).negative_binomial(0.5, 0.01, size=(200, 1)).astype(float)
    short = {"max_iter": 3, "early_stopping": False, "random_state": 0}
    with pytest.warns(KlosedWarning) as caught:
        klosed.VAE(likelihood="poisson", **short).fit(counts)
    (one,) = [w for w in caught if "Poisson. Use likelihood=" in str(w.message)]
    assert "negative_binomial" in str(one.message)
    assert one.filename == __file__
    tails = np.random.default_rng(0).standard_t(1.5, size=(300, 9))
    with pytest.warns(KlosedWarning) as caught:
        klosed.VAE(likelihood="gaussian", **short).fit(tails)
    (one,) = [w for w in caught if "outliers" in str(w.message)]
    assert "'x6' and 2 more have outliers that a Gaussian cannot explain" in str(one.message)
    assert "student_t" in str(one.message)
    assert one.filename == __file__


def test_healthy_tables_are_not_warned_of():
    # Warnings are errors in tests.
    rng = np.random.default_rng(0)
    z = rng.normal(size=(600, 2))
    x = z @ rng.normal(size=(2, 6)) + 0.3 * rng.normal(size=(600, 6))
    assert klosed.VAE(random_state=0, hidden_layer_sizes=(32,)).fit(x).components_used_ == 2
    counts = rng.poisson(np.exp(1 + z[:, :1]), size=(600, 3)).astype(float)
    klosed.VAE(random_state=0, hidden_layer_sizes=(32,), likelihood="poisson").fit(counts)


@pytest.mark.parametrize("before", ["adam", "sgd", "adagrad"])
def test_training_goes_on_with_another_optimizer(blobs, before):
    for after in {"adam", "sgd", "adagrad"} - {before}:
        vae = small(warm_start=True, optimizer=before).fit(blobs)
        vae.set_params(optimizer=after, learning_rate=1e-3).fit(blobs).partial_fit(blobs)
        assert vae.n_iter_ == 11
        assert np.isfinite(vae.score(blobs))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_components": 1}, "n_components must stay 2 where training goes on; got 1"),
        ({"hidden_layer_sizes": [4]}, r"hidden_layer_sizes must stay \(16,\).*got \[4\]"),
        ({"activation": "tanh"}, "activation must stay 'relu'.*got 'tanh'"),
    ],
)
def test_training_cannot_go_on_with_other_networks(blobs, change, message):
    vae = small(n_components=2, warm_start=True).fit(blobs).set_params(**change)
    for method in (vae.fit, vae.partial_fit):
        with pytest.raises(ParameterError, match=message):
            method(blobs)
    assert vae.set_params(warm_start=False).fit(blobs).n_iter_ == 5


def test_held_out_rows_leave_some_to_train_on(blobs):
    with pytest.raises(ParameterError, match=r"validation_fraction must leave rows.*0.99 of 20"):
        small(validation_fraction=0.99).fit(blobs[:20])
