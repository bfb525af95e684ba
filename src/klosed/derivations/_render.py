"""Derivations as text, Markdown and LaTeX, with what was shown of each step."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from klosed.derivations._families import Side
from klosed.derivations._pairs import Worked
from klosed.derivations._shipped import Held, arguments
from klosed.derivations._steps import Derivation, Mark, Point, Step, Verdict

__all__ = ["FORMATS", "calls", "equation_latex", "equation_text", "plain_greek", "render"]

FORMATS = ("text", "markdown", "latex")
_GREEK = {
    name: chr(code)
    for name, code in {
        "alpha": 0x3B1, "beta": 0x3B2, "gamma": 0x3B3, "delta": 0x3B4, "epsilon": 0x3B5,
        "zeta": 0x3B6, "eta": 0x3B7, "theta": 0x3B8, "kappa": 0x3BA, "lambda": 0x3BB,
        "mu": 0x3BC, "nu": 0x3BD, "xi": 0x3BE, "pi": 0x3C0, "rho": 0x3C1, "sigma": 0x3C3,
        "tau": 0x3C4, "phi": 0x3C6, "chi": 0x3C7, "psi": 0x3C8, "omega": 0x3C9,
    }.items()
}  # fmt: skip
_NAMES = re.compile(rf"(?<![a-z])({'|'.join(_GREEK)})(?![a-z])")
_SIGNS = {Mark.PROVED: "✓ proved", Mark.CHECKED: "✓ checked", Mark.FAILED: "✗ FAILED"}
_LATEX = {
    "\\": r"\textbackslash ", "_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "^": r"\^{}",
    "‖": r"$\,\|\,$", "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "∘": r"$\circ$",
    "→": r"$\to$", "≥": r"$\ge$", "∂": r"$\partial$", "∫": r"$\int$", "½": r"$\tfrac12$",
    "…": r"\dots ", "–": "--", "“": "``", "”": "\'\'", "Γ": r"$\Gamma$", "Σ": r"$\Sigma$",
    "ℓ": r"$\ell$", "⁻¹": "$^{-1}$", "²": "$^2$", "ⁿ": "$^n$", "ᵀ": r"$^\top$", "₀": "$_0$",
    "₁": "$_1$", "₂": "$_2$", "ᵢ": "$_i$", "ⱼ": "$_j$",
    **{letter: rf"$\{name}$" for name, letter in _GREEK.items()},
}  # fmt: skip
_CALLS = {
    "NumPy": ("import klosed, numpy as np", "np.array"),
    "PyTorch": ("import klosed, torch", "torch.tensor"),
    "JAX": ("import klosed, jax.numpy as jnp", "jnp.array"),
}

Shown = Sequence[tuple[Step, Verdict]]


class _Text(StrPrinter):  # type: ignore[misc]
    """One line, Greek letters as themselves, ^ for powers."""

    def _print_Symbol(self, expr: Any) -> str:  # noqa: N802
        return plain_greek(expr.name)

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:  # noqa: N802
        return super()._print_Pow(expr, rational).replace("**", "^")

    def _print_Mul(self, expr: Any) -> str:  # noqa: N802
        return super()._print_Mul(expr).replace("*", " ").replace("  ", "**")

    def _print_Integral(self, expr: Any) -> str:  # noqa: N802
        return self._over("∫", expr)

    def _print_Sum(self, expr: Any) -> str:  # noqa: N802
        return self._over("Σ", expr)

    def _over(self, sign: str, expr: Any) -> str:
        variable, low, high = (self._print(x) for x in expr.limits[0])
        return f"{sign}[{variable} = {low} … {high}] {self._print(expr.function)}"

    def _print_Derivative(self, expr: Any) -> str:  # noqa: N802
        return f"∂/∂{self._print(expr.variables[0])} [{self._print(expr.expr)}]"

    def _print_Infinity(self, expr: Any) -> str:  # noqa: N802
        return "∞"

    def _print_NegativeInfinity(self, expr: Any) -> str:  # noqa: N802
        return "−∞"

    def _print_Pi(self, expr: Any) -> str:  # noqa: N802
        return "π"

    def _print_EulerGamma(self, expr: Any) -> str:  # noqa: N802
        return "γ"

    def _print_polygamma(self, expr: Any) -> str:
        order, x = expr.args
        return f"ψ{chr(39) * int(order) if order.is_Integer else ''}({self._print(x)})"

    def _print_gamma(self, expr: Any) -> str:
        return f"Γ({self._print(expr.args[0])})"

    def _print_loggamma(self, expr: Any) -> str:
        return f"log Γ({self._print(expr.args[0])})"


def plain_greek(text: str) -> str:
    """Return the names of Greek letters in symbols such as mu_q as the letters themselves."""
    return _NAMES.sub(lambda match: _GREEK[match[0]], text)


def equation_text(step: Step) -> str:
    """Return a step's equation on one line, or on two if it is long."""
    left, right = _sides(step, _Text())
    if step.shown is not None:
        return plain_greek(_filled(step.shown[0], left, right))
    return f"{left} = {right}" if len(left) + len(right) < 90 else f"{left}\n= {right}"


