"""The source texts: every slip fails as printed, by a counterexample, and holds as corrected."""

import pytest

from klosed.derivations._catalogue import texts
from klosed.derivations._steps import Mark, verify
from klosed.derivations._texts import draw_seed, identity, written

SLIPS = [(text, slip) for text in texts().values() for slip in text.slips]


@pytest.mark.parametrize(
    ("text", "slip"), SLIPS, ids=[f"{text.name}: {slip.printed.name}" for text, slip in SLIPS]
)
def test_every_slip_is_one_and_is_put_right(text, slip):
    printed = verify(slip.printed, text.draw)
    assert printed.mark is Mark.FAILED
    assert "the sides differ by" in printed.detail
    corrected = verify(slip.corrected, text.draw)
    assert corrected.mark is not Mark.FAILED, corrected.detail


def test_the_errata_are_all_there():
    counts = {name: len(text.slips) for name, text in texts().items()}
    assert counts == {"univariate-gaussian": 9, "multivariate-gaussian": 5, "encoder-gradient": 3}


@pytest.mark.parametrize(
    "sides",
    [
        lambda A, B: ((A.T * B).trace(), (A * B).trace()),
        lambda A, B: (A * B, B * A),
        lambda A, B: (A.T, A),
    ],
)
def test_a_wrong_identity_of_matrices_fails_small_and_large(sides):
    for step in identity("wrong", "A = B", {"A": (2, 2), "B": (2, 2)}, sides, ""):
        assert verify(step, draw_seed).mark is Mark.FAILED


def test_latex_as_text():
    shown = r"\frac{\partial\lambda}{\partial W_0} = \tfrac12\,\operatorname{tr}(A^\top B^{-1})"
    assert written(shown)[0] == "(∂λ)/(∂ W_0) = ½ tr(Aᵀ B⁻¹)"
    assert written(shown)[1] == shown
    assert written(r"\sqrt{2\pi\sigma^2}")[0] == "√(2πσ²)"
