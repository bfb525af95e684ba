"""The flaws of the NumPy VAE that klosed descends from, each held fixed.

That code drew its noise a second time for the backward pass, kept Adam's moments per sample,
divided by saturated probabilities, trained on three digits only, and crashed before its first
picture. The last two are about the command line: see tests/cli.
"""

import numpy as np
import pytest

from klosed import VAESpec
from klosed.engines.reference import ReferenceEngine
from klosed.training import TrainingConfig, TrainingData, fit


def test_backward_uses_the_noise_of_forward():
    # With a linear decoder z enters the loss linearly through W z, so the log-variance's gradient
    # is proportional to the noise that was used: noise 0 must give the KL's part alone.
    engine = ReferenceEngine(VAESpec(3, 2, (), likelihood="gaussian", variance=1.0))
    params = engine.init(0, np.float64)
    x = np.ones((4, 3))
    log_variance = engine.encode(params, x)[1]
    _, grads = engine.loss_and_grad(params, x, np.zeros((4, 2)))
    np.testing.assert_allclose(
        grads["encoder.log_variance.bias"],
        np.mean(0.5 * np.expm1(log_variance), axis=0),
        rtol=1e-12,
    )
    noise = np.random.default_rng(0).normal(size=(4, 2))
    once = engine.loss_and_grad(params, x, noise)
    again = engine.loss_and_grad(params, x, noise)
    assert once[0] == again[0]
    assert all(np.array_equal(once[1][k], again[1][k]) for k in params)


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_moments_are_per_parameter_not_per_sample(batch_size):
    engine = ReferenceEngine(VAESpec(3, 2, (4,)))
    x = np.random.default_rng(0).random((40, 3), np.float32)
    state = fit(engine, TrainingConfig(epochs=1, batch_size=batch_size), TrainingData(x))
    assert {m.removeprefix("m.") for m in state.moments if m.startswith("m.")} == set(state.params)
    for name, array in state.params.items():
        assert state.moments[f"m.{name}"].shape == state.moments[f"v.{name}"].shape == array.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logit", [-500.0, -100.0, 100.0, 500.0])
@pytest.mark.parametrize("pixel", [0.0, 0.5, 1.0])
def test_saturated_pixels_keep_loss_and_gradient(dtype, logit, pixel):
    # Decoder: no hidden layer, weight 0, bias = logit. The exact loss is softplus(a) − x a, which
    # is |a| times the pixel's distance from saturation once exp(−|a|) is below rounding.
    engine = ReferenceEngine(VAESpec(1, 1, ()))
    params = {name: np.zeros_like(array) for name, array in engine.init(0, dtype).items()}
    params["decoder.logits.bias"][:] = logit
    with np.errstate(all="raise", under="ignore"):
        loss, grads = engine.loss_and_grad(params, np.full((1, 1), pixel), np.zeros((1, 1)))
    saturated = 1.0 if logit > 0 else 0.0
    assert loss.reconstruction == pytest.approx(abs(saturated - pixel) * abs(logit), abs=1e-30)
    assert grads["decoder.logits.bias"][0] == pytest.approx(saturated - pixel, abs=1e-30)
