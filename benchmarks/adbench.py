"""Anomaly detection on 19 public tables: VAEOutlierDetector beside what others published.

    python benchmarks/adbench.py --data FOLDER            # measures; writes results/adbench.json
    python benchmarks/adbench.py --table docs/outliers.md # rewrites the table there

The sets are those of ADBench (Han et al. 2022, arXiv:2206.09426), `datasets/Classical`, as .npz
files with X and y. Protocol of Livernoche et al. (2024), "On Diffusion Modeling for Anomaly
Detection", arXiv:2305.18593, table 1, semi-supervised: train on the first half of the normal rows
in file order, test on all other rows, features standardised by the training rows, AUROC × 100.
The peers' figures are the means that were published for these sets.
"""

from __future__ import annotations

import argparse
import json
import os
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


def measure(folder: Path, seeds: int, names: list[str]) -> None:
    """Measure every set, untouched defaults, and note each as soon as it is done."""
    results = json.loads(RESULTS.read_text())["sets"] if RESULTS.exists() and names else {}
    for path in sorted(folder.glob("*.npz"), key=lambda p: int(p.stem.split("_")[0])):
        if names and path.stem not in names:
            continue
        train, test, labels = split(path)
        auroc, fit_seconds, cpu_seconds, score_seconds = [], [], [], []
        for seed in range(seeds):
            started, cpu = time.perf_counter(), time.process_time()
            detector = klosed.VAEOutlierDetector(random_state=seed).fit(train)
            fit_seconds.append(time.perf_counter() - started)
            cpu_seconds.append(time.process_time() - cpu)
            started = time.perf_counter()
            scores = -detector.score_samples(test)
            score_seconds.append(time.perf_counter() - started)
            auroc.append(100 * float(roc_auc_score(labels, scores)))
        results[path.stem] = {
            "rows": len(train),
            "columns": train.shape[1],
            "auroc": auroc,
            "fit_seconds": fit_seconds,
            "fit_cpu_seconds": cpu_seconds,
            "score_seconds": score_seconds,
        }
        print(
            path.stem, train.shape, np.round(auroc, 1), f"{np.mean(fit_seconds):.1f} s", flush=True
        )
        note = {"klosed": klosed.__version__, "cpus": os.cpu_count(), "sets": results}
        RESULTS.write_text(json.dumps(note, indent=1) + "\n")


def table() -> str:
    """Return the figures as Markdown."""
    sets = json.loads(RESULTS.read_text())["sets"]
    common = min(len(each["auroc"]) for each in sets.values())  # seeds that every set has seen
    by_seed = np.mean([each["auroc"][:common] for each in sets.values()], axis=0)
    mean = np.mean([np.mean(each["auroc"]) for each in sets.values()])
    lines = ["| detector | mean AUROC × 100 |", "|---|---|"]
    for name, value in sorted((PUBLISHED | {OURS: mean}).items(), key=lambda row: row[1]):
        several = name == OURS and common > 1
        seeds = f" ± {by_seed.std():.1f} over {common} seeds" if several else ""
        lines.append(f"| {name} | {value:.1f}{seeds} |")
    lines += [
        "",
        "| set | training rows | columns | seeds | AUROC × 100 | ± | CPU seconds to fit |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for name, each in sets.items():
        auroc, seconds = np.array(each["auroc"]), np.mean(each["fit_cpu_seconds"])
        spread = f"{auroc.std():.1f}" if len(auroc) > 1 else ""
        lines.append(
            f"| {name.split('_', 1)[1]} | {each['rows']} | {each['columns']} | {len(auroc)} "
            f"| {auroc.mean():.1f} | {spread} | {seconds:.1f} |"
        )
    total = sum(np.mean(each["fit_cpu_seconds"]) for each in sets.values())
    lines.append(f"| all | | | | {mean:.1f} | | {total:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    if arguments.data:
        measure(arguments.data, arguments.seeds, arguments.only)
    if arguments.table:
        page = arguments.table.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        arguments.table.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
