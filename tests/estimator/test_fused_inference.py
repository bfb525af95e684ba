"""What users call runs the fused engine's compiled code, whatever the likelihood."""

import warnings

import numpy as np
import pytest

pytest.importorskip("numba")

import klosed
from klosed import VAESpec
from klosed.engines.fused import FusedEngine
from klosed.engines.reference import ReferenceEngine
from klosed.estimator.columns import TYPE_OF_FAMILY
from klosed.evaluation import score_examples
from klosed.models.likelihoods import LIKELIHOODS
from klosed.training import TrainingConfig, TrainingData, fit


@pytest.fixture
def without_reference(monkeypatch):
    def refuse(self, spec):
        raise AssertionError("the reference engine was asked for")

    monkeypatch.setattr(ReferenceEngine, "__init__", refuse)


@pytest.fixture
def calls(monkeypatch):
    """Names of the fused engine's methods in the order they are called."""
    found = []
    for name in ("stepper", "encode", "decode", "scorer"):
        real = getattr(FusedEngine, name)

        def told(self, *args, _real=real, _name=name, **options):
            found.append(_name)
            return _real(self, *args, **options)

        monkeypatch.setattr(FusedEngine, name, told)
    return found


@pytest.mark.parametrize("likelihood", [*TYPE_OF_FAMILY, "auto"])
def test_every_method_for_every_likelihood(likelihood, without_reference, calls):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (60, 3)).astype(float)
    if likelihood == "auto":  # a column of counts, of real numbers, of categories
        x = np.stack([rng.poisson(9, 60), rng.normal(size=60), rng.integers(0, 2, 60)], axis=1)
    elif likelihood == "log_normal":
        x += 0.5
    vae = klosed.VAE(
        2, hidden_layer_sizes=(4,), likelihood=likelihood, max_iter=3, early_stopping=False,
        random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", klosed.errors.KlosedWarning)  # of three epochs
        vae.fit(x)
    for name, run in {
        "stepper": lambda: None,
        "encode": lambda: vae.transform(x),
        "decode": lambda: (vae.inverse_transform(np.zeros((2, 2))), vae.sample(2)),
        "scorer": lambda: vae.score_samples(x[:3]),
    }.items():
        if name != "stepper":
            calls.clear()
        run()
        assert name in calls


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood_of_a_spec_trains_and_is_scored(likelihood, without_reference, calls):
    spec = VAESpec(3, 2, (4,), likelihood=likelihood)
    x = np.eye(3)[np.random.default_rng(0).integers(0, 3, 40)]
    fused = klosed.engine("auto", spec)
    config = TrainingConfig(epochs=1, batch_size=20)
    state = fit(fused, config, TrainingData(x))
    assert np.isfinite(score_examples(fused, state.params, x, n_samples=4).log_likelihood).all()
    assert {"stepper", "scorer"} <= set(calls)
