"""The pages under docs/derivations are what the derivations say."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUICK = ("first-text.md", "second-text.md", "elbo.md", "forward-and-reverse.md", "poisson.md")


def _load():
    spec = importlib.util.spec_from_file_location(
        "derivation_pages", ROOT / "tools" / "derivation_pages.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = _load().pages()


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow, id=n) for n in PAGES],
)
def test_page_is_current(name):
    write, *arguments = PAGES[name]
    written = (DOCS / "derivations" / name).read_text(encoding="utf-8")
    assert written == write(*arguments), "run `make derivations`"


@pytest.mark.slow
def test_no_page_is_left_over():
    assert {path.name for path in (DOCS / "derivations").glob("*.md")} == set(PAGES)
