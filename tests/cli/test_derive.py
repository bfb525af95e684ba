"""`klosed derive`: what it prints, what it refuses, and its exit codes."""

import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from klosed.cli.app import group
from klosed.derivations import _catalogue, _checks
from klosed.derivations._steps import Mark, Verdict


def run(*args):
    return CliRunner().invoke(group, ["derive", *args])


def test_each_step_with_its_mark_and_the_code_last():
    result = run("exponential", "exponential")
    assert result.exit_code == 0
    text = result.stdout
    assert text.startswith("KL(Exponential ‖ Exponential)")
    assert "E[x] = 1/λ_q\n       ✓ checked" in text
    assert "✓ proved" in text
    assert "FAILED" not in text
    assert "✓ klosed at 50 random points" in text
    numbered = re.findall(r"^ *(\d+)\. ", text, re.MULTILINE)
    assert numbered == [str(i) for i in range(1, len(numbered) + 1)]


@pytest.mark.parametrize("kind", ["NumPy", "PyTorch", "JAX"])
def test_the_lines_of_code_run(kind):
    text = run("poisson", "poisson").stdout
    setup, call = re.search(rf"{kind}:\n    (.*)\n    (.*)", text).groups()
    scope = {}
    exec(setup, scope)
    by_numpy = eval(call.replace("torch.tensor", "float").replace("jnp.array", "float"), scope)
    value = eval(call, scope)
    assert np.asarray(value) == pytest.approx(np.asarray(by_numpy), rel=1e-5)
    assert type(value).__module__.split(".")[0] in ("numpy", "torch", "jaxlib", "jax")


def test_markdown_and_latex():
    markdown = run("poisson", "poisson", "--format", "markdown").stdout
    assert r"\operatorname{E}_q\left[k\right] = \lambda_{q}" in markdown
    assert "```python" in markdown
    latex = run("poisson", "poisson", "--format", "latex").stdout
    assert latex.count(r"\item") == markdown.count("$$ ")
    assert latex.count(r"\[") == latex.count(r"\]")
    # LaTeX files may hold no letter that needs a Unicode engine
    assert latex.isascii()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("nomal", "normal"), "no family is called 'nomal'. Did you mean Normal?"),
        (("normal", "zzz"), "no family is called 'zzz'. There are: "),
        (("poisson", "gamma"), "KL(Poisson‖Gamma) has no derivation. Nearest: "),
        (("normal",), "name a second family"),
        (("norml",), "no derivation is called 'norml'"),
        ((), "name two families"),
        (("normal", "normal", "--all"), "name two families"),
    ],
)
def test_what_is_unknown_is_one_clear_line(args, message):
    result = run(*args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_check_is_one_line_and_its_exit_code(monkeypatch):
    result = run("poisson", "poisson", "--check")
    assert result.exit_code == 0
    assert re.fullmatch(r"✓ poisson-poisson: .* proved; klosed within .*\n", result.stdout)
    monkeypatch.setattr(_checks, "verify", lambda step, draw: Verdict(Mark.FAILED, "the reason"))
    result = run("poisson", "poisson", "--check")
    assert result.exit_code == 1
    assert "failed: the reason" in result.stdout


def test_help_names_what_is_made_by_hand():
    text = run("--help").stdout
    assert all(name in text for name in _catalogue.made_by_hand())


def test_all_fails_while_a_pair_has_no_derivation(monkeypatch):
    monkeypatch.setattr(_checks, "everything", lambda: (("Poisson", "Poisson"),))
    assert run("--all", "--check").exit_code == 0
    monkeypatch.setattr(_catalogue, "missing_pairs", lambda: (("Normal", "Cauchy"),))
    result = run("--all", "--check")
    assert result.exit_code == 1
    assert "1 derivations, 0 not shown; 1 pairs without" in result.stdout
    assert "✗ normal-cauchy: no derivation" in result.stdout


def test_without_sympy_one_line_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("klosed.derivations")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sympy", None)
    result = run("normal", "normal")
    assert result.exit_code == 2
    assert result.stderr.strip().endswith("needs an optional part: pip install 'klosed[derive]'")
