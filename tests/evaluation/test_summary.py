"""Figures and their two errors, against repetition and by hand."""

import json
import math

import numpy as np
import pytest

from klosed.evaluation import Estimate, ExampleScores, Summary


def scores(n=4, k=100, ess=50.0):
    base = np.arange(n, dtype=float)
    return ExampleScores(
        reconstruction=80 + base,
        reconstruction_variance=np.full(n, 0.04),
        kl=20 + base,
        log_likelihood=-95 - base,
        effective_sample_size=np.full(n, ess),
        n_samples=k,
    )


def test_standard_error_is_the_spread_of_means_of_fresh_examples():
    rng = np.random.default_rng(0)
    means = [rng.exponential(size=50).mean() for _ in range(4000)]
    one = [Estimate.of(rng.exponential(size=50)).standard_error for _ in range(400)]
    assert np.mean(one) == pytest.approx(np.std(means), rel=0.05)


def test_monte_carlo_error_is_that_of_a_mean():
    estimate = Estimate.of(np.zeros(3), np.array([1.0, 4.0, 4.0]))
    assert estimate.monte_carlo_error == pytest.approx(1.0)  # √9 / 3


def test_summary_signs_and_errors():
    summary = Summary.of(scores())
    assert summary.reconstruction.value == 81.5
    assert summary.kl.value == 21.5
    assert summary.elbo.value == -103.0
    assert summary.log_likelihood.value == -96.5
    assert summary.kl.standard_error == pytest.approx(math.sqrt(5 / 3 / 4))
    assert summary.kl.monte_carlo_error == 0
    assert summary.elbo.monte_carlo_error == pytest.approx(0.1)  # √(4 · 0.04) / 4
    variance = (1 / 50 - 1 / 100) * 100 / 99
    assert summary.log_likelihood.monte_carlo_error == pytest.approx(math.sqrt(variance / 4))


def test_few_effective_samples_are_not_trusted():
    assert Summary.of(scores(ess=10.5)).is_trustworthy
    poor = Summary.of(scores(ess=9.5))
    assert not poor.is_trustworthy
    assert poor.few_effective_samples == 1.0


def test_json_has_null_where_nothing_is_known():
    summary = Summary.of(scores(n=1, k=1, ess=1.0)).to_dict()
    text = json.dumps(summary, allow_nan=False)
    assert json.loads(text)["log_likelihood"] == {
        "value": -95.0,
        "standard_error": None,
        "monte_carlo_error": None,
    }
