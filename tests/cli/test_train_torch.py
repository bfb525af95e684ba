"""`klosed train --engine torch`: its options, and the processes that torchrun starts."""

import importlib.util
import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from command_line import invoke

from klosed.models import load_model

SMALL = ("--hidden", 16, "--latent", 3, "--batch-size", 479, "--engine", "torch", "--device", "cpu")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of one process: 17 epochs of 3 steps."""
    path = tmp_path_factory.mktemp("torch") / "whole"
    done = invoke("train", "digits", "--out", path, "--epochs", 17, *SMALL)
    assert done.code == 0, done.err
    assert "64-16-3, bernoulli, torch engine, cpu" in done.err
    return path


def losses(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["epoch"] for record in records] == list(range(1, len(records) + 1))
    return [(r["train_reconstruction"], r["train_kl"], r["test_loss"]) for r in records]


def test_the_run_is_like_any_other(klosed, whole):
    done = klosed("evaluate", whole, "--samples", 3)
    assert done.code == 0, done.err
    done = klosed("train", "--resume", "--out", whole, "--device", "cpu")
    assert "Nothing left to do: 17 epochs" in done.out


def test_the_run_can_be_used_where_pytorch_is_not(klosed, whole, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == "torch" else find(n))
    monkeypatch.setattr("klosed.engines.torch.TorchEngine.__init__", None)  # would be called
    done = klosed("sample", whole, "--n", 4, "--out", "samples.npy")
    assert done.code == 0, done.err


def test_what_belongs_to_the_torch_engine_needs_it(klosed, whole, monkeypatch):
    done = klosed("train", "digits", "--device", "cpu", "--engine", "reference")
    assert (done.code, done.error) == (
        2, "Error: --device needs --engine torch. See klosed train --help."
    )  # fmt: skip
    done = klosed("train", "--resume", "--out", whole, "--precision", "bf16")
    assert done.code == 2
    assert "--precision bf16 contradicts" in done.error
    done = klosed("train", "digits", "--precision", "bf16", "--engine", "reference")
    assert "--precision needs --engine fused or torch" in done.error
    done = klosed("train", "digits", "--engine", "torch", "--device", "tpu")
    assert done.code == 2
    assert "device must be one of auto, cpu, cuda, mps; got 'tpu'" in done.error
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = klosed("train", "digits", "--engine", "reference")
    assert done.code == 2
    assert "torchrun started 2 processes, but the reference engine trains in one" in done.error
    assert not Path("runs").exists()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_peers_that_cannot_be_reached_are_named_in_time(klosed, monkeypatch):
    port = str(free_port())  # nobody will listen there
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1",
                        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    done = klosed("train", "digits", "--peer-timeout", 1, "--out", "run", *SMALL)
    assert done.code == 1
    assert f"process 1 of 2 could not meet the others at 127.0.0.1:{port} within 1 s" in done.error
    assert "Check that every machine was started" in done.error
    assert not Path("run").exists()


def on_two_machines(program, *args):
    """Run a program as torchrun does on two machines with one process each; both are this one."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"),
        *("--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", f"--rdzv-id={port}"),
        *("--max-restarts=3", program, *args),
    ]
    agents = [
        subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        said = [agent.communicate(timeout=120) for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    out, err = ("".join(texts) for texts in zip(*said, strict=True))
    assert [agent.returncode for agent in agents] == [0, 0], err
    return out, err


def test_two_machines_one_of_them_killed_reach_what_one_reaches(whole, tmp_path):
    # The second process dies in its 23rd step, in epoch 8; torchrun starts both again.
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import os, pathlib, signal, sys
        from klosed.cli import main
        from klosed.engines.torch.stepper import TorchStepper
        step, taken = TorchStepper._step, []

        def dies(self, *args):
            taken.append(1)
            if len(taken) == 23:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self, *args)

        died = pathlib.Path(__file__).with_suffix(".died")
        if os.environ["RANK"] == "1" and not died.exists():
            died.touch()
            TorchStepper._step = dies
        main()
        """)
    )
    run = tmp_path / "run"
    out, err = on_two_machines(
        program, "train", "digits", "--out", run, "--epochs", 17, "--checkpoint-every", 1, *SMALL
    )
    assert "2 processes on cpu" in err
    assert "process 0 of 2 lost another one at" in err
    assert out.count("Done: 17 epochs") == 1  # only the first process speaks
    np.testing.assert_allclose(losses(run), losses(whole), rtol=2e-6)
    expected, got = (load_model(path / "model.safetensors").params for path in (whole, run))
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-3, atol=1e-5)
