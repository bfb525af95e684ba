"""Engines that take several steps at once: the loop counts, stops and resumes all the same."""

import dataclasses
import math

import numpy as np
import pytest

from klosed.engines.reference import ReferenceEngine
from klosed.errors import NonFiniteLossError, TrainingInterrupted
from klosed.training import Callback, TrainingConfig, fit
from klosed.training.stepping import PlainStepper

CONFIG = TrainingConfig(epochs=3, batch_size=7, learning_rate=0.01)


class Apart(PlainStepper):
    """Keeps arrays of its own, three steps at a time, as an accelerator would."""

    steps_at_once = 3

    def __init__(self, engine, task):
        self.theirs = task
        params, moments = (
            {name: array.copy() for name, array in part.items()}
            for part in (task.params, task.moments)
        )
        super().__init__(engine, dataclasses.replace(task, params=params, moments=moments))

    def sync(self):
        for part in ("params", "moments"):
            for name, array in getattr(self._task, part).items():
                getattr(self.theirs, part)[name][:] = array


class ManyAtOnce(ReferenceEngine):
    def stepper(self, task):
        return Apart(self, task)


class Log(Callback):
    def __init__(self):
        self.steps, self.records = [], []

    def on_step(self, progress):
        self.steps.append(progress)

    def on_epoch(self, record, state):
        self.records.append(dataclasses.replace(record, seconds=0.0))


def trained(engine, data, config=CONFIG, **options):
    log = Log()
    return fit(engine, config, data, callbacks=[log], **options), log


@pytest.mark.parametrize("early_stopping", [False, True])
def test_several_steps_at_once_equal_one_after_another(engine, data, early_stopping):
    config = dataclasses.replace(CONFIG, early_stopping=early_stopping)
    expected, whole = trained(engine, data, config)
    got, log = trained(ManyAtOnce(engine.spec), data, config)
    assert (log.steps, log.records) == (whole.steps, whole.records)
    for name in expected.params:
        assert np.array_equal(got.params[name], expected.params[name])
        assert np.array_equal(got.final_params[name], expected.final_params[name])


def test_a_stop_is_heeded_after_the_steps_under_way_and_nothing_is_lost(engine, data):
    class Keep(Callback):
        def on_interrupt(self, state):
            self.state = state

    keep, many = Keep(), ManyAtOnce(engine.spec)
    with pytest.raises(TrainingInterrupted, match="in epoch 1 of 3, after step 3"):
        fit(many, CONFIG, data, callbacks=[keep], should_stop=lambda: True)
    got = fit(many, CONFIG, data, keep.state)
    expected, _ = trained(engine, data)
    assert all(np.array_equal(got.params[k], expected.params[k]) for k in expected.params)


def test_a_loss_that_is_not_finite_ends_it_at_its_step(engine, data):
    class Fails(Apart):
        def steps(self, batches):
            losses = super().steps(batches)
            losses[1] = losses[1] if batches.step < 3 else math.nan
            return losses

    class Engine(ReferenceEngine):
        def stepper(self, task):
            return Fails(self, task)

    with pytest.raises(NonFiniteLossError, match="in epoch 1, step 5"):
        fit(Engine(engine.spec), CONFIG, data)


def test_processes_decide_alike(engine, data):
    class Elsewhere(Apart):
        def agreed(self, value):
            return max(value, 1.0)  # another process was asked to stop

    class Engine(ReferenceEngine):
        def stepper(self, task):
            return Elsewhere(self, task)

    with pytest.raises(TrainingInterrupted, match="after step 3"):
        fit(Engine(engine.spec), CONFIG, data)
