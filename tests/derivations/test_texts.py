"""The source texts: every slip fails as printed, by a counterexample, and holds as corrected."""

import random

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import klosed
from klosed.derivations import encoder_gradient as encoder
from klosed.derivations._catalogue import texts
from klosed.derivations._steps import Mark, evaluate, verify
from klosed.derivations._texts import draw_seed, identity, written
from klosed.derivations.univariate_gaussian import TEXT, mu, v
from klosed.divergences.normal import kl_standard_normal

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
    assert counts == {"univariate-gaussian": 9, "multivariate-gaussian": 5, "encoder-gradient": 4}


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


def test_the_shipped_vae_term_is_the_last_line_of_the_first_text():
    rng = random.Random(0)
    locs, log_variances = ([rng.uniform(-3, 3) for _ in range(50)] for _ in range(2))
    got = kl_standard_normal(np.array(locs), np.array(log_variances))
    value, of_log_variance, of_loc = (step.right for step in TEXT.derivation.steps[-3:])
    derived = (value, of_loc, of_log_variance)
    with mp.workdps(50):
        for i, (loc, log_variance) in enumerate(zip(locs, log_variances, strict=True)):
            at = {mu: mp.mpf(loc), v: mp.mpf(log_variance)}
            for shipped, expression in zip(got, derived, strict=True):
                true = evaluate(expression, at)
                assert abs(mp.mpf(float(shipped[i])) - true) <= 1e-14 * abs(true)


ENCODER = {
    **{name: getattr(encoder, name) for name in ("W0", "W1", "Wm")},
    **{name: getattr(encoder, name).T for name in ("b0", "b1", "bm", "x")},
}


def test_the_shipped_engine_has_the_gradient_of_the_second_text():
    spec = klosed.VAESpec(n_features=2, n_components=2, hidden_layer_sizes=(2,))
    engine = klosed.engine("reference", spec)
    params = engine.init(seed=0, dtype=np.float64)
    params |= {name: 0 * params[name] for name in params if name.startswith("decoder")}
    matrices = (*ENCODER.values(), encoder.h, encoder.alpha)
    gradient = sp.lambdify(matrices, encoder.of_variance + encoder.of_mean, "numpy")
    rng, active = np.random.default_rng(0), set()
    for _ in range(50):
        numbers = {name: rng.normal(size=matrix.shape) for name, matrix in ENCODER.items()}
        h = (numbers["x"] @ numbers["W0"].T + numbers["b0"] > 0)[0].astype(float)
        active.add(tuple(h))
        params |= {
            "encoder.hidden.0.weight": numbers["W0"],
            "encoder.hidden.0.bias": numbers["b0"][0],
            "encoder.log_variance.weight": numbers["W1"],
            "encoder.log_variance.bias": numbers["b1"][0],
            "encoder.loc.weight": numbers["Wm"],
            "encoder.loc.bias": numbers["bm"][0],
        }
        _, grads = engine.loss_and_grad(params, numbers["x"], noise=np.zeros((1, 2)))
        expected = gradient(*(x.ravel() for x in numbers.values()), h, 0.5)
        assert grads["encoder.hidden.0.weight"] == pytest.approx(expected, rel=1e-12, abs=1e-13)
    assert len(active) == 4  # both hidden units on and off
