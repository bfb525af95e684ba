"""Training on an .npy file larger than this machine's memory: does memory stay flat?

    python benchmarks/larger_than_memory.py [--gib GIB] [--steps 300] [--stream MIB]

The file is sparse, so that it takes no room on disk; to whoever reads it, it is full of zeros.
Mapped (--stream 0): steps on rows from all over the file, of which only pages that were touched
are read. Streamed: blocks are read in turn, as `klosed train --stream` does. What the system
keeps of the file in memory it gives back when asked, so what counts is the process's own memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from klosed import VAESpec, engine
from klosed.engines.base import Batch, Task
from klosed.models import Scaling
from klosed.random import Purpose, standard_normal
from klosed.training.optimizers import Adam

N_FEATURES, LATENT, BATCH = 784, 20, 128


def sparse(path: Path, gib: float) -> Path:
    """Write an .npy header and leave the rest of the file a hole."""
    rows = int(gib * 2**30) // N_FEATURES
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, N_FEATURES)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + rows * N_FEATURES)
    return path


def own_memory() -> float:
    """Return the MiB of this process that are no file's pages."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def everywhere(n: int) -> Iterator[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    while True:
        yield rng.integers(0, n, BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    parser.add_argument("--gib", type=float, default=round(1.3 * memory, 1))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--stream", type=int, default=0, metavar="MIB")
    parser.add_argument("--folder", default=None)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = sparse(Path(folder) / "huge.npy", args.gib)
        x: Any = np.load(path, mmap_mode="r")
        batches = everywhere(len(x))
        if args.stream:
            x = open_stream_without_a_look(path, args.stream)
            order = x.order(0, 0, BATCH)
            batches = (order.batch(i) for i in range(len(order)))
        fused, adam = engine("fused", VAESpec(N_FEATURES, LATENT, (400,))), Adam()
        params = fused.init(0)
        task = Task(params, adam.init(params), adam, x, Scaling.bytes(), BATCH, 1.0, 0)
        stepper = fused.stepper(task)
        done, shown, started = 0, 0, time.perf_counter()
        print(f"{path.stat().st_size / 2**30:.1f} GiB on a machine of {memory:.1f} GiB")
        while done < args.steps:
            chunk = [
                Batch(rows, lambda at=done + i: noise(at))
                for i, rows in enumerate(islice(batches, stepper.steps_at_once))
            ]
            if not chunk:
                break
            losses = stepper.steps(chunk, done)
            done += len(chunk)
            if done >= shown:
                shown = max(2 * done, 100)
                print(
                    f"{done:6d} steps, {time.perf_counter() - started:6.1f} s, loss "
                    f"{losses[-1]:8.3f}, own memory {own_memory():6.1f} MiB",
                    flush=True,
                )


def open_stream_without_a_look(path: Path, mib: int) -> Any:
    """Return the file's rows without the pass over all of them that finds their range."""
    from klosed.datasets.streaming import _npy

    rows, _ = _npy(path, mib * 2**20)
    return rows


def noise(step: int) -> np.ndarray[Any, Any]:
    return standard_normal(0, Purpose.TRAINING_NOISE, step, (BATCH, LATENT))


if __name__ == "__main__":
    main()
