"""What a run leaves on disk, and that nothing there is lost or silently replaced."""

import contextlib
import dataclasses
import json
import os
import signal

import numpy as np
import pytest

from klosed.errors import (
    CheckpointError,
    FileFormatError,
    NonFiniteLossError,
    RunFolderError,
    TrainingInterrupted,
)
from klosed.training import Callback, RunFolder, TrainingConfig, train

CONFIG = TrainingConfig(epochs=3, batch_size=16, seed=1)


def metrics(run):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in run.read_metrics()]


def test_a_run_folder_holds_what_is_promised(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {"a": 1})
    state = train(engine, CONFIG, data, run)
    assert run.read_config() == {"a": 1}
    records = run.read_metrics()
    assert [r["epoch"] for r in records] == [1, 2, 3]
    promised = "epoch step train_loss train_reconstruction train_kl test_loss seconds"
    assert set(promised.split()) <= set(records[0])
    model = run.load_model()
    assert model.spec == engine.spec
    assert all(np.array_equal(model.params[k], v) for k, v in state.params.items())
    assert not [p for p in run.path.iterdir() if p.name.startswith(".")]


def test_an_existing_folder_is_not_overwritten(tmp_path):
    RunFolder.create(tmp_path / "run", {})
    with pytest.raises(RunFolderError, match=r"already exists.*--resume"):
        RunFolder.create(tmp_path / "run", {})
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunFolderError, match="already exists"):
        RunFolder.create(tmp_path / "file", {})
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder.open(tmp_path)


def test_a_signal_saves_and_resuming_equals_the_uninterrupted_run(engine, data, tmp_path):
    whole = RunFolder.create(tmp_path / "whole", {})
    train(engine, CONFIG, data, whole)

    class Interrupt(Callback):
        def on_step(self, progress):
            if (progress.epoch, progress.batch) == (2, 2):
                os.kill(os.getpid(), signal.SIGINT)

    run = RunFolder.create(tmp_path / "run", {})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match="epoch 2 of 3, after step 5"):
        train(engine, CONFIG, data, run, callbacks=[Interrupt()])
    assert signal.getsignal(signal.SIGINT) is before
    train(engine, CONFIG, data, RunFolder.open(run.path), resume=True)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    assert metrics(run) == metrics(whole)


def test_a_crash_between_metrics_and_checkpoint_loses_and_doubles_nothing(engine, data, tmp_path):
    whole = RunFolder.create(tmp_path / "whole", {})
    train(engine, CONFIG, data, whole)
    run = RunFolder.create(tmp_path / "run", {})

    checkpoints = []

    class Crash(Callback):
        def on_epoch(self, record, state):
            checkpoints.append(run.checkpoint_path.read_bytes())
            if record.epoch == 2:
                # The checkpoint of epoch 2 never made it to disk.
                run.checkpoint_path.write_bytes(checkpoints[0])
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(engine, CONFIG, data, run, callbacks=[Crash()])
    with run.metrics_path.open("a") as file:
        file.write('{"epoch": 3, "torn')
    train(engine, CONFIG, data, run, resume=True)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    assert metrics(run) == metrics(whole)


def test_divergence_keeps_the_last_good_checkpoint(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    kept = {}

    class Poison(Callback):
        def on_epoch(self, record, state):
            kept.update({k: v.copy() for k, v in state.params.items()})
            if record.epoch == 2:
                state.params["encoder.loc.bias"][:] = np.nan

    with pytest.raises(NonFiniteLossError, match="epoch 3, step 7"):
        train(engine, CONFIG, data, run, callbacks=[Poison()])
    state = run.load_state(engine.spec, CONFIG)
    assert state.epoch == 2
    assert np.isfinite(run.load_model().params["encoder.loc.bias"]).all()


def test_an_interrupt_does_not_replace_the_last_good_checkpoint(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})

    class Poison(Callback):
        def on_start(self, state, progress):
            self.state = state

        def on_step(self, progress):
            if progress.epoch == 3:
                self.state.params["decoder.logits.bias"][:] = np.inf
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(NonFiniteLossError, match="became infinite"):
        train(engine, CONFIG, data, run, callbacks=[Poison()])
    assert run.load_state(engine.spec, CONFIG).epoch == 2


