"""The whole VAE's hand-derived gradient against central differences in float64."""

import dataclasses

import numpy as np
import pytest

from klosed import VAESpec
from klosed.engines.reference import ReferenceEngine
from klosed.networks import ACTIVATIONS

from .cases import SPECS, batch, vae_error
from .differences import TOLERANCE


@pytest.mark.parametrize("name", SPECS)
def test_every_parameter_of_every_likelihood(name):
    error, parameter = vae_error(ReferenceEngine(SPECS[name]))
    assert error <= TOLERANCE, parameter


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_two_layers_deep(activation):
    spec = dataclasses.replace(SPECS["bernoulli deep"], activation=activation)
    error, parameter = vae_error(ReferenceEngine(spec))
    assert error <= TOLERANCE, parameter


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_beta_weighs_the_kl_alone(beta):
    engine = ReferenceEngine(SPECS["bernoulli"])
    error, parameter = vae_error(engine, beta)
    assert error <= TOLERANCE, parameter
    loss = engine.loss(*batch(engine.spec), beta=beta)
    assert float(loss) == pytest.approx(loss.reconstruction + beta * loss.kl, rel=1e-15)


def test_w1_shape_along_random_directions():
    # The shape people train: too many numbers for one difference each, so directions.
    engine = ReferenceEngine(VAESpec(784))
    params = engine.init(0, np.float64)
    rng = np.random.default_rng(1)
    x, noise = rng.uniform(size=(8, 784)), rng.normal(size=(8, 20))
    _, grads = engine.loss_and_grad(params, x, noise)
    for name in params:
        # Along the gradient's own direction the slope is its norm: nothing hides by cancelling.
        norm = np.linalg.norm(grads[name])
        direction = grads[name] / norm
        losses = [
            engine.loss(params | {name: params[name] + h * direction}, x, noise)
            for h in (1e-5, -1e-5)
        ]
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(norm, rel=1e-6), name


def test_against_torch_autograd_on_the_same_numbers():
    torch = pytest.importorskip("torch")
    engine = ReferenceEngine(SPECS["bernoulli"])
    params, x, noise = batch(engine.spec)
    loss, grads = engine.loss_and_grad(params, x, noise)
    t = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    linear, h = torch.nn.functional.linear, torch.tensor(x)
    h = torch.tanh(linear(h, t["encoder.hidden.0.weight"], t["encoder.hidden.0.bias"]))
    mu = linear(h, t["encoder.loc.weight"], t["encoder.loc.bias"])
    logvar = linear(h, t["encoder.log_variance.weight"], t["encoder.log_variance.bias"])
    z = mu + torch.exp(0.5 * logvar) * torch.tensor(noise)
    h = torch.tanh(linear(z, t["decoder.hidden.0.weight"], t["decoder.hidden.0.bias"]))
    logits = linear(h, t["decoder.logits.weight"], t["decoder.logits.bias"])
    bce = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.tensor(x), reduction="sum"
    )
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    expected = (bce + kld) / len(x)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    for name in params:
        np.testing.assert_allclose(grads[name], t[name].grad.numpy(), rtol=1e-10, atol=1e-14)


def test_float32_gradient_is_the_float64_one_rounded():
    engine = ReferenceEngine(SPECS["gaussian scalar"])
    params, x, noise = batch(engine.spec)
    _, exact = engine.loss_and_grad(params, x, noise)
    single = {name: array.astype(np.float32) for name, array in params.items()}
    _, grads = engine.loss_and_grad(single, x, noise)
    for name, grad in grads.items():
        assert grad.dtype == np.float32
        assert grad.shape == params[name].shape
        np.testing.assert_allclose(grad, exact[name], rtol=2e-4, atol=1e-5)
