"""Training on a GPU: one command, one table.

    python benchmarks/gpu.py                  # every contender on workload W1
    python benchmarks/gpu.py --device cpu     # a rehearsal where there is no GPU

W1 is the VAE of PyTorch's example (784-400-20, ReLU, Bernoulli, batch 128, Adam) on 60,000 rows
of bytes; the figures do not depend on what they show, so the rows are random. Each contender
trains one epoch to warm up and `--repeats` more; the fastest counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import klosed
from klosed.engines.base import Task
from klosed.engines.torch import TorchEngine
from klosed.models import Scaling
from klosed.training import Adam, Callback, TrainingConfig, TrainingData, fit
from klosed.training.data import batches
from klosed.training.state import TrainingState

SPEC = klosed.VAESpec(784)
CONFIG = TrainingConfig()
ROWS, BATCH = 60_000, 128
Epoch = Callable[[], None]


class Example(nn.Module):
    """The model of PyTorch's example, as written there but for the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.fc1(x))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        output = self.fc4(F.relu(self.fc3(z)))
        bce = F.binary_cross_entropy_with_logits(output, x, reduction="sum")
        return (bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())) / len(x)


def eager_loop(x: np.ndarray, device: str) -> Epoch:
    """The loop that people write, at its best: data on the device, no wait for the loss."""
    model = Example().to(device)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    data = torch.from_numpy(x).to(device)

    def epoch() -> None:
        for rows in torch.randperm(len(data), device=device).split(BATCH):
            optimizer.zero_grad()
            model(data[rows].float() / 255).backward()
            optimizer.step()

    return epoch


def klosed_steps(x: np.ndarray, device: str, **options: object) -> Epoch:
    """klosed's torch engine as `fit` drives it: shuffling and noise drawn by NumPy included."""
    engine = TorchEngine(SPEC, device=device, **options)
    params = engine.init(0)
    state = TrainingState(params, Adam().init(params))
    task = Task(params, state.moments, Adam(), x, Scaling.bytes(), BATCH, 1.0, 0)
    stepper = engine.stepper(task)

    def epoch() -> None:
        left = batches(SPEC, CONFIG, x, range(len(x)), state, np.float32)
        while chunk := [
            batch for _, batch in zip(range(stepper.steps_at_once), left, strict=False)
        ]:
            stepper.steps(chunk, state.step)
            state.step += len(chunk)
        state.epoch += 1

    return epoch


def contenders(x: np.ndarray, device: str) -> Iterator[tuple[str, Epoch]]:
    yield "PyTorch, eager loop", eager_loop(x, device)
    yield "klosed, eager steps", klosed_steps(x, device, graph=False)
    yield "klosed, torch.compile", klosed_steps(x, device, graph=False, compile=True)
    yield "klosed, one CUDA graph a step", klosed_steps(x, device)
    yield "klosed, compiled and graphed", klosed_steps(x, device, compile=True)
    yield "klosed, graphed, bf16", klosed_steps(x, device, precision="bf16")


def seconds_of(epoch: Epoch, device: str, repeats: int) -> float:
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    times = []
    for _ in range(1 + repeats):
        wait()
        started = time.perf_counter()
        epoch()
        wait()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def seconds_of_fit(x: np.ndarray, device: str) -> float:
    """An epoch of `fit` after the first, by the clock on the wall."""
    ends = []

    class Keep(Callback):
        def on_epoch(self, record, state) -> None:
            ends.append(time.perf_counter())

    data = TrainingData(x, None, Scaling.bytes())
    fit(TorchEngine(SPEC, device=device), TrainingConfig(epochs=3), data, callbacks=[Keep()])
    return float(np.diff(ends).min())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit(
            f"This benchmark needs a GPU; PyTorch {torch.__version__} finds none. "
            "--device cpu rehearses it, for figures of no interest."
        )
    on_cuda = options.device.startswith("cuda")
    where = torch.cuda.get_device_name(options.device) if on_cuda else options.device
    x = np.random.default_rng(0).integers(0, 256, (options.rows, 784), dtype=np.uint8)
    steps = -(-len(x) // BATCH)
    print(f"{where}, PyTorch {torch.__version__}, {len(x)} rows, batch {BATCH}\n")
    print("| | ms an epoch | µs a step | times the eager loop |")
    print("|---|---|---|---|")
    figures = {}
    for name, epoch in contenders(x, options.device):
        figures[name] = seconds = seconds_of(epoch, options.device, options.repeats)
        speedup = figures["PyTorch, eager loop"] / seconds
        print(f"| {name} | {1e3 * seconds:.1f} | {1e6 * seconds / steps:.0f} | {speedup:.1f} |")
    figures["klosed train"] = seconds = seconds_of_fit(x, options.device)
    print(f"\n`klosed train` (fit), one epoch of {len(x)} rows: {1e3 * seconds:.1f} ms")
    if options.json:
        facts = {"device": where, "torch": torch.__version__, "rows": len(x), "seconds": figures}
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
