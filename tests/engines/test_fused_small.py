"""Steps of a small network, of which each thread has a copy, are those of the reference engine."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _small_job, _stepper
from klosed.engines.reference import ReferenceEngine
from klosed.training import Callback, TrainingConfig, TrainingData, TrainingState, fit

from ..gradients.cases import SPECS, batch  # noqa: TID252
from .test_fused import CASES

# more numbers than fit into a vector, or two, or three; ReLU in front of all and behind the heads
WIDE = {
    "wide relu": VAESpec(
        21, 9, (70, 33), likelihood="gaussian", variance="per_feature", min_variance=0.1
    ),
    "wide bernoulli": VAESpec(50, 3, (17,), (49, 5), activation="relu"),
    "wide blocks": VAESpec(
        40, 17, (33,), likelihood=(("gaussian", 19), ("bernoulli", 21)), variance="per_feature"
    ),
}
ALL = CASES | WIDE


@pytest.fixture(autouse=True)
def many_threads(monkeypatch):
    monkeypatch.setattr(_stepper, "threads_for_small", lambda network, rows, most: most)


class Losses(Callback):
    def __init__(self):
        self.told = []

    def on_epoch(self, record, state):
        self.told.append((record.train_reconstruction, record.train_kl))


def trained(engine, x, config, dtype):
    params = engine.init(config.seed, dtype)
    state = TrainingState(params, config.make_optimizer().init(params))
    losses = Losses()
    data = TrainingData(x, allow_missing=True)
    return fit(engine, config, data, state, callbacks=[losses]), losses.told


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_a_few_steps_agree_with_the_reference(name, threads, monkeypatch):
    made, stepping = [], _small_job.SmallJob._stepping
    monkeypatch.setattr(
        _small_job.SmallJob, "_stepping", lambda job: made.append(job) or stepping(job)
    )
    # batches of 270 go through 64 rows at a time, the last one is two rows for three threads
    _, x, _ = batch(ALL[name], 272)
    config = TrainingConfig(epochs=2, batch_size=270, learning_rate=0.01, seed=1)
    got, losses = trained(FusedEngine(ALL[name], threads=threads), x, config, np.float64)
    expected, expected_losses = trained(ReferenceEngine(ALL[name]), x, config, np.float64)
    assert made
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    for part in ("params", "moments"):
        for key, array in getattr(expected, part).items():
            np.testing.assert_allclose(getattr(got, part)[key], array, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["wide relu", "wide bernoulli", "mixed, with holes"])
def test_the_gradient_in_float32(name):
    """The first step of gradient descent is the gradient."""
    _, x, _ = batch(ALL[name], 130)
    config = TrainingConfig(epochs=1, batch_size=130, learning_rate=1.0, optimizer="sgd", seed=2)
    got, expected = (
        trained(engine(ALL[name]), x.astype(np.float32), config, np.float32)[0]
        for engine in (FusedEngine, ReferenceEngine)
    )
    before = ReferenceEngine(ALL[name]).init(2, np.float32)
    for key, array in expected.params.items():
        grad = array.astype(np.float64) - before[key]
        assert got.params[key].dtype == np.float32
        largest = max(np.abs(grad).max(), 0.1, np.abs(before[key]).max())
        eps = 200 * float(np.finfo(np.float32).eps)
        np.testing.assert_allclose(got.params[key], array, rtol=0, atol=eps * largest)


def test_a_network_is_small_where_its_weights_fit_into_the_cache():
    small, large = (_small_job.Network(spec) for spec in (SPECS["bernoulli"], VAESpec(784, 20)))
    assert _small_job.is_small(small, 8)
    assert not _small_job.is_small(large, 4)
    assert _small_job.threads_for_small(small, 10**6, 3) == 3
    assert _small_job.threads_for_small(small, 10, 3) == 1


def test_the_same_bits_again_on_as_many_threads():
    spec = dataclasses.replace(WIDE["wide relu"], min_variance=0.0)
    _, x, _ = batch(spec, 200)
    config = TrainingConfig(epochs=3, batch_size=64, seed=1)
    first, second = (
        trained(FusedEngine(spec, threads=2), x, config, np.float32)[0].params for _ in range(2)
    )
    assert all(np.array_equal(first[name], second[name]) for name in first)
