"""One contender in a process of its own: it answers each line it reads with one measurement.

    python worker.py CONTENDER WORKLOAD THREADS

Processes of their own keep thread pools apart, and make peak memory the contender's own. The
first line says that the first epoch, compilation included, is over.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import replace

import numpy as np
from workloads import WORKLOADS, Workload, pixels

KLOSED = ("reference", "fused")
W4_ROWS, W4_SAMPLES = 1000, 5000


def say(**told: object) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told | {"peak_mb": round(peak)}), flush=True)


def next_turn() -> bool:
    return sys.stdin.readline().strip() == "go"


def load_of(workload: str) -> Workload:
    """Return the workload of that name; ``rows:N`` is W3's table with N rows."""
    if workload.startswith("rows:"):
        return replace(WORKLOADS["W3"], n_rows=int(workload.removeprefix("rows:")))
    return WORKLOADS[workload]


def epochs(contender: str, workload: str, threads: int) -> None:
    load = load_of(workload)
    started = time.perf_counter()
    if contender.startswith(KLOSED):
        from ours import train

        clock = [started]

        def turn(loss: float | None) -> bool:
            now = time.perf_counter()
            if loss is None:
                return True
            say(seconds=now - clock[0], loss=loss)
            go_on = next_turn()
            clock[0] = time.perf_counter()
            return go_on

        train(load, contender, turn)
        return
    if contender == "numpy":
        from peer_numpy import prepare

        epoch = prepare(load)
    elif contender == "jax":
        from peer_jax import prepare

        epoch = prepare(load)
    else:
        from peer_torch import prepare

        epoch = prepare(
            load, threads, compiled="compile" in contender, bf16=contender.endswith("bf16")
        )
    while True:
        loss = epoch()
        say(seconds=time.perf_counter() - started, loss=loss)
        if not next_turn():
            return
        started = time.perf_counter()


def inference(contender: str, trained: str, threads: int) -> None:
    """Encode, decode and score pictures under W1's model; `trained` is the file that holds it."""
    load, pictures = WORKLOADS["W1"], pixels(W4_ROWS, "t10k")
    with np.load(trained) as file:
        params = dict(file)
    if contender.startswith(KLOSED):
        from ours import inference

        runs = inference(load, threads, pictures, W4_SAMPLES, contender, params)
    elif contender == "jax":
        from peer_jax import inference

        runs = inference(load, pictures, W4_SAMPLES, params)
    else:
        from peer_torch import inference

        compiled = contender.endswith("compile")
        runs = inference(load, threads, pictures, W4_SAMPLES, params, compiled=compiled)
    while True:
        told = {}
        for name, run in runs.items():
            started = time.perf_counter()
            repeats = 1 if name == "likelihood" else 20
            for _ in range(repeats):
                found = run()
            told[name] = (time.perf_counter() - started) / repeats
        say(**told, seconds=sum(told.values()), loss=-found)
        if not next_turn():
            return


def sgemm_rate() -> None:
    """Measure the best rate of single-precision products in GFLOP/s, over shapes and calls."""
    import numpy as np

    rng = np.random.default_rng(0)
    pairs = [
        [rng.standard_normal(shape, np.float32) for shape in shapes]
        for shapes in (((2048, 2048), (2048, 2048)), ((1024, 784), (784, 400)))
    ]
    while True:
        best = 0.0
        for a, b in pairs:
            for _ in range(10):
                started = time.perf_counter()
                a @ b
                flops = 2 * a.shape[0] * a.shape[1] * b.shape[1]
                best = max(best, flops / (time.perf_counter() - started) / 1e9)
        say(seconds=best)
        if not next_turn():
            return


def main() -> None:
    contender, workload, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if contender == "sgemm":
        sgemm_rate()
    elif workload.startswith("W4:"):
        inference(contender, workload.removeprefix("W4:"), threads)
    else:
        epochs(contender, workload, threads)


if __name__ == "__main__":
    main()