def test_a_removed_model_is_written_again(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    train(engine, CONFIG, data, run)
    before = run.model_path.read_bytes()
    run.model_path.unlink()
    train(engine, CONFIG, data, run, resume=True)
    assert run.model_path.read_bytes() == before


def test_foreign_lines_in_the_metrics_are_not_taken_for_records(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.metrics_path.write_text('{"epoch": 1}\n[1]\n{"epoch": 2}\n')
    assert run.read_metrics() == [{"epoch": 1}]


def test_more_epochs_may_be_asked_for_and_nothing_else_changed(engine, data, tmp_path):
    longer = dataclasses.replace(CONFIG, epochs=5)
    whole = RunFolder.create(tmp_path / "whole", {})
    train(engine, longer, data, whole)
    run = RunFolder.create(tmp_path / "run", {})
    train(engine, CONFIG, data, run)
    train(engine, longer, data, run, resume=True)
    assert run.model_path.read_bytes() == whole.model_path.read_bytes()
    with pytest.raises(CheckpointError, match=r"seed = 1, this run asks for 2"):
        train(engine, dataclasses.replace(CONFIG, seed=2), data, run, resume=True)


def test_resuming_nothing_says_so(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        train(engine, CONFIG, data, run, resume=True)


def test_damaged_files_are_refused_and_left_alone(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    train(engine, CONFIG, data, run)
    good = run.checkpoint_path.read_bytes()
    rng = np.random.default_rng()
    for _ in range(60):
        bad = bytearray(good)
        if rng.random() < 0.5:
            bad = bad[: rng.integers(len(bad))]
        else:
            # The header is where damage could be dangerous; numbers may be any.
            bad[rng.integers(min(len(bad), 1500))] ^= 1 << rng.integers(8)
        run.checkpoint_path.write_bytes(bad)
        with contextlib.suppress(CheckpointError):
            run.load_state(engine.spec, CONFIG)
        assert run.checkpoint_path.read_bytes() == bytes(bad)
    run.model_path.write_bytes(b"not a model")
    with pytest.raises(FileFormatError, match="not a readable safetensors file"):
        run.load_model()
    run.config_path.write_text("[1]")
    with pytest.raises(FileFormatError, match="must hold a JSON object"):
        run.read_config()
    run.config_path.write_text("{")
    with pytest.raises(FileFormatError, match="not readable JSON"):
        run.read_config()


def test_metrics_are_json_lines(engine, data, tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    train(engine, CONFIG, data, run)
    for line in run.metrics_path.read_text().splitlines():
        assert isinstance(json.loads(line)["test_loss"], float)


def test_checkpoints_within_an_epoch_survive_a_crash(engine, data, tmp_path):
    class Crash(Callback):
        def on_step(self, progress):
            if (progress.epoch, progress.batch) == (2, 3):
                raise MemoryError

    config = dataclasses.replace(CONFIG, batch_size=5)  # 8 steps an epoch
    expected = train(engine, config, data, RunFolder.create(tmp_path / "whole", {}))
    run = RunFolder.create(tmp_path / "run", {})
    with pytest.raises(MemoryError):
        train(engine, config, data, run, callbacks=[Crash()], checkpoint_every=5)
    state = run.load_state(engine.spec, config)
    assert (state.step, state.epoch, state.batch) == (10, 1, 2)
    got = train(engine, config, data, run, resume=True)
    assert all(np.array_equal(got.params[k], expected.params[k]) for k in expected.params)
    assert metrics(run) == metrics(RunFolder.open(tmp_path / "whole"))
