"""The loop: what it computes, where it stops, and that it can be entered anywhere."""

import dataclasses

import numpy as np
import pytest

import klosed
from klosed import VAESpec
from klosed.datasets import Dataset, Splits
from klosed.engines.reference import ReferenceEngine
from klosed.errors import (
    DataError,
    KlosedWarning,
    NonFiniteLossError,
    ShapeError,
    TrainingInterrupted,
)
from klosed.models import Scaling
from klosed.training import (
    Callback,
    TrainingConfig,
    TrainingData,
    TrainingState,
    fit,
    mean_loss,
)

CONFIG = TrainingConfig(epochs=4, batch_size=16, learning_rate=0.01, seed=3)


class Log(Callback):
    def __init__(self):
        self.records, self.steps = [], []

    def on_step(self, progress):
        self.steps.append(progress)

    def on_epoch(self, record, state):
        self.records.append(dataclasses.replace(record, seconds=0.0))


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a)


def test_loss_falls_and_is_reported(engine, data):
    log = Log()
    fit(engine, dataclasses.replace(CONFIG, epochs=30), data, callbacks=[log])
    assert log.records[-1].train_loss < 0.9 * log.records[0].train_loss
    assert log.records[-1].test_loss < log.records[0].test_loss
    for record in log.records:
        assert record.train_loss == pytest.approx(record.train_reconstruction + record.train_kl)
        assert record.step == record.epoch * 3  # 40 rows in batches of 16: 16, 16 and 8
    assert [(p.epoch, p.batch) for p in log.steps[:4]] == [(1, 1), (1, 2), (1, 3), (2, 1)]


def test_epoch_mean_weighs_each_row_once(engine, data):
    # A learning rate of nearly nothing keeps the parameters; the mean over batches of 16, 16 and
    # 8 rows must then equal that over one batch of 40 up to the noise, which is set to nothing.
    log = Log()
    config = dataclasses.replace(CONFIG, epochs=1, learning_rate=1e-30)
    state = fit(engine, config, data, callbacks=[log])
    params = state.params
    total = 0.0
    from klosed.random import Purpose, permutation, standard_normal

    order = permutation(3, Purpose.SHUFFLE, 0, 40)
    for step, rows in enumerate((order[:16], order[16:32], order[32:])):
        noise = standard_normal(3, Purpose.TRAINING_NOISE, step, (len(rows), 2))
        total += engine.loss(params, data.train[rows], noise) * len(rows)
    assert log.records[0].train_loss == pytest.approx(total / 40, rel=1e-6)


def test_every_row_is_seen_once_an_epoch_in_a_new_order(engine, data):
    seen = []

    class Spy(type(engine)):
        def loss_and_grad(self, params, x, noise, *, beta=1.0):
            seen.append(x.copy())
            return super().loss_and_grad(params, x, noise, beta=beta)

    marked = np.linspace(0, 1, 40 * 6, dtype=np.float32).reshape(40, 6)
    fit(Spy(engine.spec), dataclasses.replace(CONFIG, epochs=2), TrainingData(marked))
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert not np.array_equal(first, second)
    for epoch in (first, second):
        np.testing.assert_array_equal(epoch[np.argsort(epoch[:, 0])], marked)


@pytest.mark.parametrize("draw", range(3))
@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted_and_resumed_equals_uninterrupted(engine, data, tmp_path, draw, early_stopping):
    stop_after = int(np.random.default_rng().integers(1, 12))
    print(f"stopped after step {stop_after}")  # shown when the test fails
    config = dataclasses.replace(CONFIG, early_stopping=early_stopping, batch_size=12)
    whole = Log()
    expected = fit(engine, config, data, callbacks=[whole])

    class Save(Callback):
        def on_interrupt(self, state):
            state.save(tmp_path / "state", engine.spec, config)

    parts, steps = Log(), iter(range(1, 100))
    with pytest.raises(TrainingInterrupted, match=f"after step {stop_after}"):
        fit(
            engine,
            config,
            data,
            callbacks=[parts, Save()],
            should_stop=lambda: next(steps) == stop_after,
        )
    state = TrainingState.load(tmp_path / "state", engine.spec, config)
    assert state.step == stop_after
    got = fit(engine, config, data, state, callbacks=[parts])
    assert same(got.params, expected.params)
    assert same(got.moments, expected.moments)
    assert same(got.final_params, expected.final_params)
    assert parts.records == whole.records


def test_interrupt_between_all_the_steps_of_a_run(engine, data, tmp_path):
    expected = fit(engine, CONFIG, data)
    state = None
    for _ in range(200):
        try:
            state = fit(
                engine,
                CONFIG,
                data,
                state,
                callbacks=[saver(engine, tmp_path)],
                should_stop=lambda: True,
            )
            break
        except TrainingInterrupted:
            state = TrainingState.load(tmp_path / "state", engine.spec, CONFIG)
    assert same(state.params, expected.params)


