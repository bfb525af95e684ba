"""The reference engine: what it computes against independent arithmetic, and what it refuses."""

import numpy as np
import pytest

import klosed
from klosed.errors import ShapeError, SpecError


@pytest.fixture
def engine():
    return klosed.engine("reference", klosed.VAESpec(5, 2, (4,)))


def test_loss_equals_a_direct_evaluation_in_extended_precision(engine):
    mpmath = pytest.importorskip("mpmath")
    params = engine.init(3, np.float64)
    rng = np.random.default_rng(0)
    x, noise = rng.random((1, 5)), rng.normal(size=(1, 2))
    mp = mpmath.mp.clone() if hasattr(mpmath.mp, "clone") else mpmath.mp

    def layer(name, h):
        weight, bias = params[f"{name}.weight"], params[f"{name}.bias"]
        return [
            mp.fdot(map(mp.mpf, row), h) + mp.mpf(b) for row, b in zip(weight, bias, strict=True)
        ]

    with mpmath.workdps(40):
        h = [max(a, 0) for a in layer("encoder.hidden.0", [mp.mpf(v) for v in x[0]])]
        mu, logvar = layer("encoder.loc", h), layer("encoder.log_variance", h)
        z = [m + mp.exp(v / 2) * mp.mpf(e) for m, v, e in zip(mu, logvar, noise[0], strict=True)]
        h = [max(a, 0) for a in layer("decoder.hidden.0", z)]
        p = [1 / (1 + mp.exp(-a)) for a in layer("decoder.logits", h)]
        reconstruction = -sum(
            mp.mpf(t) * mp.log(q) + (1 - mp.mpf(t)) * mp.log(1 - q)
            for t, q in zip(x[0], p, strict=True)
        )
        kl = sum((mp.exp(v) + m**2 - 1 - v) / 2 for m, v in zip(mu, logvar, strict=True))
    loss, _ = engine.loss_and_grad(params, x, noise)
    assert loss == engine.loss(params, x, noise)
    assert loss.reconstruction == pytest.approx(float(reconstruction), rel=1e-14)
    assert loss.kl == pytest.approx(float(kl), rel=1e-13)


def test_loss_is_a_mean_over_examples(engine):
    params = engine.init(0, np.float64)
    rng = np.random.default_rng(0)
    x, noise = rng.random((6, 5)), rng.normal(size=(6, 2))
    each = [engine.loss(params, x[i : i + 1], noise[i : i + 1]) for i in range(6)]
    assert engine.loss(params, x, noise) == pytest.approx(np.mean(each), rel=1e-14)


def test_a_loss_survives_copying_and_pickling(engine):
    import copy
    import pickle

    loss = engine.loss(engine.init(0), np.full((2, 5), 0.5), np.ones((2, 2)), beta=0.5)
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):  # noqa: S301
        assert twin == loss
        assert (twin.reconstruction, twin.kl, twin.beta) == (loss.reconstruction, loss.kl, 0.5)


def test_encode_and_decode_are_the_two_halves(engine):
    params = engine.init(0)
    x = np.random.default_rng(0).random((3, 5)).astype(np.float32)
    loc, log_variance = engine.encode(params, x)
    assert loc.shape == log_variance.shape == (3, 2)
    assert engine.decode(params, loc).shape == (3, 5)
    assert loc.dtype == np.float32


def test_the_arguments_are_left_as_they_were(engine):
    params = engine.init(0, np.float64)
    x, noise = np.full((3, 5), 0.25), np.ones((3, 2))
    copies = {name: array.copy() for name, array in params.items()}
    engine.loss_and_grad(params, x, noise)
    assert (x == 0.25).all()
    assert (noise == 1).all()
    assert all(np.array_equal(params[name], copies[name]) for name in params)


def test_wrong_shapes_are_named(engine):
    params = engine.init(0)
    with pytest.raises(ShapeError, match=r"x must have shape \(batch >= 1, 5\); got \(3, 4\)"):
        engine.loss_and_grad(params, np.ones((3, 4)), np.ones((3, 2)))
    with pytest.raises(ShapeError, match=r"noise must have shape .* \(3, 2\); got \(2, 2\)"):
        engine.loss_and_grad(params, np.ones((3, 5)), np.ones((2, 2)))
    with pytest.raises(ShapeError, match=r"x must have shape"):
        engine.loss(params, np.ones((0, 5)), np.ones((0, 2)))
    with pytest.raises(SpecError, match="missing"):
        engine.loss({}, np.ones((1, 5)), np.ones((1, 2)))


def test_unknown_engines_are_named():
    with pytest.raises(SpecError, match=r"engine must be one of .*; got 'warp'"):
        klosed.engine("warp", klosed.VAESpec(3))
