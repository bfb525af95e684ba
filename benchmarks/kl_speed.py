"""Time KL and its gradient on large arrays: klosed against torch.distributions, interleaved.

    python benchmarks/kl_speed.py [--threads 1] [--rounds 20] [--only Gamma] [--write]

Every round times each contender once on the same numbers, so that whatever else the machine does
falls on all of them. Times are the processor's, over all threads, because on a shared machine the
clock on the wall counts the neighbours; on one thread of an idle machine the two are the same. A
ratio is time / time of torch.distributions in the same round, below 1 where klosed is faster.
`--write` keeps the figures in benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kl_accuracy import processor
from threadpoolctl import threadpool_limits

import klosed

RESULTS = Path(__file__).parent / "results" / "kl_speed.json"
MILLION = 1_000_000
PEER = "torch.distributions"

Numbers = Mapping[str, np.ndarray]
Run = Callable[[], object]


def cases(rng: np.random.Generator) -> dict[str, tuple[str, Numbers, Numbers]]:
    """Return title -> family, q's and p's parameters."""

    def normal() -> Numbers:
        return {"loc": rng.standard_normal(MILLION), "scale": rng.uniform(0.5, 2.0, MILLION)}

    def gamma() -> Numbers:
        return {name: rng.uniform(0.5, 5.0, MILLION) for name in ("concentration", "rate")}

    def logits(*shape: int) -> Numbers:
        return {"logits": 2 * rng.standard_normal(shape)}

    return {
        "Normal, 1,000,000": ("Normal", normal(), normal()),
        "Bernoulli logits, 1,000,000": ("Bernoulli", logits(MILLION), logits(MILLION)),
        "Gamma, 1,000,000": ("Gamma", gamma(), gamma()),
        "Categorical logits, 1,000 × 1,000": (
            "Categorical",
            logits(1000, 1000),
            logits(1000, 1000),
        ),
    }


def contenders(family: str, q: Numbers, p: Numbers) -> dict[str, Run]:
    """Return name -> a function that computes the KLs and their gradient in every parameter."""
    ours, theirs = getattr(klosed, family), getattr(torch.distributions, family)
    sides = [{k: torch.from_numpy(v).requires_grad_() for k, v in side.items()} for side in (q, p)]
    leaves = [leaf for side in sides for leaf in side.values()]

    def backward(kl: Callable[[Any, Any], Any], family: Callable[..., Any]) -> Run:
        def run() -> None:
            for leaf in leaves:
                leaf.grad = None
            kl(family(**sides[0]), family(**sides[1])).sum().backward()

        return run

    return {
        "klosed on NumPy": lambda: klosed.kl_value_and_grad(ours(**q), ours(**p)),
        "klosed on torch": backward(klosed.kl_divergence, ours),
        PEER: backward(torch.distributions.kl_divergence, theirs),
    }


def timed(run: Run) -> tuple[float, float]:
    """Return milliseconds of the processor, and on the wall."""
    start = time.process_time(), time.perf_counter()
    run()
    return 1e3 * (time.process_time() - start[0]), 1e3 * (time.perf_counter() - start[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="for torch and for BLAS alike")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose title contains this")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    told = {"torch": version("torch"), "numpy": version("numpy"), "klosed": version("klosed")}
    head = {
        "versions": told,
        "processor": processor(),
        "date": time.strftime("%Y-%m-%d"),
        "threads": args.threads,
        "rounds": args.rounds,
    }
    print(json.dumps(head, ensure_ascii=False))
    print("| value and gradient | contender | ms | quartiles | ratio | quartiles | on the wall |")
    print("|" + "---|" * 7)
    rows = []
    for dtype in (np.float64, np.float32):
        for title, (family, *sides) in cases(np.random.default_rng(0)).items():
            if args.only not in title:
                continue
            title = f"{title}, {np.dtype(dtype).name}"
            if not hasattr(klosed, family):
                print(f"{title}: klosed has no {family}; left out")
                continue
            numbers = [{k: v.astype(dtype) for k, v in side.items()} for side in sides]
            with threadpool_limits(args.threads):
                rows += measured(title, contenders(family, *numbers), args.rounds)
    if args.write:
        RESULTS.write_text(json.dumps(head | {"rows": rows}, indent=1, ensure_ascii=False) + "\n")


def measured(title: str, runs: Mapping[str, Run], rounds: int) -> list[dict[str, Any]]:
    for run in runs.values():
        run()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn in range(rounds):
        order = list(runs) if turn % 2 else list(runs)[::-1]
        for name in order:
            taken[name].append(timed(runs[name]))
    rows = []
    for name, times in taken.items():
        ms = np.quantile(times, (0.25, 0.5, 0.75), axis=0)[:, 0]
        ratios = np.divide(times, taken[PEER])
        low, ratio, high = np.quantile(ratios[:, 0], (0.25, 0.5, 0.75))
        on_wall = np.median(ratios[:, 1])
        rows.append(
            {"case": title, "contender": name, "ms": ms.round(2).tolist()}
            | {"ratio": np.round([low, ratio, high], 3).tolist(), "wall": round(on_wall, 3)}
        )
        print(
            f"| {title} | {name} | {ms[1]:.1f} | {ms[0]:.1f} … {ms[2]:.1f} | "
            f"{ratio:.2f} | {low:.2f} … {high:.2f} | {on_wall:.2f} |",
            flush=True,
        )
    return rows


if __name__ == "__main__":
    main()