def saver(engine, folder):
    class Save(Callback):
        def on_interrupt(self, state):
            state.save(folder / "state", engine.spec, CONFIG)

    return Save()


def test_early_stopping_keeps_the_best_epoch(engine, data):
    log = Log()
    config = dataclasses.replace(
        CONFIG, epochs=400, early_stopping=True, patience=5, learning_rate=0.05
    )
    state = fit(engine, config, data, callbacks=[log])
    losses = [record.validation_loss for record in log.records]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 5 < 400
    assert state.best_loss == losses[best]
    again = fit(engine, dataclasses.replace(config, epochs=best + 1), data)
    assert same(state.final_params, again.params)
    # Resuming a run that early stopping ended must not train on.
    step = state.step
    assert fit(engine, config, data, state).step == step


def test_held_out_rows_are_never_trained_on(engine, data):
    seen = set()

    class Spy(type(engine)):
        def loss_and_grad(self, params, x, noise, *, beta=1.0):
            seen.update(x[:, 0].tolist())
            return super().loss_and_grad(params, x, noise, beta=beta)

    marked = np.linspace(0, 1, 40 * 6, dtype=np.float32).reshape(40, 6)
    config = dataclasses.replace(CONFIG, early_stopping=True, validation_fraction=0.25)
    fit(Spy(engine.spec), config, TrainingData(marked))
    assert len(seen) == 30


def test_mean_loss_is_the_mean_of_a_standard_normal_model(engine):
    # With all parameters zero the encoder emits N(0, I) and the decoder logit 0: KL 0, 6 log 2.
    params = {name: np.zeros_like(array) for name, array in engine.init(0, np.float64).items()}
    loss = mean_loss(engine, params, np.ones((3000, 6)), Scaling.none(), seed=0)
    assert loss == pytest.approx(6 * np.log(2), rel=1e-12)
    assert loss.kl == 0


def test_a_batch_larger_than_the_data_is_refused(engine, data):
    with pytest.raises(DataError, match="batch_size 41 for 40 rows"):
        fit(engine, dataclasses.replace(CONFIG, batch_size=41), data)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"learning_rate": 1e30}, "Lower the learning rate"),
        ({"learning_rate": 1e4, "optimizer": "sgd", "epochs": 50}, "Lower the learning rate"),
    ],
)
def test_divergence_names_epoch_step_and_cause(engine, data, change, cause):
    with pytest.raises(NonFiniteLossError, match=r"epoch \d+, step \d+.*" + cause):
        fit(engine, dataclasses.replace(CONFIG, **change), data)


def test_values_beyond_float32_are_named():
    engine = ReferenceEngine(VAESpec(2, 1, (3,), likelihood="gaussian"))
    x = np.full((20, 2), 1e39)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, step 1: the batch holds values beyond"):
        fit(engine, CONFIG, TrainingData(x))


def test_an_overflowing_sum_does_not_blame_the_learning_rate():
    engine = ReferenceEngine(VAESpec(2, 1, (3,), likelihood="gaussian", variance=1e-44))
    with pytest.raises(NonFiniteLossError, match=r"every layer is finite.*variance \(1e-44\)"):
        fit(engine, CONFIG, TrainingData(np.ones((20, 2))))


def test_a_frozen_optimizer_is_not_taken_for_a_trained_model():
    # Gradients above 1.8e19 make Adam's second moment infinite in float32: m/∞ moves nothing.
    engine = ReferenceEngine(VAESpec(2, 1, (3,), likelihood="gaussian", variance=1e-30))
    with pytest.raises(NonFiniteLossError, match="optimizer's moments became infinite"):
        fit(engine, CONFIG, TrainingData(np.random.default_rng(0).normal(size=(20, 2))))


@pytest.mark.parametrize(
    ("part", "x", "message"),
    [
        ("train", [[0.5] * 6] * 40, r"training data must be an array .* got list"),
        ("train", np.full((40, 5), 0.5), r"training data must .* \(rows, 6\); got \(40, 5\)"),
        ("train", np.full(40, 0.5), r"got \(40,\)"),
        ("train", np.full((40, 6), np.nan), "training data must be finite"),
        ("train", np.full((40, 6), 255, np.uint8), r"training data: a Bernoulli .* \[255, 255\]"),
        ("test", np.full((0, 6), 0.5), "test data must have at least one row"),
        ("test", np.full((3, 6), -0.1), "test data: a Bernoulli likelihood needs"),
    ],
)
def test_unusable_data_are_refused_before_anything_is_trained(engine, data, part, x, message):
    log = Log()
    with pytest.raises(DataError, match=message):
        fit(engine, CONFIG, dataclasses.replace(data, **{part: x}), callbacks=[log])
    assert not log.steps


