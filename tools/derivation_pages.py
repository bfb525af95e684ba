"""Writes docs/derivations/ from the derivations themselves: `make derivations`.

Every step is shown on the way; a step that is neither proved nor checked stops it.
With --no-check only the pages are written.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

import klosed
from klosed.derivations import everything, report
from klosed.derivations._catalogue import find_pair, made_by_hand, pairs, texts
from klosed.derivations._render import equation_latex, plain_greek
from klosed.derivations._steps import Derivation, Step, verify
from klosed.derivations._texts import Slip, Text
from klosed.derivations.forward_and_reverse import FORWARD, MODES, REVERSE

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "derivations"
PICTURE = DOCS / "images" / "forward-reverse.png"

WRITTEN = "<!-- Written by tools/derivation_pages.py; change the derivation, not this page. -->"
SOURCES = {
    "first-text": ("univariate-gaussian",),
    "second-text": ("multivariate-gaussian", "encoder-gradient"),
}
TITLES = {
    "first-text": "The first text: the univariate Gaussian",
    "second-text": "The second text: the multivariate Gaussian and the encoder's gradient",
}


def mark(step: Step) -> str:
    """Return what is shown of a step that holds: `verify` and the tests see that it does."""
    return "✓ *checked*" if step.check is not None else "✓ *proved*"


def equation(step: Step) -> str:
    """Return a step's equation for a page."""
    return f"$$\n{equation_latex(step)}\n$$"


def steps(derivation: Derivation) -> list[str]:
    """Return the steps of a derivation as lines of Markdown."""
    lines = []
    for i, step in enumerate(derivation.steps, 1):
        lines += [f"**{i}. {plain_greek(step.name)}**: {step.reason}. {mark(step)}", ""]
        lines += [equation(step), ""]
    return lines


def family_page(q: str) -> str:
    """Return the page of every KL from one family."""
    lines = [WRITTEN, "", f"# From {q}", ""]
    for name_q, name_p in pairs():
        if name_q == q:
            derivation = find_pair(name_q, name_p).derivation
            command = f"`klosed derive {name_q.lower()} {name_p.lower()}`"
            lines += [f"## {derivation.title.replace('KL(', '').replace(')', '')}", ""]
            lines += [f"In a terminal, with the code to call: {command}", ""]
            lines += steps(derivation)
    return "\n".join(lines).rstrip() + "\n"


def text_page(name: str) -> str:
    """Return the page that follows one source text."""
    followed = [texts()[part] for part in SOURCES[name]]
    slips = [(text, slip) for text in followed for slip in text.slips]
    lines = [WRITTEN, "", f"# {TITLES[name]}", ""]
    lines += [text.about + "\n" for text in followed]
    lines += [
        "Below is its argument, line by line. Most lines hold as printed. Some have a slip of the "
        "pen, which happens to everybody who writes formulas down, and is why machines should "
        "check them: there the printed line comes first, with the numbers that decide, then the "
        "line that was meant. Where a line holds for any densities, E0 and E1 are numbers that "
        "stand for its expectations. Lines marked *(not in the text)* complete it.",
        "",
        f"## Errata: {len(slips)} lines",
        "",
        "| where | what | the check: the two sides of the printed line differ |",
        "|---|---|---|",
    ]
    for text, slip in slips:
        found = verify(slip.printed, text.draw).detail.removeprefix("the sides differ ")
        cells = (slip.printed.name, slip.remark, plain_greek(found))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    for text in followed:
        lines += ["", f"## {text.title}", ""]
        for line in text.lines:
            lines += _line(text, line)
    return "\n".join(lines).rstrip() + "\n"


def _line(text: Text, line: Step | Slip) -> list[str]:
    if isinstance(line, Step):
        return [f"**{line.name}**: {line.reason}. {mark(line)}", "", equation(line), ""]
    found = verify(line.printed, text.draw).detail
    return [
        f"**{line.printed.name}**, as printed: {line.printed.reason}. ✗ *does not hold*",
        "",
        equation(line.printed),
        "",
        f"> {line.remark} The check: {plain_greek(found)}.",
        "",
        f"**{line.corrected.name}**, as meant: {line.corrected.reason}. {mark(line.corrected)}",
        "",
        equation(line.corrected),
        "",
    ]


