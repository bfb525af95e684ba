"""klosed beside PyTorch, JAX and plain NumPy: the same VAEs, taking turns in one run.

    python benchmarks/vae/run.py [W1 W2 W3 W4 W5 rows] [--threads 2] [--rounds 5] [--write]

Each contender lives in a process of its own and is asked in turn for one epoch (W4: one pass of
inference), the order reversed every other round, so that whatever else the machine does falls on
all of them. What is read is the ratio to klosed's fused engine in the same round. `--write` keeps
the figures in benchmarks/results/ and renders docs/speed.md. A contender that is not installed is
left out by name.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cold import CASES as COLD
from workloads import WORKLOADS

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "vae_speed.json"
TRAINING = ("fused", "fused bf16x3", "fused bf16", "reference", "torch", "torch compile",
            "torch bf16", "torch compile bf16", "jax", "numpy")  # fmt: skip
INFERENCE = ("fused", "fused untrained", "reference", "torch", "torch compile", "jax")
W4_EPOCHS = 5
NEEDS = {"fused": "numba", "torch": "torch", "jax": "jax"}


class Worker:
    """A contender's process."""

    def __init__(self, contender: str, workload: str, threads: int, **env: str) -> None:
        self.contender = contender
        command = [sys.executable, str(HERE / "worker.py"), contender, workload, str(threads)]
        limits = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
            str(threads),
        )
        # A core type forced from outside would slow some contenders and not others.
        inherited = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=inherited | limits | env,
            # whoever counts processors, JAX and klosed among them, finds as many as are meant
            preexec_fn=lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads]),
        )
        self.first = self.read()

    def read(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.contender} stopped; its error stands above")
        return json.loads(line)

    def turn(self) -> dict[str, Any]:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@contextlib.contextmanager
def workers(contenders: list[str], workload: str, threads: int) -> Iterator[list[Worker]]:
    started: list[Worker] = []
    try:
        started.extend(Worker(contender, workload, threads) for contender in contenders)
        yield started
    finally:
        for worker in started:
            worker.stop()


def installed(contenders: tuple[str, ...]) -> list[str]:
    found = []
    for contender in contenders:
        need = NEEDS.get(contender.split()[0])
        try:
            if need:
                version(need)
            found.append(contender)
        except PackageNotFoundError:
            print(f"{contender}: {need} is not installed; left out")
    return found


def best_sgemm(threads: int) -> float:
    """Return the best rate of single-precision products over OpenBLAS's kernels, in GFLOP/s."""
    rates = []
    for env in ({}, {"OPENBLAS_CORETYPE": "SkylakeX"}, {"OPENBLAS_CORETYPE": "Haswell"}):
        worker = Worker("sgemm", "W1", threads, **env)
        try:
            rates += [worker.turn()["seconds"] for _ in range(2)]
        except RuntimeError:
            continue  # a kernel that this processor cannot run
        finally:
            worker.stop()
    return max(rates)


def measure(workload: str, contenders: list[str], threads: int, rounds: int) -> dict[str, Any]:
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    with workers(contenders, workload, threads) as running:
        first = {worker.contender: worker.first["seconds"] for worker in running}
        for turn in range(rounds):
            for worker in running if turn % 2 else running[::-1]:
                taken[worker.contender].append(worker.turn())
    base = taken[contenders[0]]
    parts = [k for k in base[0] if k not in ("peak_mb", "loss")]
    rows = {}
    for name, turns in taken.items():
        row: dict[str, Any] = {"first": round(first[name], 3), "peak_mb": turns[-1]["peak_mb"]}
        for part in parts:
            times = [turn[part] for turn in turns]
            ratios = [t / ours[part] for t, ours in zip(times, base, strict=True)]
            row[part] = spread(times) | {"ratio": spread(ratios)}
        if "loss" in turns[0]:
            row["loss"] = round(turns[-1]["loss"], 2)
        rows[name] = row
    return {"rows": rows, "rounds": rounds}


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = min(values), statistics.median(values), max(values)
    return {"low": float(f"{low:.4g}"), "median": float(f"{middle:.4g}"),
            "high": float(f"{high:.4g}")}  # fmt: skip


