"""Each layer, activation, likelihood and KL alone against central differences in float64."""

import numpy as np
import pytest

from klosed.divergences.normal import kl_standard_normal
from klosed.models import likelihood_of
from klosed.networks import ACTIVATIONS, dense, dense_grad_input, dense_grad_params

from .cases import SPECS, batch
from .differences import TOLERANCE, central_differences, relative_error

rng = np.random.default_rng(5)


def test_dense():
    x, weight, bias = rng.normal(size=(3, 4)), rng.normal(size=(2, 4)), rng.normal(size=2)
    grad_y = rng.normal(size=(3, 2))
    grad_weight, grad_bias = dense_grad_params(grad_y, x)

    def f():
        return float((grad_y * dense(x, weight, bias)).sum())

    for array, got in (
        (x, dense_grad_input(grad_y, weight)),
        (weight, grad_weight),
        (bias, grad_bias),
    ):
        assert relative_error(got, central_differences(f, array)) <= TOLERANCE


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_against_differences_everywhere(name):
    activation = ACTIVATIONS[name]
    x = np.concatenate([-(10.0 ** np.linspace(-2, 1, 9)), 10.0 ** np.linspace(-2, 1, 9)])
    grad_y = rng.normal(size=x.shape)

    def f():
        return float((grad_y * activation.forward(x)).sum())

    got = activation.backward(grad_y, x, activation.forward(x))
    assert relative_error(got, central_differences(f, x, 1e-6)) <= TOLERANCE


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activation_matches_torch_and_stays_finite(name, dtype):
    torch = pytest.importorskip("torch")
    functions = {
        "identity": lambda t: t * 1,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "softplus": lambda t: torch.logaddexp(t, torch.zeros_like(t)),
    }
    function = functions.get(name) or getattr(torch.nn.functional, name)
    x = np.array([-800, -90, -5, -1, -1e-3, 0, 1e-3, 1, 5, 90, 800], dtype)
    t = torch.tensor(x, requires_grad=True)
    y = function(t)
    y.backward(torch.ones_like(y))
    activation = ACTIVATIONS[name]
    with np.errstate(over="raise", invalid="raise"):
        got = activation.forward(x)
        grad = activation.backward(np.ones_like(x), x, got)
    eps = 16 * np.finfo(dtype).eps
    assert got.dtype == grad.dtype == dtype
    np.testing.assert_allclose(got, y.detach().numpy(), rtol=eps, atol=eps)
    np.testing.assert_allclose(grad, t.grad.numpy(), rtol=eps, atol=eps)


@pytest.mark.parametrize("name", SPECS)
def test_likelihood(name):
    spec = SPECS[name]
    likelihood = likelihood_of(spec)
    params = {k: rng.normal(size=shape) for k, shape in likelihood.free_parameters().items()}
    output = rng.normal(size=(3, likelihood.n_outputs))
    _, x, _ = batch(spec)

    def f():
        return float(likelihood.negative_log_prob(params, output, x).sum())

    grad_output, grads = likelihood.grad(params, output, x)
    assert relative_error(grad_output, central_differences(f, output)) <= TOLERANCE
    assert grads.keys() == params.keys()
    for key, grad in grads.items():
        assert relative_error(grad, central_differences(f, params[key])) <= TOLERANCE
    unobserved = np.full_like(x, np.nan)
    assert (likelihood.grad(params, output, unobserved)[0] == 0).all()


def test_kl_to_the_standard_normal():
    loc, log_variance = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))

    def f():
        return float(kl_standard_normal(loc, log_variance)[0].sum())

    _, grad_loc, grad_log_variance = kl_standard_normal(loc, log_variance)
    assert relative_error(grad_loc, central_differences(f, loc)) <= TOLERANCE
    assert relative_error(grad_log_variance, central_differences(f, log_variance)) <= TOLERANCE