def hand_page(name: str) -> str:
    """Return the page of a derivation made by hand that follows no text."""
    derivation = made_by_hand()[name]
    lines = [WRITTEN, "", f"# {derivation.title}", ""]
    if name == "forward-and-reverse":
        lines += [
            "A normal q is fitted to p, an even mixture of N(−3, 1) and N(3, 1), which no normal "
            "distribution fits well. Which KL is made small decides what is given up.",
            "",
            "![Forward KL spreads q over both modes, reverse KL puts it on one]"
            "(../images/forward-reverse.png)",
            "",
            "A VAE's encoder is fitted by reverse KL: where the posterior has several modes, it "
            "settles on one.",
            "",
        ]
    return "\n".join(lines + steps(derivation)).rstrip() + "\n"


def index_page() -> str:
    """Return the page that lists all others."""
    by_family: dict[str, list[str]] = defaultdict(list)
    for q, p in pairs():
        by_family[q].append(p)
    lines = [
        WRITTEN,
        "",
        "# Derivations",
        "",
        "Why each closed form is right, one step at a time. A step is *proved* where SymPy reduces "
        "the difference of its sides to zero, *checked* where quadrature or summation with 50 "
        "digits agrees to 30 at random parameters; nothing else counts. Last, the shipped "
        "functions are held against these very expressions at 50 random points. "
        "`klosed derive --all --check` repeats all of it.",
        "",
        "```{toctree}",
        ":maxdepth: 1",
        "",
        *SOURCES,
        "elbo",
        "forward-and-reverse",
        *[q.lower() for q in by_family],
        "```",
        "",
        "| from | to |",
        "|---|---|",
        *[f"| [{q}]({q.lower()}.md) | {', '.join(p)} |" for q, p in by_family.items()],
    ]
    return "\n".join(lines) + "\n"


def pages() -> dict[str, tuple]:
    """Return {file: (function, arguments)} of every page."""
    families = {f"{q.lower()}.md": (family_page, q) for q in dict.fromkeys(q for q, _ in pairs())}
    sources = {f"{name}.md": (text_page, name) for name in SOURCES}
    others = {f"{name}.md": (hand_page, name) for name in ("elbo", "forward-and-reverse")}
    return {"index.md": (index_page,), **sources, **others, **families}


def draw_forward_and_reverse() -> None:
    """Draw p and both fits."""
    import matplotlib.pyplot as plt

    x = np.linspace(-9, 9, 721)
    p = sum(np.exp(klosed.Normal(float(m), 1.0).log_prob(x)) for m in MODES) / 2
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
    fits = (("forward, KL(p‖q): covers", FORWARD), ("reverse, KL(q‖p): seeks a mode", REVERSE))
    for ax, (title, (loc, scale)) in zip(axes, fits, strict=True):
        q = np.exp(klosed.Normal(float(loc), float(scale)).log_prob(x))
        ax.fill_between(x, p, color="0.85", label="p, two modes")
        ax.plot(x, q, color="C0", linewidth=2, label="q, the normal fitted")
        ax.set(title=title, xlabel="x", yticks=[], xlim=(-9, 9), ylim=(0, 0.42))
        ax.spines[["top", "right", "left"]].set_visible(False)
    axes[0].legend(frameon=False, loc="upper left")
    figure.savefig(PICTURE, dpi=120)


def main() -> None:
    """Show every derivation, then write the pages and the picture."""
    if "--no-check" not in sys.argv:
        reports = Parallel(n_jobs=-1)(delayed(report)(each) for each in everything())
        failed = [each.line for each in reports if not each.ok]
        if failed:
            sys.exit("\n".join(failed))
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, (write, *arguments) in pages().items():
        (FOLDER / name).write_text(write(*arguments), encoding="utf-8")
    draw_forward_and_reverse()


if __name__ == "__main__":
    main()
