"""The published figure: MNIST, 784-400-20, ReLU, batch 128, Adam 1e-3, 10 epochs, grey pixels.

Two public logs of PyTorch's example say 105.59 and 105.56 nats of test loss.
"""

import json
import subprocess
import sys

import pytest

from klosed import VAESpec, engine
from klosed.datasets import load_dataset
from klosed.models import Scaling
from klosed.training import Callback, TrainingConfig, TrainingData, fit


@pytest.mark.slow
def test_mnist_reaches_the_published_loss(shared_data):
    data = load_dataset(shared_data / "mnist")
    losses = []

    class Keep(Callback):
        def on_epoch(self, record, state):
            losses.append(record.test_loss)

    fit(
        engine("reference", VAESpec(784)),
        TrainingConfig(epochs=10),
        TrainingData(data.train.x, data.test.x, Scaling.bytes()),
        callbacks=[Keep()],
    )
    assert losses[-1] == pytest.approx(105.6, abs=0.4)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_mnist_reaches_it_on_pytorch_with_one_process_and_with_two(
    shared_data, tmp_path, processes
):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    train = ["-m", "klosed", "train", str(shared_data / "mnist"), "--engine", "torch"]
    subprocess.run(
        [*launch, str(processes), *train, "--device", "cpu", "--out", str(tmp_path / "run")],
        check=True,
    )
    last = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["epoch"] == 10
    assert json.loads(last)["test_loss"] == pytest.approx(105.6, abs=0.4)
