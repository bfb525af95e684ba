"""What a training step costs on N machines, from constants measured here.

    python benchmarks/scaling.py                              # two processes over loopback
    python benchmarks/scaling.py --write docs/pytorch.md      # and renew the table of the page
    python benchmarks/scaling.py --bandwidth 2.5 --latency 30 # GB/s and µs of a network of yours

Measured: the time of a step on one core by rows (a fixed part and a part a row), and the time of
an all-reduce between two processes by bytes (latency and bandwidth). Assumed: gradients travel
round a ring, 2 (N − 1) messages of 1/N of them each, and nothing of it overlaps with computing,
which DistributedDataParallel does in part; so the figures are upper bounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

MACHINES = (1, 2, 4, 8, 16, 64)
BATCHES = (128, 1024, 8192)
_MARKS = "<!-- scaling: begin -->", "<!-- scaling: end -->"


@dataclass(frozen=True)
class Line:
    """seconds = fixed + slope · amount, by least squares of relative errors."""

    fixed: float
    slope: float

    @classmethod
    def through(cls, amounts: Sequence[float], seconds: Sequence[float]) -> Line:
        weights = 1 / np.asarray(seconds)
        design = np.stack([weights, weights * np.asarray(amounts)], axis=1)
        (fixed, slope), *_ = np.linalg.lstsq(design, np.ones(len(seconds)), rcond=None)
        return cls(max(float(fixed), 0.0), float(slope))

    def __call__(self, amount: float) -> float:
        return self.fixed + self.slope * amount


def fastest(function: Any, repeats: int, clock: Any = time.perf_counter) -> float:
    times = []
    for _ in range(repeats):
        started = clock()
        function()
        times.append(clock() - started)
    return min(times)  # what others on the machine take is not part of the cost


def measure_steps() -> tuple[Line, int]:
    """Return the line of step seconds by rows on one core, and the bytes of all gradients."""
    import torch

    import klosed
    from klosed.engines.base import Batch, Task
    from klosed.engines.torch import TorchEngine
    from klosed.models import Scaling
    from klosed.training import Adam

    torch.set_num_threads(1)
    spec, rng = klosed.VAESpec(784), np.random.default_rng(0)
    x = rng.integers(0, 256, (4096, 784), dtype=np.uint8)
    sizes, seconds = (32, 128, 512, 2048), []
    for size in sizes:
        engine = TorchEngine(spec, device="cpu")
        params = engine.init(0)
        moments = Adam().init(params)
        stepper = engine.stepper(Task(params, moments, Adam(), x, Scaling.bytes(), size, 1.0, 0))
        noise = rng.standard_normal((size, 20), np.float32)
        batch = Batch(np.arange(size), lambda: noise)  # noqa: B023
        repeats = 30 if size < 1000 else 8
        # one thread: the time of the processor is what a core of one's own would take
        step = partial(stepper.steps, [batch], 0)
        seconds.append(fastest(step, repeats, time.process_time))
    return Line.through(sizes, seconds), sum(array.nbytes for array in params.values())


def _reduce(rank: int, port: int, sizes: Sequence[int], results: Any) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1",
                      MASTER_PORT=str(port))  # fmt: skip
    import torch
    import torch.distributed as dist

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for size in sizes:
        t = torch.zeros(size // 4)
        dist.all_reduce(t)
        dist.barrier()
        results.append(fastest(lambda: dist.all_reduce(t), 40 if size < 10**6 else 12))  # noqa: B023
    dist.destroy_process_group()


def measure_link() -> Line:
    """Return the line of all-reduce seconds by bytes between two processes over loopback."""
    sizes = (256, 4096, 2**16, 2**20, 2**22, 2**24)
    context = multiprocessing.get_context("spawn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with context.Manager() as manager:
        results = [manager.list(), manager.list()]
        workers = [
            context.Process(target=_reduce, args=(rank, port, sizes, results[rank]))
            for rank in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds = list(results[0])
    return Line.through(sizes, seconds)


def measure_noise() -> float:
    """Return the seconds that the noise of one row takes, which every process draws for all."""
    from klosed.random import Purpose, standard_normal

    def draw() -> None:
        standard_normal(0, Purpose.TRAINING_NOISE, 0, (8192, 20))

    return fastest(draw, 20, time.process_time) / 8192


def all_reduce_seconds(n: int, size: int, link: Line) -> float:
    """Two machines exchange 2 messages and send every byte once; N send 2 (N − 1)/N of them."""
    return (n - 1) * link.fixed + 2 * (n - 1) / n * size * link.slope if n > 1 else 0.0


def table(step: Line, noise: float, size: int, link: Line, where: str) -> str:
    lines = [
        f"Measured ({where}): a step of W1 takes {1e3 * step.fixed:.2f} ms and "
        f"{1e6 * step.slope:.1f} µs a row on one core; an all-reduce between two processes "
        f"{1e6 * link.fixed:.0f} µs and {1e-9 / link.slope:.2f} GB/s; the gradients are "
        f"{1e-6 * size:.2f} MB; the noise of the whole batch, which every machine draws, takes "
        f"{1e6 * noise:.2f} µs a row.",
        "",
        "| machines | MB sent by each | all-reduce, ms | "
        + " | ".join(f"step at batch {b}, ms (speed-up)" for b in BATCHES)
        + " | rows a machine where it costs 10 % |",
        "|---" * (4 + len(BATCHES)) + "|",
    ]
    for n in MACHINES:
        reduce = all_reduce_seconds(n, size, link)
        cells = []
        for batch in BATCHES:
            seconds = step(batch / n) + reduce + (batch - batch / n) * noise
            cells.append(f"{1e3 * seconds:.1f} ({step(batch) / seconds:.1f}×)")
        enough = max(0.0, (10 * reduce - step.fixed) / step.slope)
        sent = 1e-6 * 2 * (n - 1) / n * size
        lines.append(
            f"| {n} | {sent:.2f} | {1e3 * reduce:.2f} | " + " | ".join(cells) + f" | {enough:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bandwidth", type=float, help="GB/s of your network, instead")
    parser.add_argument("--latency", type=float, help="µs of an all-reduce of nothing there")
    parser.add_argument("--write", type=Path, help="page whose table to renew")
    options = parser.parse_args()
    step, size = measure_steps()
    link, where = measure_link(), "one core of the development machine, gloo over loopback"
    if options.bandwidth:
        link = Line(1e-6 * (options.latency or 1e6 * link.fixed), 1e-9 / options.bandwidth)
        where = "network as given"
    text = table(step, measure_noise(), size, link, where)
    print(text)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        begin, end = map(re.escape, _MARKS)
        replaced = f"{_MARKS[0]}\n{text}\n{_MARKS[1]}"
        page = re.sub(f"{begin}.*?{end}", lambda _: replaced, page, flags=re.DOTALL)
        options.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
