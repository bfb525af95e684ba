"""Measure how exact the KLs of klosed and other libraries are, against mpmath.

    python benchmarks/kl_accuracy.py [--libraries klosed torch] [--seed 0] [--cases 100]
    python benchmarks/kl_accuracy.py --table docs/kl-accuracy.md

The first form draws the cases of tests/accuracy, asks every library that imports here, and writes
benchmarks/results/kl_accuracy_<library>.json. The same seed draws the same cases in any
environment, so that a second one can add its libraries. The second form measures nothing: it
renders the page from those files. Needs klosed with its `test` extra.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from accuracy_arrays import ArrayPair
from kl_page import page
from kl_peers import KL, PEERS, UnknownError

from accuracy import DIGITS, REGIMES, Pair, point
from klosed import Distribution, MultivariateNormal

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TINY, HUGE = float(np.finfo(float).smallest_normal), float(np.finfo(float).max)


@dataclass(frozen=True)
class Batch:
    """Two batches of distributions and the true KL of each pair, worked out once asked for."""

    q: Distribution
    p: Distribution
    solve: Callable[[], Sequence[Any]]

    @cached_property
    def truths(self) -> Sequence[Any]:
        return self.solve()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--libraries", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=100, help="for each pair and regime")
    parser.add_argument(
        "--only", default="", help="pairs whose name contains this; others keep their rows"
    )
    parser.add_argument("--table", type=Path, metavar="PAGE", help="render the page and stop")
    args = parser.parse_args()
    if args.table:
        found = {name: read(name) for name in PEERS if path_of(name).exists()}
        args.table.write_text(page(found))
        return
    libraries = loaded(args.libraries)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in libraries}
    for pair in pairs(args.only):
        for regime in pair.regimes:
            rng = np.random.default_rng([args.seed, zlib.crc32(f"{pair.name} {regime}".encode())])
            batches = list(drawn(pair, rng, args.cases, regime))
            for name, kl in libraries.items():
                row = measured(kl, batches)
                if row:
                    rows[name].append({"pair": pair.name, "regime": regime, **row})
                    print(f"{pair.name:36s} {regime:9s} {name:8s} {summary(row)}", flush=True)
    for name in libraries:
        write(name, kept(name, args) + rows[name], args)


def loaded(names: Sequence[str]) -> dict[str, KL]:
    libraries = {}
    for name in names:
        try:
            libraries[name] = PEERS[name].load()
        except (ImportError, AttributeError) as error:
            print(f"{PEERS[name].title} is left out: {type(error).__name__}: {error}")
    return libraries


def pairs(only: str) -> Iterator[Pair | ArrayPair]:
    for path in sorted((ROOT / "tests" / "accuracy").glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except ImportError as error:
            print(f"{path.name} is left out: {error}")
            continue
        vectors = normal_vectors(module) if path.stem == "test_multivariate_normal" else []
        yield from (pair for pair in (*getattr(module, "PAIRS", ()), *vectors) if only in pair.name)


def normal_vectors(module: Any) -> list[ArrayPair]:
    """Return the cases of normal vectors, whose test draws and solves them in its own way."""

    def of(name: str) -> ArrayPair:
        def draw(rng: np.random.Generator, regime: str) -> Any:
            p = module.drawn(rng, name)
            size = 1.0 if regime == "ordinary" else 10.0 ** rng.uniform(-12, 0)
            return module.moved(rng, p, size), p

        def exact(q: Any, p: Any) -> Any:
            as_arrays = ({n: np.array(x.tolist(), float) for n, x in s.items()} for s in (q, p))
            return (module.exact(*({**s, "loc": s["loc"].ravel()} for s in as_arrays))[0],)

        return ArrayPair(
            f"multivariate_normal_{name}", MultivariateNormal, MultivariateNormal, exact, draw,
            ("ordinary", "near"),
        )  # fmt: skip

    return [of(name) for name in module.NAMES]


def drawn(pair: Pair | ArrayPair, rng: np.random.Generator, n: int, regime: str) -> Iterator[Batch]:
    """Yield n cases: at once, or one at a time where each has its own dimension."""
    if isinstance(pair, ArrayPair):
        for _ in range(n):
            q, p = pair.draw_as(rng, regime, np.float64)
            yield Batch(pair.q(**q), pair.p(**p), partial(solved_alone, pair, q, p))
        return
    q, p = pair.draw_as(rng, n, regime, np.float64)
    yield Batch(pair.q(**q), pair.p(**p), partial(solved, pair, q, p, n, regime))


def solved_alone(pair: ArrayPair, q: Any, p: Any) -> list[Any]:
    return [pair.truth(q, p, slopes=False)[0]]


def solved(pair: Pair, q: Any, p: Any, n: int, regime: str) -> list[Any]:
    with mp.workdps(pair.digits or DIGITS[regime]):
        exactly = (
            ({k: mp.mpf(v) for k, v in point(side, i).items()} for side in (q, p)) for i in range(n)
        )
        return [pair.exact(*sides) for sides in exactly]


def measured(kl: KL, batches: Sequence[Batch]) -> dict[str, Any]:
    """Return what a library makes of the cases; nothing where it does not know the pair."""
    row = dict.fromkeys(("cases", "negative", "nonfinite", "lost"), 0)
    worst = 0.0
    q, p = batches[0].q, batches[0].p
    named = {"q": type(q).__name__, "p": type(p).__name__, "given": [*q.parameters, *p.parameters]}
    try:
        for batch in batches:
            values = np.ravel(kl(batch.q, batch.p))
            for value, true in zip(values, batch.truths, strict=True):
                if true > 0.999 * HUGE:  # infinity and the largest number are both right
                    continue
                error = relative(value, true)
                row["cases"] += 1
                row["nonfinite"] += int(not np.isfinite(value))
                row["negative"] += int(np.isfinite(value) and value < 0)
                row["lost"] += int(np.isfinite(value) and error > 0.5)
                worst = max(worst, error if np.isfinite(value) else 0.0)
    except UnknownError:
        return {}
    except (TypeError, ValueError, RuntimeError) as error:
        return {**named, "raises": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return {**named, **row, "error": worst}


def relative(value: float, true: Any) -> float:
    """Return the relative error; among subnormal numbers that to the smallest normal one."""
    if not np.isfinite(value):
        return np.inf
    if true == 0:  # near-equal parameters that rounded to equal ones: sign is all that counts
        return 0.0
    return float(abs(mp.mpf(float(value)) - true) / max(true, mp.mpf(TINY)))


def summary(row: dict[str, Any]) -> str:
    if "raises" in row:
        return row["raises"]
    counts = "  ".join(f"{name} {row[name]}" for name in ("negative", "nonfinite", "lost"))
    return f"{row['error']:9.2g}  {counts}  of {row['cases']}"


def path_of(name: str) -> Path:
    return RESULTS / f"kl_accuracy_{name}.json"


def read(name: str) -> dict[str, Any]:
    return json.loads(path_of(name).read_text())


def kept(name: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of pairs that were not measured now, if their cases were drawn alike."""
    old = read(name) if args.only and path_of(name).exists() else {}
    alike = all(old.get(key) == getattr(args, key) for key in ("seed", "cases"))
    return [row for row in old["rows"] if args.only not in row["pair"]] if alike else []


def write(name: str, rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    head = {
        "title": PEERS[name].title,
        "versions": {package: version(package) for package in PEERS[name].packages},
        "python": platform.python_version(),
        "processor": processor(),
        "date": time.strftime("%Y-%m-%d"),
        "seed": args.seed,
        "cases": args.cases,
        "regimes": REGIMES,
    }
    listed = ",\n".join(json.dumps(row) for row in rows)
    RESULTS.mkdir(exist_ok=True)
    path_of(name).write_text(f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n{listed}\n]}}\n')


def processor() -> str:
    """Return the processor's name where the system tells it, else its architecture."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
