"""A first layer that leaves zeros out trains as one that does not."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _job, _sparse, _stepper
from klosed.engines.reference import ReferenceEngine
from klosed.models import Scaling
from klosed.training import TrainingConfig, TrainingData, TrainingState, fit

# 131 outputs on 2 threads: a wide panel, narrow ones and one that overlaps; 67 inputs: a block and
# a bit, the last tile of four beginning before it
SPEC = VAESpec(67, 2, (231, 5), activation="tanh")


def trained(engine, data, config, dtype):
    params = engine.init(config.seed, dtype)
    return fit(engine, config, data, TrainingState(params, config.make_optimizer().init(params)))


def rows(density):
    """Bytes of so much ink, with columns and rows that are empty, as many as leave it so."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 256, (61, 67)) * (rng.random((61, 67)) < density)
    if density < 1:
        x[:, [0, 5, 6, 7, 8, 66]] = 0
        x[[0, 1, 2, 3, 30, 60]] = 0
    return x.astype(np.uint8)


CASES = [
    (density, threads, share, "adam")
    for density in (0, 0.1, 0.5, 1)
    for threads, share in ((1, "rows"), (2, "rows"), (2, "columns"))
]
CASES += [(0.1, 2, "columns", optimizer) for optimizer in ("sgd", "adagrad")]


@pytest.mark.parametrize(("density", "threads", "share", "optimizer"), CASES)
def test_sparse_steps_agree_with_the_reference(density, threads, share, optimizer, monkeypatch):
    asked = []
    monkeypatch.setattr(_stepper, "pays", lambda *about: asked.append(about) or True)
    monkeypatch.setattr(_stepper, "is_small", lambda network, itemsize: False)
    monkeypatch.setattr(_stepper, "threads_for", lambda network, rows, most: most)
    monkeypatch.setattr(_job, "_ROWS_A_THREAD", 0 if share == "rows" else 10**6)
    # 61 rows in batches of 20: the last is one row, fewer than a tile
    config = TrainingConfig(epochs=8, batch_size=20, learning_rate=0.003, optimizer=optimizer)
    data = TrainingData(rows(density), scaling=Scaling.bytes())
    expected = trained(ReferenceEngine(SPEC), data, config, np.float64)
    got = trained(FusedEngine(SPEC, threads=threads), data, config, np.float64)
    assert asked
    for part in ("params", "moments"):
        for name, array in getattr(expected, part).items():
            np.testing.assert_allclose(getattr(got, part)[name], array, rtol=1e-9, atol=1e-10)


def test_in_float32_too_and_the_same_bits_again(monkeypatch):
    monkeypatch.setattr(_stepper, "is_small", lambda network, itemsize: False)
    monkeypatch.setattr(_stepper, "threads_for", lambda network, rows, most: most)
    config = TrainingConfig(epochs=3, batch_size=20, learning_rate=0.003)
    data = TrainingData(rows(0.1), scaling=Scaling.bytes())
    expected = trained(ReferenceEngine(SPEC), data, config, np.float32).params
    first, again = (
        trained(FusedEngine(SPEC, threads=2), data, config, np.float32).params for _ in range(2)
    )
    for name, array in expected.items():
        assert np.array_equal(first[name], again[name])
        np.testing.assert_allclose(first[name], array, rtol=0, atol=2e-5)


def test_zeros_are_left_out_where_there_are_many():
    assert _sparse.pays(rows(0.1), 231, 2)
    assert not _sparse.pays(rows(0.5), 231, 2)
    assert not _sparse.pays(rows(1).astype(np.float32), 231, 2)
    assert not _sparse.pays(rows(0.1), 20, 2)  # less than a vector of outputs a thread
    assert not _sparse.pays(rows(0.1)[:, :9], 231, 2)
    assert not _sparse.pays(rows(0.1)[:3], 231, 2)
