"""What a text argues, line by line: lines that hold as printed, and slips with their correction."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._steps import Derivation, Draw, Point, Step

__all__ = ["SEED", "Slip", "Text", "draw_seed", "identity", "line", "written"]

Expr = Any


@dataclass(frozen=True)
class Slip:
    """A line of a text that does not hold as printed.

    Attributes
    ----------
    printed : Step
        The line as printed, which fails; its counterexample decides.
    corrected : Step
        The line that was meant, which is proved or checked.
    remark : str
        What went wrong, in one kind sentence.
    """

    printed: Step
    corrected: Step
    remark: str


@dataclass(frozen=True)
class Text:
    """A text that people learnt from: its argument, in the order it is given."""

    name: str
    title: str
    about: str
    lines: tuple[Step | Slip, ...]
    draw: Draw

    @property
    def slips(self) -> tuple[Slip, ...]:
        """The lines that do not hold as printed."""
        return tuple(entry for entry in self.lines if isinstance(entry, Slip))

    @property
    def derivation(self) -> Derivation:
        """The argument, with every line as it holds."""
        steps = tuple(e.corrected if isinstance(e, Slip) else e for e in self.lines)
        return Derivation(self.name, self.title, steps, self.draw)


def line(
    name: str,
    latex: str,
    left: Expr,
    right: Expr,
    reason: str,
    *,
    check: Callable[[Point], tuple[Any, Any]] | None = None,
    given: dict[Any, Any] | None = None,
) -> Step:
    """Return a step that is printed as the LaTeX given."""
    return Step(name, left, right, reason, check, given or {}, written(latex))


SEED = sp.Symbol("seed", integer=True)
"""What larger matrices are drawn from; `draw_seed` draws it."""


def draw_seed(rng: random.Random) -> Point:
    """Draw what `identity` draws its larger matrices from."""
    return {SEED: rng.randrange(10**6)}


def identity(
    name: str,
    latex: str,
    shapes: dict[str, tuple[int, int]],
    sides: Callable[..., tuple[Expr, Expr]],
    reason: str,
    larger: int = 3,
) -> tuple[Step, Step]:
    """Return an identity of matrices twice: proved for symbols, checked for larger ones.

    Parameters
    ----------
    shapes : dict
        {name of a matrix: (rows, columns)} of the small case.
    sides : callable
        sides(*matrices) -> (left, right), numbers or matrices.
    larger : int
        By how much rows and columns of the larger case exceed those of the small one.
    """
    symbols = [
        sp.Matrix(*shape, lambda i, j, letter=letter: sp.Symbol(f"{letter}{i + 1}{j + 1}"))
        for letter, shape in shapes.items()
    ]
    left, right = (list(sp.Matrix([side])) for side in sides(*symbols))
    weights = [sp.Symbol(f"t{i}") for i in range(len(left))]
    small = [sp.Add(*map(sp.Mul, weights, side)) for side in (left, right)]

    def check(point: Point) -> tuple[Any, Any]:
        rng = random.Random(int(point[SEED]))
        numbers = [
            sp.Matrix(
                rows + larger,
                columns + larger if columns > 1 else 1,
                lambda i, j: sp.Rational(rng.randrange(-512, 512), 256),
            )
            for rows, columns in shapes.values()
        ]
        first, second = (
            [mp.mpf(int(x.p)) / int(x.q) for x in sp.Matrix([side])] for side in sides(*numbers)
        )
        return first, second

    shown = written(latex)
    return (
        Step(name, small[0], small[1], f"{reason}; for symbols", shown=shown),
        Step(name, small[0], small[1], f"{reason}; for larger ones", check, shown=shown),
    )


_SIGNS = {
    r"\tfrac12": "½", r"\frac12": "½", r"\tfrac d2": "½ d", r"\,": " ", r"\;": " ", r"\quad": "  ",
    r"\!": "", r"\|": "‖", r"\top": "ᵀ", r"\circ": "∘", r"\int": "∫", r"\sum": "Σ", r"\ne": "≠",
    r"\ge": "≥",
    r"\cdot": "·", r"\partial": "∂", r"\infty": "∞", r"\mid": "|", r"\Bigl": "", r"\Bigr": "",
    r"\bigl": "", r"\bigr": "", r"\left": "", r"\right": "", r"\to": "→", r"\approx": "≈",
    r"\alpha": "α", r"\beta": "β", r"\delta": "δ", r"\varepsilon": "ε", r"\lambda": "λ",
    r"\mu": "μ", r"\sigma": "σ", r"\Sigma": "Σ", r"\rho": "ρ", r"\pi": "π", r"\ell": "l",
    r"\log": "log", r"\det": "det", r"\exp": "exp", r"\implies": "⟹", r"\prod": "Π",
    r"\theta": "θ", r"\ldots": "…",
}  # fmt: skip
_GROUPS = (
    (re.compile(r"\\(?:mathrm|operatorname|text|mathbf|mathcal)\{([^{}]*)\}"), r"\1 "),
    (re.compile(r"\\sqrt\{([^{}]*)\}"), r"√(\1)"),
    (re.compile(r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"(\1)/(\2)"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^(\1)"),
    (re.compile(r"_\{([^{}]*)\}"), r"_\1"),
)
_TIDY = (
    (re.compile(r"\^ᵀ|\^\(ᵀ\)"), "ᵀ"),
    (re.compile(r"\^\(−1\)"), "⁻¹"),
    (re.compile(r"\^\(−ᵀ\)"), "⁻ᵀ"),
    (re.compile(r" +([)\],;])"), r"\1"),
    (re.compile(r"([(\[]) +"), r"\1"),
    (re.compile(r"\b(KL|tr|relu|step|Diag|E|H|log|exp|det) +(?=[(\[])"), r"\1"),
    (re.compile(r"\(([\w½∂²]+)\)/\((∂?\w)\)"), r"\1/\2"),
    (re.compile(r"\(([\w½∂² ]+)\)/"), r"(\1)/"),
    (re.compile(r"E +_"), "E_"),
    (re.compile(r"\s+"), " "),
)


def written(latex: str) -> tuple[str, str]:
    """Return an equation as plain text and in LaTeX, from the latter."""
    text = latex
    for sign, letter in sorted(_SIGNS.items(), key=lambda item: -len(item[0])):
        ends = r"(?![a-zA-Z])" if sign[-1].isalpha() else ""
        space = " " if len(letter) > 1 and letter.isalpha() else ""
        text = re.sub(re.escape(sign) + ends, letter + space, text)
    before = ""
    while before != text:
        before = text
        for pattern, plain in _GROUPS:
            text = pattern.sub(plain, text)
    text = text.replace("{", "").replace("}", "").replace("^2", "²").replace("-", "−")
    for pattern, plain in _TIDY:
        text = pattern.sub(plain, text)
    return text.strip(), latex
