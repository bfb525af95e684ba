"""Print the measured error and speed of every function of klosed.special.

    python benchmarks/special_accuracy.py [--draws 2000] [--seed 0] [--only gamma] [--speed]

Errors are in units of the last place of the true value (mpmath, 60 digits and more), the largest
over fresh random draws; times are milliseconds of processor time for a million elements.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.special.cases import CASES
from tests.special.truth import Case, arguments, errors_in_ulp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--speed", action="store_true", help="also time a million elements")
    parser.add_argument("--worst", action="store_true", help="also show where it is worst")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    times = "| NumPy f64 | f32 " if args.speed else ""
    print(f"| function | range | ulp float64 | ulp float32 {times}|")
    print("|" + "---|" * (6 if args.speed else 4))
    for case in CASES:
        if args.only not in case.name:
            continue
        row = [case.name, case.range]
        for dtype in (np.float64, np.float32):
            if case.ulp[dtype is np.float32] is None:
                row.append("–")
                continue
            drawn = arguments(case, dtype, rng, args.draws)
            worst = max(errors_in_ulp(case, drawn, case.function(*drawn)))
            row.append(f"{worst[0]:.1f}" + (f" at {worst[1]}" if args.worst else ""))
        if args.speed:
            row += [f"{milliseconds(case, dtype, rng):.1f}" for dtype in (np.float64, np.float32)]
        print("| " + " | ".join(row) + " |", flush=True)


def milliseconds(case: Case, dtype: type, rng: np.random.Generator) -> float:
    drawn = arguments(case, dtype, rng, 1_000_000)
    taken = []
    for _ in range(5):
        start = time.thread_time()
        case.function(*drawn)
        taken.append(time.thread_time() - start)
    return 1e3 * min(taken)


if __name__ == "__main__":
    main()
