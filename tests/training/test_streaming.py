"""Training on rows that stay on disk: within memory, and the same wherever it is entered."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from command_line import invoke

import klosed
from klosed import VAESpec
from klosed.datasets import open_stream
from klosed.engines.base import Task
from klosed.errors import ParameterError, TrainingInterrupted
from klosed.models import Scaling
from klosed.training import Callback, TrainingConfig, TrainingData, fit
from klosed.training.state import TrainingState

SPEC = VAESpec(6, 2, (8,))
CONFIG = TrainingConfig(epochs=3, batch_size=16, learning_rate=0.01)


@pytest.fixture
def table(tmp_path):
    x = np.random.default_rng(0).random((300, 6), np.float32)
    np.save(tmp_path / "x.npy", x)
    return tmp_path / "x.npy"


@pytest.mark.parametrize(
    ("name", "question", "place"),
    [
        ("reference", 24, "in epoch 2 of 3, after step 25"),
        ("torch", 24, "in epoch 2 of 3, after step 25"),
        ("fused", 1, r"in epoch 1 of 3, after step \d+"),  # asked after several steps
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted(table, name, question, place):
    def rows():
        return TrainingData(open_stream(table, 4096).x)

    class Keep(Callback):
        def on_interrupt(self, state):
            self.state = state

    engine = klosed.engine(name, SPEC)
    expected = fit(engine, CONFIG, rows())
    assert expected.step == 3 * 19
    keep, asked = Keep(), iter(range(100))
    with pytest.raises(TrainingInterrupted, match=place):
        fit(engine, CONFIG, rows(), callbacks=[keep], should_stop=lambda: next(asked) == question)
    got = fit(engine, CONFIG, rows(), keep.state)
    assert isinstance(got, TrainingState)
    assert all(np.array_equal(got.params[k], expected.params[k]) for k in expected.params)


@pytest.mark.parametrize("kind", ["float32", "bytes"])
def test_the_fused_engine_takes_steps_in_bulk_like_the_reference(tmp_path, kind):
    pytest.importorskip("numba")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (300, 6)).astype(np.uint8)
    np.save(tmp_path / "x.npy", x if kind == "bytes" else (x / 255).astype(np.float32))
    states = []
    for name in ("reference", "fused"):
        rows = open_stream(tmp_path / "x.npy", 4096).x
        engine, optimizer = klosed.engine(name, SPEC), CONFIG.make_optimizer()
        params = engine.init(0, np.float64)
        state = TrainingState(params, optimizer.init(params))
        scaling = Scaling.bytes() if kind == "bytes" else Scaling.none()
        data = TrainingData(rows, scaling=scaling)
        task = Task(params, state.moments, optimizer, rows, scaling, 16, 1.0, 0)
        assert name == "reference" or engine.stepper(task) is not None
        states.append(fit(engine, CONFIG, data, state))
    for name, array in states[0].params.items():
        np.testing.assert_allclose(states[1].params[name], array, rtol=0, atol=1e-10)


def test_early_stopping_is_refused(table):
    config = TrainingConfig(early_stopping=True)
    with pytest.raises(ParameterError, match="early_stopping must be False for streamed data"):
        fit(klosed.engine("reference", SPEC), config, TrainingData(open_stream(table, 4096).x))


def test_command_line_streams_and_goes_on(table, tmp_path):
    run = tmp_path / "run"
    small = ("--hidden", 8, "--latent", 2, "--batch-size", 64)
    done = invoke("train", table, "--out", run, "--stream", 1, "--epochs", 2, *small)
    assert done.code == 0, done.err
    assert "x.npy: 300 rows" in done.err
    done = invoke("train", "--resume", "--out", run, "--epochs", 3)
    assert done.code == 0, done.err
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 3
    assert json.loads((run / "config.json").read_text())["data"]["stream"] == 1
    done = invoke("train", "--resume", "--out", run, "--stream", 2)
    assert "--stream 2 contradicts" in done.error
    done = invoke("evaluate", run, "--samples", 2)
    assert done.code == 0, done.err
    for more in (["--early-stopping"], ["--classes", "1"]):
        done = invoke("train", table, "--stream", 1, *more)
        assert done.code == 2
        assert "needs the rows in memory" in done.error


def test_ten_times_the_allowed_memory_trains_in_flat_memory(tmp_path):
    # 4 MiB are allowed; the file holds 40. What else takes memory, a first file of 2 MiB shows.
    program = textwrap.dedent("""
        import resource, sys
        import numpy as np
        import klosed
        from klosed.datasets import open_stream
        from klosed.training import TrainingConfig, TrainingData, fit

        spec = klosed.VAESpec(64, 2, (8,))
        peaks = []
        for name, rows in (("small", 8192), ("large", 163840)):
            file = np.lib.format.open_memmap(name + ".npy", "w+", np.float32, (rows, 64))
            for start in range(0, rows, 8192):
                file[start:start + 8192] = np.random.default_rng(start).random((8192, 64))
                file._mmap.madvise(4)  # written pages are not training's memory
            del file
            data = TrainingData(open_stream(name + ".npy", 4 * 2**20).x)
            fit(klosed.engine("reference", spec), TrainingConfig(1, 1024), data)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        print(*peaks)
        """)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    small, large = map(float, done.stdout.split())
    assert large - small < 6, (small, large)
