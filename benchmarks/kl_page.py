"""Render docs/kl-accuracy.md from the measurements of kl_accuracy.py. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kl_peers import PEERS

__all__ = ["page"]

Results = Mapping[str, dict[str, Any]]
EPS = 2.0**-52
COUNTS = {"negative": "negative", "nonfinite": "NaN/inf", "lost": "lost"}
REGIMES = {
    "near": (
        "Near-equal parameters",
        "p's parameters differ from q's by a relative 1 … 1e-12: where training starts from a "
        "prior, where a posterior collapses, where a trust region is kept. Of two families, p is "
        "nearly the member of its own that q is.",
    ),
    "ordinary": (
        "Ordinary parameters",
        "Scales, rates and concentrations between 1e-2 and 1e2, logits within ±8, probabilities "
        "down to 1e-4.",
    ),
    "extreme": (
        "Extreme parameters",
        "Scales and rates between 1e-150 and 1e150, concentrations between 1e-8 and 1e8, logits "
        "within ±500, probabilities down to 1e-280; near-equal ones among them.",
    ),
}


def page(results: Results) -> str:
    first = next(iter(results.values()))
    sections = [
        INTRODUCTION.format(cases=first["cases"], seed=first["seed"]),
        "## In short\n\n" + in_short(results),
        *(regime_section(results, regime) for regime in REGIMES),
        "## What was measured, and how\n\n" + METHOD + "\n\n" + environments(results),
    ]
    return "\n\n".join(sections) + "\n"


INTRODUCTION = """\
# How exact is a KL divergence?

KL(q‖p) in float64, from klosed and from other libraries, against the textbook formula evaluated
with 50 to 1500 digits: {cases} drawn cases for every pair, parameterisation and regime (seed
{seed}). This page is written by a benchmark; to make it again:

```sh
make bench-kl
```"""

METHOD = """\
Cases and exact formulas are those that klosed's own tests draw from, `tests/accuracy`. The
relative error is |computed − true| / true, the largest over the cases; an ulp is 2.2e-16 of it.
*Negative* and *NaN/inf* count values that are so although the true one is positive and
representable; *lost* counts finite values with a relative error above 0.5, so that not one digit
is right. Cases whose true KL exceeds the largest float64 are left out. A library is asked only in
parameters it takes itself, arguments are never converted on the way, and a dash says that it lacks
the family, the parameters or the closed form; NumPyro *raises an error* on probabilities that do
not sum to 1, by which the others divide. klosed is asked in all of its parameterisations,
logarithms included. Its hundreds of ulp at the extremes are those of exponentials of several
hundred, in logarithms given as parameters and in the tails of Gumbel's kin: half an ulp of such an
argument is that much of the result. Half of the power spherical cases beside a von Mises–Fisher
distribution put p near the best fit to q, where nearly all cancels. SciPy has no KL of families;
`scipy.stats.entropy` of two vectors of probabilities stands for it."""


def in_short(results: Results) -> str:
    head = ["regime", "library", "pairs", "cases", "negative", "NaN/inf", "lost", "largest error"]
    lines = table_head(head)
    for regime, (title, _) in REGIMES.items():
        for result in results.values():
            rows = [row for row in rows_of(result, regime) if "raises" not in row]
            if not rows:
                continue
            pairs = {(row["q"], row["p"]) for row in rows}
            total = sum(row["cases"] for row in rows)
            counts = (share(sum(row[name] for row in rows), total) for name in COUNTS)
            worst = f"{max(row['error'] for row in rows):.0e}"
            listed = [title, result["title"], str(len(pairs)), f"{total:,}", *counts, worst]
            lines.append(table_row(listed))
    return "\n".join(lines)


def regime_section(results: Results, regime: str) -> str:
    title, what = REGIMES[regime]
    pairs = {
        (row["q"] != row["p"], row["q"], row["p"])
        for result in results.values()
        for row in rows_of(result, regime)
    }
    lines = table_head(["KL(q‖p)", *(result["title"] for result in results.values())])
    for cross, q, p in sorted(pairs):
        cells = [
            cell([r for r in rows_of(result, regime) if (r["q"], r["p"]) == (q, p)], name)
            for name, result in results.items()
        ]
        lines.append(table_row([f"{q} ‖ {p}" if cross else q, *cells]))
    return f"## {title}\n\n{what}\n\n" + "\n".join(lines)


def cell(rows: list[dict[str, Any]], library: str) -> str:
    """Return the largest error, and what is worse than an error."""
    known = [row for row in rows if "raises" not in row]
    if not known:
        return "raises an error" if rows else "–"
    worst, total = max(row["error"] for row in known), sum(row["cases"] for row in known)
    text = f"{worst:.0e}" + (f" ({worst / EPS:.1f} ulp)" if library == "klosed" else "")
    counts = {word: sum(row[name] for row in known) for name, word in COUNTS.items()}
    bad = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    if sum(row["nonfinite"] for row in known) == total:
        return f"{bad} of {total}"
    return f"{text}<br>{bad} of {total}" if bad else text


def environments(results: Results) -> str:
    lines = table_head(["library", "versions", "Python", "processor", "date"])
    for result in results.values():
        versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
        told = [result[key] for key in ("python", "processor", "date")]
        lines.append(table_row([result["title"], versions, *told]))
    missing = [peer.title for name, peer in PEERS.items() if name not in results]
    if missing:
        lines += ["", f"Not measured, because not installed: {', '.join(missing)}."]
    return "\n".join(lines)


def rows_of(result: dict[str, Any], regime: str) -> list[dict[str, Any]]:
    return [row for row in result["rows"] if row["regime"] == regime]


def share(n: int, total: int) -> str:
    return f"{n:,} ({n / total:.0%})" if n else "0"


def table_head(titles: Iterable[str]) -> list[str]:
    titles = list(titles)
    return [table_row(titles), "|" + "---|" * len(titles)]


def table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