def equation_latex(step: Step) -> str:
    """Return a step's equation in LaTeX, on two lines if it is long."""
    left, right = _sides(step, LatexPrinter({"ln_notation": False}))
    if step.shown is not None:
        return _filled(step.shown[1], left, right)
    if len(left) + len(right) < 150:
        return f"{left} = {right}"
    return rf"\begin{{aligned}} & {left} \\ &= {right} \end{{aligned}}"


def _sides(step: Step, printer: Any) -> tuple[str, str]:
    left, right = (printer.doprint(sp.sympify(side)) for side in (step.left, step.right))
    return left, right


def _filled(shown: str, left: str, right: str) -> str:
    return shown.replace("{left}", left).replace("{right}", right)


def render(
    derivation: Derivation,
    verdicts: Sequence[Verdict],
    form: str,
    *,
    worked: Worked | None = None,
    held: Held | None = None,
) -> str:
    """Return a derivation as text, Markdown or LaTeX.

    Parameters
    ----------
    derivation : Derivation
    verdicts : sequence of Verdict
        One for each step.
    form : {"text", "markdown", "latex"}
    worked, held : optional
        The pair behind it and what the shipped code showed, for a pair of families.
    """
    shown = list(zip(derivation.steps, verdicts, strict=True))
    body = {"text": _text, "markdown": _markdown, "latex": _latex}[form]
    return body(derivation, shown, calls(worked) if worked else {}, _code_line(held))


def calls(worked: Worked) -> dict[str, str]:
    """Return {array library: code that computes this KL at one point}."""
    point = {s: round(x, 2) for s, x in worked.draw(random.Random(0)).items()}
    sides = [_call(side, point) for side in (worked.q, worked.p)]
    return {
        kind: f"{setup}\n" + "klosed.kl_divergence({}, {})".format(*(s(maker) for s in sides))
        for kind, (setup, maker) in _CALLS.items()
    }


def _call(side: Side, point: Point) -> Callable[[str], str]:
    values = arguments(side.parameters, [point])

    def text(maker: str) -> str:
        given = (f"{k}={maker}({np.round(v[0], 6).tolist()})" for k, v in values.items())
        return f"klosed.{side.family.call or side.family.name + '({})'}".format(", ".join(given))

    return text


def _code_line(held: Held | None) -> str:
    if held is None:
        return ""
    name, error = held.worst
    sign = "✓" if held.ok else "✗"
    return (
        f"{sign} klosed at {held.points} random points, beside these expressions at 50 digits: "
        f"largest relative error {error:.1e} ({name}); allowed {held.budget:.0e}"
    )


def _text(derivation: Derivation, shown: Shown, code: dict[str, str], held: str) -> str:
    lines = [derivation.title, ""]
    for i, (step, verdict) in enumerate(shown, 1):
        lines.append(f"{i:3d}. {plain_greek(step.name)}: {step.reason}")
        lines += ["       " + line for line in equation_text(step).splitlines()]
        lines.append(f"       {_SIGNS[verdict.mark]}: {verdict.detail}")
    lines += ["", held] if held else []
    for kind, call in code.items():
        lines += ["", f"{kind}:", *(f"    {line}" for line in call.splitlines())]
    return "\n".join(lines)


def _markdown(derivation: Derivation, shown: Shown, code: dict[str, str], held: str) -> str:
    lines = [f"## {derivation.title}", ""]
    for i, (step, verdict) in enumerate(shown, 1):
        lines += [
            f"{i}. **{plain_greek(step.name)}**: {step.reason}.",
            "",
            f"   $$ {equation_latex(step)} $$",
            "",
            f"   {_SIGNS[verdict.mark]}: {verdict.detail}",
            "",
        ]
    lines += [held, ""] if held else []
    if code:
        lines += ["```python", *"\n\n".join(code.values()).splitlines(), "```"]
    return "\n".join(lines).rstrip()


def _latex(derivation: Derivation, shown: Shown, code: dict[str, str], held: str) -> str:
    lines = [rf"\section*{{{_plain_latex(derivation.title)}}}", r"\begin{enumerate}"]
    for step, verdict in shown:
        mark = _SIGNS[verdict.mark].replace("✓", r"$\checkmark$").replace("✗", r"$\times$")
        lines += [
            rf"\item {_plain_latex(plain_greek(step.name))}: {_plain_latex(step.reason)}.",
            rf"\[ {equation_latex(step)} \]",
            f"{mark}: {_plain_latex(verdict.detail)}",
        ]
    lines.append(r"\end{enumerate}")
    if code:
        lines += [r"\begin{verbatim}", *"\n\n".join(code.values()).splitlines(), r"\end{verbatim}"]
    return "\n".join(lines)


def _plain_latex(text: str) -> str:
    for sign, written in _LATEX.items():
        text = text.replace(sign, written)
    return text
