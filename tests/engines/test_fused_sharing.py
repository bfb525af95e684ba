"""Threads of different speed: whoever has more of the rows or tiles, the results are the same."""

import itertools

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine, _job
from klosed.engines.fused._amx import has_amx
from klosed.engines.fused._team import PACE, learn_pace, units_of
from klosed.models import Scaling
from klosed.training import Callback, TrainingConfig, TrainingData, fit


def trained(monkeypatch, paces, data, spec, scaling, precision="float32"):
    """Return what three epochs give with threads that seem to have been as fast as this."""
    losses, made = [], _job.Job.__init__

    def with_paces(self, *args, **kwargs):
        made(self, *args, **kwargs)
        if self.threads == len(paces):
            self._paces[::PACE] = paces

    monkeypatch.setattr(_job.Job, "__init__", with_paces)
    engine = FusedEngine(spec, threads=len(paces), precision=precision)
    config = TrainingConfig(epochs=3, batch_size=160, seed=1)

    class Losses(Callback):
        def on_epoch(self, record, state):
            losses.append(record.train_loss)

    state = fit(engine, config, TrainingData(data, scaling=scaling), callbacks=[Losses()])
    return losses, state.params


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("kind", ["zeros left out", "all"])
def test_results_do_not_depend_on_who_is_fast(monkeypatch, kind, precision):
    monkeypatch.setattr(_job, "_OPERATIONS_A_THREAD", 1)
    if precision == "bf16" and not has_amx():
        pytest.skip("this processor has no AMX")
    rng = np.random.default_rng(0)
    data = rng.integers(1, 255, (420, 200)).astype(np.uint8)  # the last batch is smaller
    if kind == "zeros left out":
        data *= rng.random(data.shape) < 0.05
    spec = VAESpec(200, 5, (150, 130))
    even, fast, slow = (
        trained(monkeypatch, paces, data, spec, Scaling.bytes(), precision)
        for paces in ([9, 9, 9], [10**9, 1, 10**9], [1, 10**9, 1])
    )
    for other in (fast, slow):
        assert other[0] == even[0]
        for name, value in even[1].items():
            np.testing.assert_array_equal(other[1][name], value)


@pytest.mark.parametrize("units", [3, 4, 16, 100])
@pytest.mark.parametrize("paces", [(1, 1, 1), (5, 0, 5), (1, 10**9, 3), (10**9, 1, 1), (7, 5, 3)])
def test_units_are_all_shared_and_each_thread_has_one(units, paces):
    table = np.zeros(3 * PACE, np.int64)
    table[::PACE] = paces
    shares = [units_of(table, units, thread, 3) for thread in range(3)]
    assert shares[0][0] == 0
    assert shares[-1][1] == units
    assert all(a[1] == b[0] for a, b in itertools.pairwise(shares))
    assert all(first < end for first, end in shares)


def test_units_follow_the_pace_that_was_learned():
    table = np.zeros(2 * PACE, np.int64)
    for _ in range(60):
        learn_pace(table, 0, 30, 1_000)
        learn_pace(table, 1, 10, 1_000)
    assert units_of(table, 40, 0, 2) == (0, 30)
    learn_pace(table, 0, 30, 100_000)  # one step that was interrupted says little
    first = units_of(table, 40, 0, 2)[1]
    assert 27 <= first < 30
    learn_pace(table, 0, 0, 1_000)  # and none without rows
    assert units_of(table, 40, 0, 2)[1] == first
