"""Weights in panels: nothing is lost on the way there and back, and steps with them are right."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _engine, _job, _stepper
from klosed.engines.fused._network import Network
from klosed.engines.fused._panels import InPanels
from klosed.engines.fused._tables import LINE, Layer
from klosed.engines.reference import ReferenceEngine
from klosed.training import TrainingConfig, TrainingData, TrainingState, fit

# widths that are no multiples of a vector, of a panel, of what a thread gets; heads across panels
SPEC = VAESpec(833, 11, (211, 97), activation="tanh")


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 3, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_panels_hold_each_weight_once_and_zeros(threads, is_sparse, dtype):
    network = Network(SPEC)
    arrays = network.arrays(FusedEngine(SPEC).init(3, dtype))
    weights = {name: array for name, array in arrays.items() if name.endswith("weight")}
    kept = {name: array.copy() for name, array in weights.items()}
    packed = InPanels(network, arrays, threads, is_sparse=is_sparse)
    n_zeros = sum(int((array == 0).sum()) for array in weights.values())
    for array in weights.values():
        array[...] = np.nan
    packed.write_back()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, kept[name])
    n = sum(array.size for array in weights.values())
    assert sum(np.count_nonzero(vector) for vector in packed._vectors) == n - n_zeros


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_weights_share_no_cache_line(threads):
    network = Network(SPEC)
    packed = InPanels(network, FusedEngine(SPEC).init(3), threads, is_sparse=True)
    table = network.table()
    packed.bind(table, Layer.WEIGHT)
    for place, vector in zip(table[:, Layer.WEIGHT], packed._vectors, strict=True):
        assert place % LINE == 0
        assert vector.nbytes % (threads * LINE) == 0


@pytest.mark.parametrize(
    ("rows", "threads"),
    [(1, 1), (12, 1), (20, 2), (45, 2), (131, 1), (131, 2), (100, 2), (97, 3), (20, 9)],
)
def test_gradients_agree_with_the_reference(rows, threads, monkeypatch):
    """Threads share rows of the large batches, outputs of the small ones."""
    monkeypatch.setattr(_engine, "threads_for", lambda network, rows, most: most)
    rng = np.random.default_rng(0)
    x, noise = rng.random((rows, 833)), rng.standard_normal((rows, 11))
    reference, fused = ReferenceEngine(SPEC), FusedEngine(SPEC, threads=threads)
    params = reference.init(0, np.float64)
    loss, grads = fused.loss_and_grad(params, x, noise)
    expected, expected_grads = reference.loss_and_grad(params, x, noise)
    assert loss == pytest.approx(expected, rel=1e-13)
    for name, grad in expected_grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=0, atol=1e-13 * np.abs(grad).max())


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("share", ["rows", "columns"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_steps_agree_with_the_reference(threads, share, optimizer, monkeypatch):
    """Updates go to both orders of each weight; and home, with the moments, when it is over."""
    spec = VAESpec(67, 2, (131, 5, 40), activation="tanh")
    monkeypatch.setattr(_stepper, "is_small", lambda network, itemsize: False)
    monkeypatch.setattr(_stepper, "threads_for", lambda network, rows, most: most)
    monkeypatch.setattr(_job, "_ROWS_A_THREAD", 0 if share == "rows" else 10**6)
    config = TrainingConfig(epochs=8, batch_size=20, learning_rate=0.003, optimizer=optimizer)
    data = TrainingData(np.random.default_rng(0).random((61, 67)))
    states = []
    for engine in (ReferenceEngine(spec), FusedEngine(spec, threads=threads)):
        params = engine.init(config.seed, np.float64)
        moments = config.make_optimizer().init(params)
        states.append(fit(engine, config, data, TrainingState(params, moments)))
    expected, got = states
    for part in ("params", "moments"):
        for name, array in getattr(expected, part).items():
            np.testing.assert_allclose(getattr(got, part)[name], array, rtol=1e-9, atol=1e-10)
