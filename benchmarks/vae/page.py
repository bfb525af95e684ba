"""Render docs/speed.md and its picture from the figures of run.py. Measures nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from workloads import WORKLOADS

mpl.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["write"]

DOCS = Path(__file__).parents[2] / "docs"
NAMES = {
    "fused": "klosed, fused engine",
    "fused untrained": "klosed, fused engine, weights untrained",
    "fused bf16x3": "klosed, fused engine, bf16x3",
    "fused bf16": "klosed, fused engine, bf16",
    "reference": "klosed, reference engine",
    "torch": "PyTorch eager",
    "torch compile": "torch.compile",
    "torch bf16": "PyTorch eager, bf16",
    "torch compile bf16": "torch.compile, bf16",
    "jax": "JAX, epoch in one scan",
    "numpy": "plain NumPy",
}
SHADES = {"reference": "#7fb3d5"} | dict.fromkeys(
    ("fused", "fused bf16x3", "fused bf16"), "#1b6ca8"
)

HEAD = """\
# How fast is training?

The same VAEs trained by klosed, PyTorch, JAX and plain NumPy, each in a process of its own, taking
turns within one run. Made by

```sh
make bench
```

Ratios are medians of time / time of klosed's fused engine in the same round, with the smallest and
the largest; above 1, klosed is faster. Seconds belong to this machine ({processor}, {threads}
threads); ratios travel better. *Floor* is the time that the matrix products of an epoch alone
would take at the best rate at which this machine was seen to multiply float32 matrices. Peers run
at their best settings: data in memory as float32, PyTorch with its fused Adam and without
denormal numbers, JAX with a whole epoch in one jitted scan. bf16 rows compute their products in
another precision and are to be compared among themselves; klosed's differ from its float32 only on
processors with AMX and in batches of 48 rows a thread or more ([how](engines.md)).

![Seconds an epoch of every contender]({picture})
"""


def write(results: dict[str, Any]) -> None:
    training = [name for name in WORKLOADS if name in results]
    picture = DOCS / "images" / "speed.png"
    if training:
        draw({name: results[name] for name in training}, picture)
    first = next(iter(results.values()))
    parts = [HEAD.format(**first, picture=f"images/{picture.name}")]
    parts += [training_section(name, results[name]) for name in training]
    if "W4" in results:
        parts.append(inference_section(results["W4"]))
    if "W5" in results:
        parts.append(cold_section(results["W5"]))
    if "rows" in results:
        parts.append(growth_section(results["rows"]))
    parts.append(environment(results))
    (DOCS / "speed.md").write_text("\n".join(parts))


def number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}" if value < 1000 else f"{value:.0f}"


def seconds(row: dict[str, float]) -> str:
    return f"{number(row['median'])} ({number(row['low'])} … {number(row['high'])})"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def training_section(name: str, result: dict[str, Any]) -> str:
    rows = [
        [
            NAMES[contender],
            seconds(row["seconds"]),
            seconds(row["seconds"]["ratio"]),
            f"{result['floor'] / row['seconds']['median']:.0%}",
            number(row["first"]),
            str(row["peak_mb"]),
            f"{row['loss']:.2f}",
        ]
        for contender, row in result["rows"].items()
    ]
    head = ["contender", "seconds an epoch", "ratio", "of the floor", "first epoch", "peak MB",
            "loss"]  # fmt: skip
    title = WORKLOADS[name].title
    return (
        f"## {name}: {title}\n\n{table(head, rows)}\n"
        f"Floor: {number(result['floor'])} s at {result['sgemm_gflops']} GFLOP/s; "
        f"{result['rounds']} rounds. The first epoch includes compiling and loading; the loss is "
        "the training loss of the last epoch, which shows that all learn the same thing.\n"
    )


def inference_section(result: dict[str, Any]) -> str:
    rows = [
        [
            NAMES[contender],
            *(
                f"{number(1e3 * row[part]['median'])} ({row[part]['ratio']['median']:.2f})"
                for part in ("encode", "decode")
            ),
            seconds(row["likelihood"]),
            seconds(row["likelihood"]["ratio"]),
            str(row["peak_mb"]),
            f"{-row['loss']:.2f}",
        ]
        for contender, row in result["rows"].items()
    ]
    head = ["contender", "encode, ms (ratio)", "decode, ms (ratio)", "likelihood, s", "ratio",
            "peak MB", "log p(x)"]  # fmt: skip
    return (
        "## W4: inference\n\n1,000 test pictures encoded, decoded, and scored by importance "
        f"sampling with 5,000 samples each, under W1's model after {result['epochs']} epochs; all "
        "have the same weights and find the same log p(x), in nats. klosed computes only the "
        "hidden units that differ from the posterior's mean in one of eight samples; the others "
        "are one linear map a row. Under weights as they were drawn, before any training, nearly "
        f"all differ, which the second row shows.\n\n{table(head, rows)}"
    )


def cold_section(result: dict[str, Any]) -> str:
    rows = [[name, seconds(row)] for name, row in result["rows"].items()]
    return (
        "## W5: from a cold process\n\nWhole processes, the interpreter's start included, caches "
        "warm. *digits* imports the library, fits scikit-learn's digits for 20 epochs and draws 64 "
        f"pictures.\n\n{table(['process', 'seconds'], rows)}"
    )


def growth_section(result: dict[str, Any]) -> str:
    rows = [
        [f"{int(n):,}", seconds(row), seconds(row["ratio"]), str(row["peak_mb"])]
        for n, row in result["rows"].items()
    ]
    return (
        "## Cost against rows\n\nThe fused engine on W3's model and tables of growing length: a "
        "million rows in turn, in as many epochs as that takes. The ratio is to the shortest "
        "table, which fits into the cache of a core.\n\n"
        f"{table(['rows', 'seconds a million rows', 'ratio', 'peak MB'], rows)}"
    )


def environment(results: dict[str, Any]) -> str:
    dates = sorted({result["date"] for result in results.values()})
    versions = next(iter(results.values()))["versions"]
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"## Where\n\nMeasured {' and '.join(dates)}: {told}.\n"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw one panel a workload: a bar a contender, the floor as a line."""
    path.parent.mkdir(exist_ok=True)
    figure, axes = plt.subplots(
        1, len(results), figsize=(4.2 * len(results), 3.2), sharey=True, layout="constrained"
    )
    for axis, (name, result) in zip(
        axes if len(results) > 1 else [axes], results.items(), strict=True
    ):
        contenders = list(result["rows"])[::-1]
        values = [result["rows"][c]["seconds"]["median"] for c in contenders]
        labels = [NAMES[c] for c in contenders]
        bars = axis.barh(labels, values, color=[SHADES.get(c, "#c9c9c9") for c in contenders])
        axis.bar_label(bars, [number(v) for v in values], padding=3, fontsize=8)
        axis.axvline(result["floor"], color="#b03a2e", lw=1)
        axis.set_xlim(0, 1.2 * max(values))
        axis.set_title(f"{name}: {WORKLOADS[name].title}", fontsize=9)
        axis.set_xlabel("seconds an epoch; red: the products alone", fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
