"""Derivations as text, Markdown and LaTeX."""

import pytest
import sympy as sp

from klosed.derivations import Mark, Mean, Step, Verdict
from klosed.derivations._catalogue import find_pair, made_by_hand, pairs
from klosed.derivations._render import equation_latex, equation_text, plain_greek, render

SHOWN = Verdict(Mark.PROVED, "SymPy")
QUICK = {("Poisson", "Poisson"), ("Gamma", "Gumbel"), ("MultivariateNormal", "MultivariateNormal")}


def the_derivation(name):
    return made_by_hand()[name] if isinstance(name, str) else find_pair(*name).derivation


@pytest.mark.parametrize(
    "name",
    [
        *made_by_hand(),
        *(pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in pairs()),
    ],
    ids=str,
)
def test_latex_needs_no_unicode_engine_and_its_braces_close(name):
    derivation = the_derivation(name)
    latex = render(derivation, [SHOWN] * len(derivation.steps), "latex")
    assert latex.isascii(), {c for c in latex if not c.isascii()}
    assert latex.count("{") == latex.count("}")
    assert latex.count("$") % 2 == 0
    assert latex.count(r"\item") == len(derivation.steps)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (sp.polygamma(1, sp.Symbol("alpha_q")), "ψ'(α_q)"),
        (sp.loggamma(sp.Symbol("nu_p")), "log Γ(ν_p)"),
        (sp.Symbol("a") ** 2 * sp.Symbol("b"), "a^2 b"),
        (sp.Symbol("a") / sp.pi, "a/π"),
        (sp.EulerGamma + sp.oo, "∞"),
        (Mean(sp.Symbol("x"), sp.Symbol("x")), "E[x]"),
    ],
)
def test_expressions_as_text(expression, text):
    assert equation_text(Step("", expression, sp.Integer(0), "")) == f"{text} = 0"


def test_long_equations_take_two_lines():
    symbols = sp.symbols("first:20")
    step = Step("", sum(symbols), sp.Mul(*symbols), "")
    assert "\n= " in equation_text(step)
    assert r"\begin{aligned}" in equation_latex(step)


def test_letters():
    assert plain_greek("gradient in beta_q, not alphabet") == "gradient in β_q, not alphabet"


def test_a_failed_step_is_marked():
    derivation = the_derivation(("Poisson", "Poisson"))
    verdicts = [Verdict(Mark.FAILED, "the reason"), *[SHOWN] * (len(derivation.steps) - 1)]
    assert "✗ FAILED: the reason" in render(derivation, verdicts, "text")
    assert r"$\times$ FAILED: the reason" in render(derivation, verdicts, "latex")
