"""The convolutional example of the documentation, on pictures made up here."""

import runpy
from pathlib import Path

import numpy as np
import torch

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "convolutional_mnist.py"


def test_the_convolutional_example_learns():
    example = runpy.run_path(str(EXAMPLE))
    torch.manual_seed(0)
    vae = example["convolutional_vae"](latent=2, channels=4)
    rng = np.random.default_rng(0)
    bright = rng.integers(0, 28, (256, 1, 1)) > np.arange(28)[:, None] + np.zeros((28, 28))
    x = torch.from_numpy((255 * bright).astype(np.uint8).reshape(256, 784))
    optimizer = torch.optim.Adam(vae.parameters(), 3e-3)
    before = example["loss_on"](vae, x)
    for _ in range(8):
        last = example["train_epoch"](vae, x, optimizer, batch_size=32)
    assert before > 500
    assert last < 0.5 * before
    assert example["loss_on"](vae, x) < 0.5 * before
