"""`klosed train --resume`: going on bit for bit, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import FAST, config, metrics, without_seconds


def test_raising_epochs_equals_training_at_once(klosed, tmp_path, run):
    done = klosed("train", "--resume", "--out", "r", "--epochs", 5)
    assert done.code == 0, done.err
    assert "epoch 3/5" in done.err
    assert klosed("train", "digits", *FAST, "--epochs", 5, "--out", "b").code == 0
    assert without_seconds(run) == without_seconds(tmp_path / "b")
    assert (run / "model.safetensors").read_bytes() == (
        tmp_path / "b" / "model.safetensors"
    ).read_bytes()
    assert config(run) == config(tmp_path / "b")


def test_resuming_a_finished_run_changes_nothing(klosed, tmp_path, run):
    (tmp_path / "runs").mkdir()
    run = run.rename(tmp_path / "runs" / "digits-001")
    before = without_seconds(run), (run / "model.safetensors").read_bytes()
    done = klosed("train", "digits", "--resume")  # without --out: its latest run
    assert done.code == 0
    assert "raise --epochs" in done.out
    assert (without_seconds(run), (run / "model.safetensors").read_bytes()) == before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--latent", 2], ["--latent 2", "has 3"]),
        (["--hidden", 9], ["--hidden 9", "has 8"]),
        (["--beta", 2], ["--beta 2.0", "has 1.0"]),
        (["--classes", "1"], ["--classes 1", "has none"]),
        (["--likelihood", "gaussian"], ["--likelihood gaussian", "has bernoulli"]),
        (["--early-stopping"], ["--early-stopping True", "has False"]),
        (["--epochs", 1], ["--epochs", "raised", "has 2", "got 1"]),
        (["mnist"], ["DATA mnist", "has digits"]),
    ],
)
def test_resume_refuses_contradictions_and_names_both_values(klosed, run, args, words):
    before = config(run)
    done = klosed("train", *args, "--resume", "--out", "r")
    assert done.code == 2
    for word in words:
        assert word in done.error
    assert config(run) == before


def test_resume_accepts_options_that_agree(klosed):
    first = ("train", "digits", *FAST, "--variance", "0.50", "--likelihood", "gaussian")
    assert klosed(*first, "--out", "r").code == 0
    done = klosed(*first, "--out", "r", "--resume", "--epochs", 3, "--threads", 1)
    assert done.code == 0, done.err


def test_resume_refuses_other_data_under_the_same_name(klosed, tmp_path):
    rng = np.random.default_rng(0)
    np.save("x.npy", rng.normal(size=(200, 3)))
    assert klosed("train", "x.npy", *FAST, "--out", "r").code == 0
    np.save("x.npy", rng.normal(size=(200, 3)))
    done = klosed("train", "--resume", "--out", "r", "--epochs", 3)
    assert done.code == 2
    assert "x.npy has changed" in done.error


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda c: "{", "not readable JSON"),
        (lambda c: json.dumps({}), "data must be an object; got null"),
        (lambda c: json.dumps(c | {"spec": {"n_features": 0}}), "n_features"),
        (lambda c: json.dumps(c | {"engine": "warp"}), "engine must be one of"),
        (lambda c: json.dumps({k: v for k, v in c.items() if k != "engine"}), "engine must be"),
        (lambda c: json.dumps(c | {"training": {"epochs": "ten"}}), "training: epochs must be"),
    ],
)
def test_a_damaged_config_is_one_line(klosed, run, damage, words):
    path = run / "config.json"
    path.write_text(damage(json.loads(path.read_text())))
    done = klosed("train", "--resume", "--out", "r", "--epochs", 3)
    assert done.code == 2
    assert words in done.error


def test_resume_refuses_a_changed_test_part(klosed):
    rng = np.random.default_rng(0)
    for name in ("x.npy", "t.npy"):
        np.save(name, rng.normal(size=(200, 3)))
    assert klosed("train", "x.npy", "--test", "t.npy", *FAST, "--out", "r").code == 0
    assert klosed("train", "--resume", "--out", "r", "--epochs", 3).code == 0
    np.save("t.npy", rng.normal(size=(200, 3)))
    done = klosed("train", "--resume", "--out", "r", "--epochs", 4)
    assert done.code == 2
    assert "t.npy has changed" in done.error


def test_a_config_without_threads_trains_on(klosed, run):
    saved = config(run)
    del saved["threads"]
    (run / "config.json").write_text(json.dumps(saved))
    assert klosed("train", "--resume", "--out", "r", "--epochs", 3).code == 0


@pytest.mark.parametrize(
    "text", [None, "", "{", '{"epoch": 2}\n', '{"epoch": 1, "test_loss": 3}\n']
)
def test_without_usable_metrics_no_loss_is_reported(klosed, run, text):
    path = run / "metrics.jsonl"
    path.unlink() if text is None else path.write_text(text)
    done = klosed("train", "--resume", "--out", "r")
    assert done.code == 0, done.err
    assert done.out.startswith("Nothing left to do: 2 epochs. To train on")


@pytest.mark.parametrize("damage", [None, b"", b"x" * 99])
def test_a_damaged_checkpoint_is_one_line_and_changes_nothing(klosed, run, damage):
    path = run / "checkpoint.safetensors"
    path.unlink() if damage is None else path.write_bytes(damage)
    before = config(run)
    done = klosed("train", "--resume", "--out", "r", "--epochs", 3)
    assert done.code == 2
    assert "resume" in done.error
    assert config(run) == before


def test_ctrl_c_saves_and_resuming_gives_the_same_bits(tmp_path):
    """In real processes: interrupt, resume, compare with a run that was left alone."""
    base = [sys.executable, "-m", "klosed", "train"]
    args = ["digits", "--hidden", "64", "--epochs", "999", "--batch-size", "16"]
    environment = {**os.environ, "COLUMNS": "80"}
    running = subprocess.Popen(
        [*base, *args, "--out", "a b"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = tmp_path / "a b" / "metrics.jsonl"
    while not (log.is_file() and log.read_text().count("\n") >= 2):
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    last = err.splitlines()[-1]
    assert last.startswith("Interrupted in epoch ")
    assert last.endswith("Go on with: klosed train --resume --out 'a b'")
    assert "Traceback" not in err
    assert out == ""
    done = len(metrics(tmp_path / "a b"))
    shorten = json.loads((tmp_path / "a b" / "config.json").read_text())
    # 999 epochs would take long; the number of epochs is the one thing that may differ.
    shorten["training"]["epochs"] = done + 1
    (tmp_path / "a b" / "config.json").write_text(json.dumps(shorten))
    subprocess.run(
        [*base, "--resume", "--out", "a b"],
        cwd=tmp_path, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        [*base, *args, "--epochs", str(done + 1), "--out", "c"],
        cwd=tmp_path, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    assert without_seconds(tmp_path / "a b") == without_seconds(tmp_path / "c")
    assert (tmp_path / "a b" / "model.safetensors").read_bytes() == (
        tmp_path / "c" / "model.safetensors"
    ).read_bytes()
