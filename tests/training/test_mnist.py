"""The published figure: MNIST, 784-400-20, ReLU, batch 128, Adam 1e-3, 10 epochs, grey pixels.

Two public logs of PyTorch's example say 105.59 and 105.56 nats of test loss.
"""

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
