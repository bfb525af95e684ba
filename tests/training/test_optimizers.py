"""The update rules against torch.optim, their own state, and bad settings."""

import numpy as np
import pytest

from klosed.errors import ParameterError
from klosed.training import OPTIMIZERS, SGD, Adagrad, Adam


def peers(torch, name, params, rate):
    if name == "adam":
        return torch.optim.Adam(params, lr=rate)
    if name == "sgd":
        return torch.optim.SGD(params, lr=rate, momentum=0.9)
    return torch.optim.Adagrad(params, lr=rate)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_hundred_steps_agree_with_torch(name):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    params = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=5)}
    tensors = [torch.tensor(array, requires_grad=True) for array in params.values()]
    rule = OPTIMIZERS[name](0.01)
    moments = rule.init(params)
    peer = peers(torch, name, tensors, 0.01)
    for step in range(1, 101):
        # Gradients over many sizes, zero among them.
        grads = {
            k: rng.normal(size=p.shape) * 10.0 ** rng.integers(-9, 3) for k, p in params.items()
        }
        grads["b"][0] = 0
        for tensor, grad in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(grad)
        peer.step()
        rule.update(params, grads, moments, step)
    for tensor, array in zip(tensors, params.values(), strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-12)


def test_first_adam_step_has_the_size_of_the_learning_rate():
    # Kingma and Ba, section 2.1: |Δθ| ≈ α whatever the gradient's scale.
    for scale in (1e-4, 1.0, 1e6):
        params = {"a": np.zeros(1)}
        rule = Adam(0.1)
        rule.update(params, {"a": np.array([scale])}, rule.init(params), 1)
        assert params["a"][0] == pytest.approx(-0.1, rel=1e-3)


def test_adam_leaves_no_denormal_numbers():
    params = {"a": np.ones(1, np.float32)}
    rule = Adam()
    moments = rule.init(params)
    rule.update(params, {"a": np.full(1, 1e-3, np.float32)}, moments, 1)
    for step in range(2, 1025):
        rule.update(params, {"a": np.zeros(1, np.float32)}, moments, step)
    assert moments["m.a"][0] == 0


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("rule", OPTIMIZERS.values())
def test_learning_rate_must_be_positive(rule, rate):
    with pytest.raises(ParameterError, match="learning_rate must be > 0"):
        rule(rate)


def test_momentum_must_be_below_one():
    with pytest.raises(ParameterError, match="momentum must be in"):
        SGD(0.1, momentum=1.0)


def test_updates_keep_float32_and_work_in_place():
    for rule in (Adam(), SGD(), Adagrad()):
        params = {"a": np.ones((2, 2), np.float32)}
        array = params["a"]
        moments = rule.init(params)
        rule.update(params, {"a": np.ones((2, 2), np.float32)}, moments, 1)
        assert params["a"] is array
        assert array.dtype == np.float32
        assert all(moment.dtype == np.float32 for moment in moments.values())
