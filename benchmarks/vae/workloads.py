"""The workloads: which model, on which rows, in which batches. Every contender reads them here."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["WORKLOADS", "Workload", "digits_like", "pixels", "stacks"]


@dataclass(frozen=True)
class Workload:
    """A dense VAE n_features – hidden – (latent + latent), its decoder mirrored, under Adam."""

    title: str
    n_rows: int
    n_features: int
    hidden: tuple[int, ...]
    latent: int
    activation: str
    likelihood: str  # "bernoulli", or "gaussian" with one learned variance a feature
    batch_size: int

    def rows(self) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Return the training rows: bytes where the model is Bernoulli, else standardised."""
        if self.likelihood == "bernoulli":
            return pixels(self.n_rows)
        rng = np.random.default_rng(0)
        factors = rng.standard_normal((self.n_rows, 6)) @ rng.standard_normal((6, self.n_features))
        x = np.tanh(factors) + 0.3 * rng.standard_normal(factors.shape)
        return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)

    @property
    def layers(self) -> list[tuple[int, int]]:
        """(n_in, n_out) of each product of the forward pass; both heads of the encoder are one."""
        inwards = [self.n_features, *self.hidden, 2 * self.latent]
        outwards = [self.latent, *self.hidden[::-1], self.n_features]
        return [pair for widths in (inwards, outwards) for pair in pairwise(widths)]

    @property
    def flops(self) -> float:
        """Floating-point operations of an epoch's matrix products.

        Forward, weights' gradients and inputs' gradients; the data need no gradient.
        """
        sizes = [n_in * n_out for n_in, n_out in self.layers]
        return 2.0 * self.n_rows * (3 * sum(sizes) - sizes[0])

    @property
    def steps(self) -> int:
        return math.ceil(self.n_rows / self.batch_size)


WORKLOADS = {
    "W1": Workload("MNIST, 784-400-20, ReLU, batch 128", 60000, 784, (400,), 20, "relu",
                   "bernoulli", 128),
    "W2": Workload("MNIST, 784-200-200-50, tanh, batch 20", 60000, 784, (200, 200), 50, "tanh",
                   "bernoulli", 20),
    "W3": Workload("table 20,000 × 21, 64-32-8, batch 128", 20000, 21, (64, 32), 8, "relu",
                   "gaussian", 128),
}  # fmt: skip


def pixels(n_rows: int, part: str = "train") -> NDArray[np.uint8]:
    """Return MNIST's pictures where they are at hand, else bytes that look like them.

    `part` is train or t10k, as in the names of MNIST's files.
    """
    folder = Path(__file__).parents[3] / "shared" / "data" / "mnist"
    for path in sorted(folder.glob(f"{part}-images*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            found = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
        if len(found) >= n_rows:
            return found[:n_rows].copy()
    return digits_like(n_rows)


def stacks(
    params: Mapping[str, NDArray[np.float32]], load: Workload
) -> dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Return (weight, bias) of each layer of encoder and decoder; the two heads are one layer."""
    heads = [
        np.concatenate([params[f"encoder.{name}.{part}"] for name in ("loc", "log_variance")])
        for part in ("weight", "bias")
    ]
    found = {
        side: [
            (params[f"{side}.hidden.{i}.weight"], params[f"{side}.hidden.{i}.bias"])
            for i in range(len(load.hidden))
        ]
        for side in ("encoder", "decoder")
    }
    found["encoder"].append((heads[0], heads[1]))
    found["decoder"].append((params["decoder.logits.weight"], params["decoder.logits.bias"]))
    return found


def digits_like(n_rows: int) -> NDArray[np.uint8]:
    """Return pictures of smooth strokes: four fifths black, as MNIST is."""
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((12, 784))
    values = rng.standard_normal((n_rows, 12)).astype(np.float32) @ basis.astype(np.float32)
    return (255 * np.clip(values / 3 - 0.9, 0, 1)).astype(np.uint8)
