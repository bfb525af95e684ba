"""Time KL and its gradient on large arrays: klosed against torch.distributions, interleaved.

    python benchmarks/kl_speed.py [--threads 1 2] [--rounds 20] [--only Gamma] [--write]
    python benchmarks/kl_speed.py --table docs/kl-speed.md

Every round times each contender once on the same numbers, so that whatever else the machine does
falls on all of them. Each turn begins with a rest: PyTorch's threads stay awake for about 7 ms
after an operation, and would take a processor from the next in turn. On one thread times are the
processor's, which leave the neighbours out; on several they are the wall's, so the machine must
be idle. A ratio is time / time of torch.distributions in the same round, below 1 where klosed is
faster. `--write` keeps the figures in benchmarks/results/, `--table` renders them.
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
# seconds before each turn, in which the threads of the one before come to rest
_REST = 0.02

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
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose title contains this")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--table", type=Path, help="render the kept figures as this page")
    args = parser.parse_args()
    if args.table:
        args.table.write_text(page(json.loads(RESULTS.read_text())))
        return
    told = {"torch": version("torch"), "numpy": version("numpy"), "klosed": version("klosed")}
    head = {
        "versions": told,
        "processor": processor(),
        "date": time.strftime("%Y-%m-%d"),
        "rounds": args.rounds,
    }
    print(json.dumps(head, ensure_ascii=False))
    print("| value and gradient | threads | contender | ms | quartiles | ratio | quartiles |")
    print("|" + "---|" * 7)
    rows = []
    for dtype in (np.float64, np.float32):
        for title, (family, *sides) in cases(np.random.default_rng(0)).items():
            if args.only not in title:
                continue
            title = f"{title}, {np.dtype(dtype).name}"
            numbers = [{k: v.astype(dtype) for k, v in side.items()} for side in sides]
            for threads in args.threads:
                torch.set_num_threads(threads)  # which klosed keeps to as well
                with threadpool_limits(threads):
                    rows += measured(title, threads, contenders(family, *numbers), args.rounds)
    if args.write:
        RESULTS.write_text(json.dumps(head | {"rows": rows}, indent=1, ensure_ascii=False) + "\n")


def measured(
    title: str, threads: int, runs: Mapping[str, Run], rounds: int
) -> list[dict[str, Any]]:
    for run in runs.values():
        run()
    clock = time.process_time if threads == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        order = list(runs) if turn % 2 else list(runs)[::-1]
        for name in order:
            time.sleep(_REST)
            start = clock()
            runs[name]()
            taken[name].append(1e3 * (clock() - start))
    rows = []
    for name, times in taken.items():
        ms = np.quantile(times, (0.25, 0.5, 0.75)).round(2)
        ratio = np.quantile(np.divide(times, taken[PEER]), (0.25, 0.5, 0.75)).round(3)
        rows.append(
            {"case": title, "threads": threads, "contender": name}
            | {"ms": ms.tolist(), "ratio": ratio.tolist()}
        )
        print(
            f"| {title} | {threads} | {name} | {ms[1]:.1f} | {ms[0]:.1f} … {ms[2]:.1f} | "
            f"{ratio[1]:.2f} | {ratio[0]:.2f} … {ratio[2]:.2f} |",
            flush=True,
        )
    return rows


def page(kept: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    by_case: dict[tuple[str, int], dict[str, Any]] = {}
    for row in kept["rows"]:
        by_case.setdefault((row["case"], row["threads"]), {})[row["contender"]] = row
    lines = []
    for (case, threads), rows in by_case.items():
        ours = (rows[name] for name in ("klosed on torch", "klosed on NumPy"))
        cells = [case, threads, f"{rows[PEER]['ms'][1]:.1f}"]
        cells += [f"{row['ms'][1]:.1f} ({row['ratio'][1]:.2f})" for row in ours]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    versions = kept["versions"]
    return f"""# How fast KL divergences are

KL(q‖p) of a million elements and its gradient in every parameter, in milliseconds; in brackets the
ratio to torch.distributions on the same arrays, below 1 where klosed is faster. klosed on torch is
`kl_divergence(q, p).sum().backward()`, as for torch.distributions; klosed on NumPy is
`kl_value_and_grad(q, p)`. Parameters are checked by both.

| value and gradient | threads | torch.distributions | klosed on torch | klosed on NumPy |
|---|---|---|---|---|
{chr(10).join(lines)}

Medians of {kept["rounds"]} rounds in which all take turns, each after a rest; PyTorch
{versions["torch"]}, NumPy {versions["numpy"]}, {kept["processor"]}, {kept["date"]}.
Measure your own machine with `python benchmarks/kl_speed.py`; this page is rendered by
`python benchmarks/kl_speed.py --table docs/kl-speed.md` from what `--write` keeps.

## How

- A formula is some dozens of operations on arrays; in Gamma they are four hundred. Called one by
  one, as NumPy and PyTorch call them, each reads and writes whole arrays. For batches of more than
  half a megabyte klosed calls its formula once on arrays without numbers, which keep the list of
  operations, equal ones once, for the value and every gradient together. Then the list is run on
  blocks of 4 KiB, which stay in the processor's first-level cache. The operations are NumPy's own
  inner loops; calling one after another without the interpreter takes forty lines of assembly,
  which LLVM translates. There is no second copy of a formula, and no rounding of its own.
- LLVM comes with Numba: `pip install 'klosed[fast]'`. The first large batch of a process waits a
  tenth of a second for it. Nothing is kept on disk.
- Without LLVM, for matrices, for events of fewer than 64 numbers or of 65,536 and more, and for
  the few formulas that look at numbers on their way, batches are walked in blocks of half a
  megabyte through NumPy: up to 2.7 times slower on one thread.
- With PyTorch value and gradients are worked out forward, where a gradient is wanted; backward only
  multiplies.
- Blocks are shared among threads: at most four, no more than `torch.get_num_threads()` where
  PyTorch is loaded, than `OMP_NUM_THREADS`, and than the processors the process may use. A list of
  operations runs without Python's lock; a walk needs it between any two, and gains less.
- glibc hands memory that arrays leave back to the system until a program has freed a large one,
  and then clears it anew, which for tens of thousands of elements can take longer than the
  formula. klosed frees a large one first.
- PyTorch's own threads stay awake for about 7 ms after an operation. A KL right behind one finds a
  processor taken, and gains less from a second thread.
"""


if __name__ == "__main__":
    main()
