"""VAEOutlierDetector: the scikit-learn contract, what it finds, what it says, and hard tables."""

import pickle

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import klosed

rng = np.random.default_rng(0)


def quick(**parameters):
    small = {"n_estimators": 2, "hidden_layer_sizes": (16,), "max_steps": 400, "random_state": 0}
    return klosed.VAEOutlierDetector(**small | parameters)


@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API.*")
@parametrize_with_checks([quick(max_steps=50, hidden_layer_sizes=(8,))])
def test_check_estimator(estimator, check):
    check(estimator)


COVARIANCE = np.array([[1.0, 0.95, 0.0], [0.95, 1.0, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture(scope="module")
def rows():
    return rng.multivariate_normal(np.zeros(3), COVARIANCE, 400)


@pytest.fixture(scope="module")
def fitted(rows):
    return quick(contamination=0.05, max_steps=1500).fit(rows * [1e-6, 1e3, 1] + [0, 50, 0])


def units(rows):
    return rows * [1e-6, 1e3, 1] + [0, 50, 0]


def test_it_ranks_as_the_true_density_does(fitted):
    new = rng.multivariate_normal(np.zeros(3), 4 * np.eye(3), 500)
    truth = multivariate_normal(np.zeros(3), COVARIANCE).logpdf(new)
    assert np.corrcoef(fitted.score_samples(units(new)).argsort().argsort(),
                       truth.argsort().argsort())[0, 1] > 0.95  # fmt: skip


def test_scores_are_log_densities_of_rows_like_the_training_rows(fitted, rows):
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    entropy = -multivariate_normal(np.zeros(3), COVARIANCE).logpdf(scaled).mean()
    assert -fitted.held_out_scores_.mean() == pytest.approx(entropy, abs=0.3)


def test_threshold_and_signs(fitted, rows):
    labels = fitted.predict(units(rows))
    assert (labels == -1).mean() == pytest.approx(0.05, abs=0.003)
    decision = fitted.decision_function(units(rows))
    np.testing.assert_array_equal(labels == -1, decision < 0)
    np.testing.assert_allclose(decision + fitted.offset_, fitted.score_samples(units(rows)))


def test_a_score_depends_on_its_row_alone(fitted, rows):
    together = fitted.score_samples(units(rows))
    np.testing.assert_array_equal(fitted.score_samples(units(rows)), together)
    alone = [fitted.score_samples(units(row)[None])[0] for row in rows[:4]]
    np.testing.assert_allclose(alone, together[:4], rtol=1e-10)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301  (our own bytes)
    np.testing.assert_array_equal(again.score_samples(units(rows[:9])), together[:9])
    same = clone(fitted).fit(units(rows))
    np.testing.assert_array_equal(same.score_samples(units(rows)), together)


def test_shares_sum_to_the_score_and_point_at_the_columns(fitted):
    odd = units(np.array([[1.5, -1.5, 0.0], [0.0, 0.0, 6.0], [9.0, 9.0, 0.0]]))
    shares = fitted.explain(odd)
    np.testing.assert_allclose(shares.sum(axis=1), -fitted.score_samples(odd), rtol=1e-9)
    usual = fitted.explain(units(np.zeros((1, 3))))
    excess = shares - usual
    assert excess[0, :2].min() > 3 * abs(excess[0, 2])  # the two that belong together
    assert excess[1].argmax() == 2
    assert excess[1, 2] > 0.7 * excess[1].sum()


def test_the_held_out_rows_decide_how_long(rows):
    noise = quick(max_steps=5000).fit(rng.normal(size=(25, 8)))
    assert noise.n_steps_ < 1000
    assert noise.history_["steps"][-1] < 5000
    losses = noise.history_["held_out_loss"]
    assert noise.n_steps_ == noise.history_["steps"][int(np.argmin(losses))]
    assert len(losses) - 1 - int(np.argmin(losses)) == 11


def test_a_manifold_is_learned():
    angle = rng.uniform(0, 2 * np.pi, 500)
    ring = np.c_[np.cos(angle), np.sin(angle)] + 0.05 * rng.normal(size=(500, 2))
    centre = 0.1 * rng.normal(size=(100, 2))  # inside, where the mean is
    detector = quick(max_steps=2000).fit(ring[:400])
    test = np.r_[ring[400:], centre]
    labels = np.repeat([0, 1], 100)
    assert roc_auc_score(labels, -detector.score_samples(test)) > 0.97


DISCRETE = np.c_[rng.integers(0, 3, 120), rng.random(120) < 0.02, np.full(120, 7.0)].astype(float)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(np.array([[1.0, 2.0]]), id="one row"),
        pytest.param(np.array([[1.0], [2.0]]), id="two rows, one column"),
        pytest.param(np.ones((20, 3)), id="all constant"),
        pytest.param(np.repeat(rng.normal(size=(3, 2)), 20, axis=0), id="duplicates"),
        pytest.param(DISCRETE, id="discrete"),
        pytest.param(rng.normal(size=(30, 2)) * [1e300, 1e-300], id="huge and tiny"),
        pytest.param(rng.standard_cauchy(size=(60, 3)) ** 3, id="heavy tails"),
        pytest.param(1e9 + rng.normal(size=(40, 2)), id="far from zero"),
        pytest.param(rng.normal(size=(30, 1500)), id="1,500 columns"),
    ],
)
def test_hard_tables_give_finite_scores(table):
    detector = quick(max_steps=100).fit(table)
    strange = np.vstack([table[:2], table[:2] * -3 + 1, np.full((1, table.shape[1]), 1e308)])
    scores = detector.score_samples(strange)
    assert np.isfinite(scores).all()
    assert scores[-1] < scores[: len(table[:2])].min() - 10
    shares = detector.explain(strange)
    np.testing.assert_allclose(shares.sum(axis=1), -scores, rtol=1e-6)


def test_a_rare_level_counts_as_a_probability_would():
    detector = quick(max_steps=1500).fit(DISCRETE)
    usual, rare, other = detector.score_samples([[1, 0, 7], [1, 1, 7], [1, 0, 8]])
    assert 1 < usual - rare < 12  # −log of its frequency is 3 to 5 nats
    assert usual - other == pytest.approx(6 + np.log(122))  # a constant column that changes
    shares = detector.explain([[1, 0, 7], [1, 0, 8]])
    assert shares[1, 2] - shares[0, 2] == pytest.approx(usual - other)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="infinity"):
        quick().fit(np.array([[1.0, np.inf], [0.0, 1.0]]))
    with pytest.raises(klosed.errors.DataError, match="got only NaN"):
        quick().fit(np.array([[np.nan, 1.0], [1.0, np.nan]]))
    with pytest.raises(ValueError, match="contamination"):
        quick(contamination=0.7).fit(np.ones((3, 2)))