def test_nan_is_missing_where_that_is_said():
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[::2, 1] = x[5] = np.nan
    engine = ReferenceEngine(VAESpec(3, 1, (3,), likelihood="gaussian"))
    scaling = Scaling("standardize", np.zeros(3), np.ones(3))
    state = fit(engine, CONFIG, TrainingData(x, x, scaling, allow_missing=True))
    assert state.is_finite()
    x[0, 0] = np.inf
    with pytest.raises(DataError, match="training data must be finite"):
        fit(engine, CONFIG, TrainingData(x, scaling=scaling, allow_missing=True))


def test_a_test_row_that_overflows_is_warned_of_and_left_out():
    engine = ReferenceEngine(VAESpec(2, 1, (3,), likelihood="gaussian"))
    x = np.random.default_rng(0).normal(size=(20, 2))
    log = Log()
    with pytest.warns(KlosedWarning, match="test loss of epoch 1 is (inf|nan)"):
        fit(
            engine,
            dataclasses.replace(CONFIG, epochs=1),
            TrainingData(x, x * 1e30),
            callbacks=[log],
        )
    assert log.records[0].test_loss is None
    assert np.isfinite(log.records[0].train_loss)


def test_data_sets_bring_the_scaling_that_suits_them():
    pictures = Dataset.from_array(np.full((40, 2, 3), 255, np.uint8))
    splits = Splits(pictures, pictures)
    data = TrainingData.of(splits, VAESpec(6))
    assert data.scaling.kind == "bytes"
    fit(ReferenceEngine(VAESpec(6, 2, (8,))), CONFIG, data)
    table = Splits(Dataset.from_array(np.random.default_rng(0).normal(9, 3, (40, 6))))
    data = TrainingData.of(table, VAESpec(6, likelihood="gaussian"))
    assert data.scaling.kind == "standardize"
    assert data.test is None


def test_overflowing_log_variance_is_named(engine, data):
    params = engine.init(0)
    params["encoder.log_variance.bias"][:] = 200
    moments = CONFIG.make_optimizer().init(params)
    with pytest.raises(NonFiniteLossError, match="log-variance reached 200"):
        fit(engine, CONFIG, data, TrainingState(params, moments))


def test_a_run_does_not_touch_numpys_global_generator(engine, data):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(engine, CONFIG, data)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("name", ["reference", "fused", "torch"])
def test_a_state_of_another_optimizer_or_model_is_refused(data, name):
    # Compiled code would read moments that are not there: a crash, not an exception.
    if name != "reference":
        pytest.importorskip({"fused": "numba"}.get(name, name))
    ours = klosed.engine(name, VAESpec(6, 2, (8,)))
    params = ours.init(0)
    other = dataclasses.replace(CONFIG, optimizer="sgd").make_optimizer().init(params)
    with pytest.raises(ShapeError, match=r"those of the optimizer.*20 arrays; got 10.*init"):
        fit(ours, CONFIG, data, TrainingState(params, other))
    smaller = klosed.engine(name, VAESpec(6, 2, (4,))).init(0)
    state = TrainingState(smaller, CONFIG.make_optimizer().init(smaller))
    with pytest.raises(ShapeError, match="must have shape"):
        fit(ours, CONFIG, data, state)


def test_rows_may_show_nothing_of_a_column():
    x = np.c_[np.full(40, np.nan), np.random.default_rng(0).normal(size=40)]
    model = klosed.engine("reference", VAESpec(2, 1, (8,), likelihood="gaussian"))
    state = fit(model, CONFIG, TrainingData(x, allow_missing=True))
    assert state.is_finite()
    with pytest.raises(DataError, match="must be finite"):
        fit(model, CONFIG, TrainingData(x))
    x[3, 1] = np.inf
    with pytest.raises(DataError, match="must be finite"):
        fit(model, CONFIG, TrainingData(x, allow_missing=True))


# small arrays are looked at together, large ones each by itself
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen_in_arrays_of_any_size(bad):
    sizes = {"none": 0, "few": 3, "more": 5, "many": 20_000, "most": 30_000}
    state = TrainingState(*({k: np.ones((n, 1)) for k, n in sizes.items()} for _ in range(2)))
    assert state.is_finite()
    for arrays in (state.params, state.moments):
        for array in arrays.values():
            if len(array):
                array[-1] = bad
                assert not state.is_finite()
                array[-1] = 0
    assert state.is_finite()
    assert TrainingState({"many": np.ones(20_000)}, {}).is_finite()