def cold_starts(rounds: int) -> dict[str, Any]:
    """Time whole processes, from nothing to their last line; caches warm.

    Python's own cache of modules is one of them: pip fills it for whatever it installs, and the
    klosed of this checkout, like all others, shall not be translated anew each time.
    """
    unwanted = ("OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE")
    env = {k: v for k, v in os.environ.items() if k not in unwanted}
    taken: dict[str, list[float]] = {name: [] for name in COLD}
    for turn in range(rounds + 1):
        for name, code in COLD.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=env, capture_output=True)
            if turn:  # the first fills the caches
                taken[name].append(time.perf_counter() - started)
    return {"rows": {name: spread(times) for name, times in taken.items()}, "rounds": rounds}


def measure_inference(contenders: list[str], threads: int, rounds: int) -> dict[str, Any]:
    """Measure W4 under a model that was trained: an untrained one says nothing of use."""
    from ours import train_a_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        train_a_model(WORKLOADS["W1"], W4_EPOCHS, path)
        return measure(f"W4:{path}", contenders, threads, rounds) | {"epochs": W4_EPOCHS}


def growth(threads: int, rounds: int) -> dict[str, Any]:
    """Time the fused engine on 10⁴ … 10⁶ rows: seconds a million rows, peak memory.

    A turn is a million rows for each, in as many epochs as that takes: as many steps, too.
    """
    million = 1_000_000
    counts = (10_000, 30_000, 100_000, 300_000, million)
    taken: dict[int, list[float]] = {n: [] for n in counts}
    with contextlib.ExitStack() as stack:
        running = {}
        for n in counts:
            running[n] = Worker("fused", f"rows:{n}", threads)
            stack.callback(running[n].stop)
        for turn in range(rounds + 1):
            for n, worker in running.items():
                turns = [worker.turn() for _ in range(max(1, million // n))]
                if turn:  # the first one warms up
                    rows = n * len(turns)
                    taken[n].append(sum(each["seconds"] for each in turns) * million / rows)
        peaks = {n: worker.turn()["peak_mb"] for n, worker in running.items()}
    first = taken[counts[0]]
    return {
        "rows": {
            str(n): spread(times)
            | {"peak_mb": peaks[n]}
            | {"ratio": spread([t / base for t, base in zip(times, first, strict=True)])}
            for n, times in taken.items()
        },
        "rounds": rounds,
    }


def processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    told = {"python": platform.python_version()}
    for name in ("klosed", "numpy", "numba", "scipy-openblas32", "torch", "jax"):
        with contextlib.suppress(PackageNotFoundError):
            told[name] = version(name)
    return told


def show(workload: str, result: dict[str, Any]) -> None:
    for name, row in result["rows"].items():
        seconds = row.get("seconds", row)
        ratio = seconds.get("ratio", {}).get("median")
        told = f"{seconds['median']:.4g} s [{seconds['low']:.4g} … {seconds['high']:.4g}]"
        print(f"{workload} | {name:20s} | {told}" + (f" | × {ratio:.2f}" if ratio else "")
              + (f" | {row['peak_mb']} MB" if "peak_mb" in row else ""), flush=True)  # fmt: skip


def main() -> None:
    every = [*WORKLOADS, "W4", "W5", "rows"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=every, help=" ".join(every))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="contenders, separated by commas")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if unknown := [name for name in args.workloads if name not in every]:
        parser.error(f"{unknown[0]} is none of {', '.join(every)}")
    kept = json.loads(RESULTS.read_text()) if args.write and RESULTS.exists() else {}
    head = {
        "processor": processor(),
        "threads": args.threads,
        "date": time.strftime("%Y-%m-%d"),
        "versions": versions(),
    }
    for workload in args.workloads:
        if workload == "W5":
            result = cold_starts(args.rounds)
        elif workload == "rows":
            result = growth(args.threads, args.rounds)
        else:
            all_of_them = INFERENCE if workload == "W4" else TRAINING
            contenders = installed(tuple(args.only.split(",")) if args.only else all_of_them)
            if workload == "W4":
                result = measure_inference(contenders, args.threads, args.rounds)
            else:
                result = measure(workload, contenders, args.threads, args.rounds)
        if workload in WORKLOADS:
            rate, flops = best_sgemm(args.threads), WORKLOADS[workload].flops
            result |= {"sgemm_gflops": round(rate), "floor": float(f"{flops / rate / 1e9:.4g}")}
            print(f"{workload} | floor: {result['floor']} s at {rate:.0f} GFLOP/s")
        show(workload, result)
        kept[workload] = head | result
        if args.write:
            RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    if args.write:
        from page import write

        write(kept)


if __name__ == "__main__":
    main()