def test_a_hole_costs_what_the_entry_costs_on_average(fitted):
    """E[log p(x)] over what the hidden entry may be, given the two others, by sampling."""
    # the hidden column depends on none: its distribution given the others is its own
    shown = np.array([[0.3, 0.2, 0.0], [-1.0, -1.2, 0.0]])
    completed = np.repeat(shown, 400, axis=0)
    completed[:, 2] = rng.normal(size=800)
    expected = fitted.score_samples(units(completed)).reshape(2, 400).mean(axis=1)
    holed = units(shown)
    holed[:, 2] = np.nan
    np.testing.assert_allclose(fitted.score_samples(holed), expected, atol=0.4)


def test_rows_with_holes_are_neither_odd_nor_safe(fitted, rows):
    holed = units(rows)
    holed[np.arange(400), rng.integers(0, 3, 400)] = np.nan
    assert (fitted.predict(holed) == -1).mean() < 0.2
    odd = units(np.array([[2.0, -2.0, np.nan], [np.nan, 0.0, 7.0]]))
    np.testing.assert_array_equal(fitted.predict(odd), -1)
    nothing = fitted.score_samples(np.full((1, 3), np.nan))
    assert np.percentile(fitted.held_out_scores_, 20) < nothing < fitted.held_out_scores_.max()
    shares = fitted.explain(holed)
    np.testing.assert_allclose(shares.sum(axis=1), -fitted.score_samples(holed), rtol=1e-9)


def test_training_rows_may_have_holes(rows):
    holed = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    detector = quick(max_steps=1500).fit(holed)
    assert np.isfinite(detector.held_out_scores_).all()
    new = rng.multivariate_normal(np.zeros(3), 4 * np.eye(3), 300)
    truth = multivariate_normal(np.zeros(3), COVARIANCE).logpdf(new)
    scores = detector.score_samples(new)
    assert np.corrcoef(scores.argsort().argsort(), truth.argsort().argsort())[0, 1] > 0.9


def test_a_column_that_was_never_seen_says_nothing(rows):
    hidden = np.c_[rows, np.full(400, np.nan)]
    hidden[[0, 2], 3] = 5.0, 6.0  # both in one fold: the member that holds it out has seen none
    detector, plain = quick(max_steps=100).fit(hidden), quick(max_steps=100).fit(rows)
    later = np.c_[rows, rng.normal(size=400)]
    np.testing.assert_array_equal(detector.score_samples(later), plain.score_samples(rows))
    assert not detector.explain(later[:3])[:, 3].any()


def test_training_takes_no_more_steps_than_asked(rows):
    for max_steps in (1, 3, 7, 120):
        detector = quick(max_steps=max_steps, batch_size=64).fit(rows)  # 4 steps an epoch
        assert 0 < detector.history_["steps"][-1] <= max_steps
    assert detector.history_["steps"] == [48, 96]


def test_of_many_rows_some_decide_the_threshold(rows, monkeypatch):
    monkeypatch.setattr("klosed.outliers.detector._MOST_SCORED", 200)
    detector = quick(max_steps=200, contamination=0.2).fit(rows)
    assert np.isfinite(detector.held_out_scores_).sum() == 200
    assert (detector.predict(rows) == -1).mean() == pytest.approx(0.2, abs=0.08)


def test_threads_change_nothing(fitted, rows, monkeypatch):
    together = fitted.score_samples(units(rows))
    monkeypatch.setattr("klosed.outliers.scoring._MOST_NUMBERS", 2**12)  # a few rows a part
    np.testing.assert_allclose(fitted.score_samples(units(rows)), together, rtol=1e-10)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_with_names_and_nulls(rows, library):
    frames = pytest.importorskip(library)
    holed = rows.copy()
    holed[::7, 1] = np.nan
    names = ["length", "width", "height"]
    if library == "pandas":
        frame = frames.DataFrame(holed, columns=names).convert_dtypes()  # Float64 with pd.NA
    else:
        frame = frames.DataFrame(holed, schema=names).fill_nan(None)
    detector, plain = quick(max_steps=50).fit(frame), quick(max_steps=50).fit(holed)
    assert list(detector.feature_names_in_) == names
    np.testing.assert_array_equal(detector.score_samples(frame), plain.score_samples(holed))
    with pytest.raises(ValueError, match="feature names"):
        detector.predict(frame[names[::-1]])
