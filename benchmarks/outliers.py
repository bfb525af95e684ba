"""VAEOutlierDetector beside detectors that scikit-learn has the parts of, on 32 tables.

    python benchmarks/outliers.py                          # adds to results/outliers.json
    python benchmarks/outliers.py --table docs/outliers.md # rewrites the table there

The tables are those of `outlier_tables.py`: they served to judge defaults; the public tables of
`adbench.py` did not. AUROC × 100, untouched defaults; a seed draws rows and split, and starts the
detectors that need one. All see columns standardized by the training rows.

KNN is the distance to the fifth neighbour, PCA the squared error of what components that hold
90 % of the variance leave over.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from outlier_tables import TABLES, split
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

import klosed

RESULTS = Path(__file__).parent / "results" / "outliers.json"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
OURS = "klosed"
Array = np.ndarray


def isolation_forest(train: Array, test: Array, seed: int) -> Array:
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def pca(train: Array, test: Array, seed: int) -> Array:
    model = PCA(0.9).fit(train)
    return ((test - model.inverse_transform(model.transform(test))) ** 2).sum(axis=1)


def knn(train: Array, test: Array, seed: int) -> Array:
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]


def lof(train: Array, test: Array, seed: int) -> Array:
    neighbours = min(20, len(train) - 1)
    return -LocalOutlierFactor(neighbours, novelty=True).fit(train).score_samples(test)


def ours(train: Array, test: Array, seed: int) -> Array:
    return -klosed.VAEOutlierDetector(random_state=seed).fit(train).score_samples(test)


DETECTORS: dict[str, Callable[[Array, Array, int], Array]] = {
    "IsolationForest": isolation_forest,
    "PCA": pca,
    "LOF": lof,
    "KNN": knn,
    OURS: ours,
}


def measure(seeds: int, seconds: float) -> None:
    """Measure every table with every seed; what was noted before is kept."""
    tables = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    end = time.monotonic() + seconds
    for seed, (name, make) in itertools.product(range(seeds), TABLES.items()):
        runs = tables.setdefault(name, {"runs": {}})["runs"]
        if str(seed) in runs:
            continue
        if time.monotonic() > end:
            break
        train, test, labels = split(make, seed)
        scaler = StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
        runs[str(seed)] = {
            detector: 100 * float(roc_auc_score(labels, scores(train, test, seed)))
            for detector, scores in DETECTORS.items()
        }
        tables[name] |= {"rows": len(train), "columns": train.shape[1]}
        RESULTS.write_text(json.dumps(tables, indent=1) + "\n")
        print(name, seed, {k: round(v, 1) for k, v in runs[str(seed)].items()}, flush=True)


def table() -> str:
    """Return the figures as Markdown, the best of each row in bold."""
    tables = json.loads(RESULTS.read_text())
    lines = [
        f"| table | training rows | columns | {' | '.join(DETECTORS)} |",
        "|---|---|---|" + "---|" * len(DETECTORS),
    ]
    means = {
        name: [np.mean([run[detector] for run in each["runs"].values()]) for detector in DETECTORS]
        for name, each in tables.items()
    }
    for name, row in means.items():
        best = max(row)
        cells = [f"**{value:.1f}**" if value == best else f"{value:.1f}" for value in row]
        each = tables[name]
        lines.append(f"| {name} | {each['rows']} | {each['columns']} | {' | '.join(cells)} |")
    mean = np.mean(list(means.values()), axis=0)
    lines.append(f"| mean | | | {' | '.join(f'{value:.1f}' for value in mean)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin nothing after these")
    parser.add_argument("--table", type=Path)
    arguments = parser.parse_args()
    if arguments.table:
        page = arguments.table.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        arguments.table.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")
    else:
        measure(arguments.seeds, arguments.seconds)


if __name__ == "__main__":
    main()
