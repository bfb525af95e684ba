"""Anomaly detection on 19 public tables: VAEOutlierDetector beside what others published.

    python benchmarks/adbench.py --data FOLDER            # adds to results/adbench.json what lacks
    python benchmarks/adbench.py --table docs/outliers.md # rewrites the table there

The sets are those of ADBench (Han et al. 2022, arXiv:2206.09426), `datasets/Classical`, as .npz
files with X and y. Protocol of Livernoche et al. (2024), "On Diffusion Modeling for Anomaly
Detection", arXiv:2305.18593, table 1, semi-supervised: train on the first half of the normal rows
in file order, test on all other rows, features standardised by the training rows, AUROC × 100.
The peers' figures are the means that were published for these sets.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import klosed

RESULTS = Path(__file__).parent / "results" / "adbench.json"
PUBLISHED = {
    "PCA": 74.7,
    "PyOD's VAE": 75.7,
    "OCSVM": 78.1,
    "IsolationForest": 79.9,
    "LOF": 83.0,
    "DDPM": 83.8,
    "KNN": 85.3,
    "DTE-NP": 86.1,
}
OURS = "klosed.VAEOutlierDetector"
BEGIN, END = "<!-- adbench: begin -->", "<!-- adbench: end -->"


def split(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training rows, test rows and test labels by the protocol."""
    with np.load(path, allow_pickle=False) as data:
        X, y = data["X"].astype(float), data["y"].astype(int)
    normal = np.flatnonzero(y == 0)
    train = normal[: len(normal) // 2]
    test = np.setdiff1d(np.arange(len(y)), train)
    mean, std = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - mean) / np.where(std > 0, std, 1)
    return X[train], X[test], y[test]


def measure(folder: Path, seeds: int, names: list[str], seconds: float) -> None:
    """Measure every set with every seed, untouched defaults, and note each as soon as it is done.

    What was noted before is kept; after so many seconds nothing new is begun.
    """
    sets = json.loads(RESULTS.read_text())["sets"] if RESULTS.exists() else {}
    end = time.monotonic() + seconds
    paths = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_size)
    chosen = [path for path in paths if not names or path.stem.split("_", 1)[1] in names]
    for seed, path in itertools.product(range(seeds), chosen):
        name = path.stem.split("_", 1)[1]
        if str(seed) in sets.get(name, {}).get("runs", {}):
            continue
        if time.monotonic() > end:
            break
        train, test, labels = split(path)
        started, cpu = time.perf_counter(), time.process_time()
        detector = klosed.VAEOutlierDetector(random_state=seed).fit(train)
        fitted, fit_cpu = time.perf_counter(), time.process_time()
        scores = -detector.score_samples(test)
        run = {
            "auroc": 100 * float(roc_auc_score(labels, scores)),
            "fit_seconds": fitted - started,
            "fit_cpu_seconds": fit_cpu - cpu,
            "score_seconds": time.perf_counter() - fitted,
            "score_cpu_seconds": time.process_time() - fit_cpu,
            "steps": detector.n_steps_,
        }
        shape = {"rows": len(train), "columns": train.shape[1], "test_rows": len(test)}
        sets.setdefault(name, shape | {"runs": {}})["runs"][str(seed)] = run
        note = {"klosed": klosed.__version__, "sets": dict(sorted(sets.items(), key=by_name))}
        RESULTS.write_text(json.dumps(note, indent=1) + "\n")
        print(name, seed, {key: round(value, 2) for key, value in run.items()}, flush=True)


def by_name(item: tuple[str, object]) -> str:
    return item[0].lower()


def table() -> str:
    """Return the figures as Markdown."""
    sets = json.loads(RESULTS.read_text())["sets"]
    seeds = sorted(set.intersection(*(set(each["runs"]) for each in sets.values())))
    auroc, fit, score = (
        np.array([[each["runs"][seed][key] for seed in seeds] for each in sets.values()])
        for key in ("auroc", "fit_cpu_seconds", "score_cpu_seconds")
    )
    mean, spread = auroc.mean(), auroc.mean(axis=0).std()
    lines = ["| detector | mean AUROC × 100 |", "|---|---|"]
    for name, value in sorted((PUBLISHED | {OURS: mean}).items(), key=lambda row: row[1]):
        ours = f" ± {spread:.1f} over {len(seeds)} seeds" if name == OURS else ""
        lines.append(f"| {name} | {value:.1f}{ours} |")
    lines += [
        "",
        "| set | training rows | test rows | columns | AUROC × 100 | ± | s to fit | s to score |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, each), a, f, s in zip(sets.items(), auroc, fit, score, strict=True):
        lines.append(
            f"| {name} | {each['rows']} | {each['test_rows']} | {each['columns']} "
            f"| {a.mean():.1f} | {a.std():.1f} | {f.mean():.1f} | {s.mean():.1f} |"
        )
    sums = f"{fit.mean(axis=1).sum():.0f} | {score.mean(axis=1).sum():.0f}"
    lines.append(f"| all | | | | {mean:.1f} | {spread:.1f} | {sums} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets, such as glass")
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin nothing after these")
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    if arguments.data:
        measure(arguments.data, arguments.seeds, arguments.only, arguments.seconds)
    if arguments.table:
        page = arguments.table.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        arguments.table.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
