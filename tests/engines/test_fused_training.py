"""Whole trainings by the fused engine: the reference's parameters, bit for bit where promised."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.base import Batches, Task
from klosed.engines.fused import FusedEngine, _job, _stepper
from klosed.engines.reference import ReferenceEngine
from klosed.errors import NonFiniteLossError, TrainingInterrupted
from klosed.models import Scaling
from klosed.training import Callback, TrainingConfig, TrainingData, TrainingState, fit
from klosed.training.optimizers import Adam

CONFIG = TrainingConfig(epochs=4, batch_size=16, learning_rate=0.01, seed=3)
SPEC = VAESpec(6, 2, (8,))


@pytest.fixture(autouse=True, params=["rows", "columns", "copies"])
def threads(request, monkeypatch):
    """Small batches on two threads, although one would be faster; with a copy of all, or not."""
    monkeypatch.setattr(_stepper, "is_small", lambda network, itemsize: request.param == "copies")
    monkeypatch.setattr(_stepper, "threads_for_small", lambda network, rows, most: most)
    monkeypatch.setattr(_stepper, "threads_for", lambda network, rows, most: most)
    monkeypatch.setattr(_job, "_ROWS_A_THREAD", 0 if request.param == "rows" else 10**6)
    return 2


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = (rng.random((50, 6)) < rng.random((50, 1))).astype(np.float32)
    return TrainingData(x[:40], x[40:])


class Log(Callback):
    def __init__(self):
        self.records, self.steps = [], []

    def on_step(self, progress):
        self.steps.append((progress.epoch, progress.batch))

    def on_epoch(self, record, state):
        self.records.append(dataclasses.replace(record, seconds=0.0))


def in_float64(engine, config):
    params = engine.init(config.seed, np.float64)
    return TrainingState(params, config.make_optimizer().init(params))


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


DATA = {
    "bytes": lambda rng: TrainingData(
        rng.integers(0, 256, (70, 6)).astype(np.uint8), scaling=Scaling.bytes()
    ),
    "float32": lambda rng: TrainingData(rng.random((70, 6), np.float32)),
    "standardized": lambda rng: (lambda x: TrainingData(x, scaling=Scaling.standardize(x)))(
        rng.normal(5, 3, (70, 6))
    ),
    "with holes": lambda rng: TrainingData(
        np.where(rng.random((70, 6)) < 0.2, np.nan, rng.random((70, 6))), allow_missing=True
    ),
    "in Fortran order": lambda rng: TrainingData(np.asfortranarray(rng.random((70, 6)))),
}


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adagrad"])
@pytest.mark.parametrize("kind", DATA)
def test_100_steps_in_float64_agree_with_the_reference(kind, optimizer, threads):
    # 70 rows in batches of 15: the last of each epoch is a short one
    config = TrainingConfig(
        epochs=20, batch_size=15, learning_rate=0.003, optimizer=optimizer, beta=0.5, seed=1
    )
    spec = dataclasses.replace(SPEC, activation="tanh")
    if kind == "standardized":
        spec = dataclasses.replace(spec, likelihood="gaussian", variance="per_feature")
    data = DATA[kind](np.random.default_rng(1))
    states, logs = [], []
    for engine in (ReferenceEngine(spec), FusedEngine(spec, threads=threads)):
        logs.append(Log())
        states.append(fit(engine, config, data, in_float64(engine, config), callbacks=[logs[-1]]))
    expected, got = states
    assert got.step == expected.step == 100
    for part in ("params", "moments"):
        for name, array in getattr(expected, part).items():
            np.testing.assert_allclose(getattr(got, part)[name], array, rtol=1e-9, atol=1e-9)
    assert logs[1].steps == logs[0].steps
    assert logs[1].records[-1].train_loss == pytest.approx(logs[0].records[-1].train_loss, rel=1e-9)


def test_the_same_bits_on_the_same_threads_and_rounding_between_counts(data):
    runs = [fit(FusedEngine(SPEC, threads=n), CONFIG, data).params for n in (2, 2, 1, 3)]
    assert same(runs[0], runs[1])
    for other in runs[2:]:
        for name in other:
            np.testing.assert_allclose(other[name], runs[0][name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted_anywhere_and_resumed_gives_the_same_bits(data, tmp_path, early_stopping):
    config = dataclasses.replace(CONFIG, early_stopping=early_stopping, batch_size=12)
    engine, whole, parts = FusedEngine(SPEC, threads=2), Log(), Log()
    expected = fit(engine, config, data, callbacks=[whole])

    class Save(Callback):
        def on_interrupt(self, state):
            state.save(tmp_path / "state", SPEC, config)

    state, rng = None, np.random.default_rng()
    while True:
        try:
            stops = iter([*[False] * int(rng.integers(2)), True])
            state = fit(
                engine, config, data, state, callbacks=[parts, Save()],
                should_stop=lambda stops=stops: next(stops),
            )  # fmt: skip
            break
        except TrainingInterrupted:
            state = TrainingState.load(tmp_path / "state", SPEC, config)
    assert same(state.params, expected.params)
    assert same(state.moments, expected.moments)
    assert same(state.final_params, expected.final_params)
    assert parts.records == whole.records


def test_a_diverging_run_stops_before_the_step_that_would_spoil_it(data):
    engine = FusedEngine(SPEC, threads=2)
    config = dataclasses.replace(CONFIG, learning_rate=1e30)
    with pytest.raises(NonFiniteLossError, match=r"epoch \d+, step \d+.*Lower the learning rate"):
        fit(engine, config, data)
    params = engine.init(0)
    params["encoder.log_variance.bias"][:] = 200
    state = TrainingState(params, CONFIG.make_optimizer().init(params))
    before = {name: array.copy() for name, array in params.items()}
    with pytest.raises(NonFiniteLossError, match="log-variance reached 200"):
        fit(engine, CONFIG, data, state)
    assert same(state.params, before)


def test_moments_of_dead_inputs_do_not_stay_denormal(data):
    x = data.train.copy()
    x[:, 0] = 0
    x[0, 0] = 1e-18  # a gradient once, then never again
    config = dataclasses.replace(CONFIG, epochs=700, batch_size=40)
    state = fit(FusedEngine(SPEC, threads=2), config, TrainingData(x))
    tiny = np.finfo(np.float32).tiny
    for array in state.moments.values():
        assert not ((array != 0) & (np.abs(array) < tiny)).any()


def test_mapped_rows_stay_mapped(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((70, 6), np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    engine, optimizer = FusedEngine(SPEC), Adam()
    params = engine.init(0)
    task = Task(params, optimizer.init(params), optimizer, x, Scaling.none(), 16, 1.0, 0)
    stepper = engine.stepper(task)
    assert np.shares_memory(stepper._job._data[0], x)
    losses = stepper.steps(Batches(np.arange(16), 16, 0, 0, 2, np.float32))
    assert len(losses) == 1


def test_an_optimizer_that_is_not_built_in_goes_step_by_step(data):
    class Mine(Adam):
        name = "mine"

    engine = FusedEngine(SPEC)
    params = engine.init(0)
    task = Task(params, {}, Mine(), data.train, data.scaling, 16, 1.0, 0)
    assert engine.stepper(task) is None
