"""VAEModule against the reference engine, which finite differences and mpmath hold to the truth."""

import itertools
import sys

import numpy as np
import pytest
import torch
from torch import nn

import klosed
from klosed import VAESpec
from klosed.errors import MissingExtraError, ParameterError, ShapeError, SpecError
from klosed.models.parameters import parameter_shapes
from klosed.networks import ACTIVATIONS
from klosed.torch import VAEModule

SPECS = [
    VAESpec(7, 3, widths, activation=activation, likelihood="bernoulli")
    for activation, widths in itertools.product(ACTIVATIONS, [(), (6,), (6, 5)])
] + [
    VAESpec(7, 3, (6,), (4, 9), "tanh", likelihood, variance, min_variance=floor)
    for likelihood in ("gaussian", "student_t")
    for variance in (0.3, "scalar", "per_feature")
    for floor in (0.0, 0.2)
] + [
    VAESpec(3, 2, (6,), likelihood="heteroscedastic_gaussian", min_variance=(0.3, 0.0, 0.1))
] + [
    VAESpec(7, 3, (6,), likelihood=likelihood)
    for likelihood in ("poisson", "negative_binomial", "categorical", "heteroscedastic_gaussian",
                       (("heteroscedastic_gaussian", 2), ("categorical", 3), ("poisson", 1),
                        ("student_t", 1)))
]  # fmt: skip


def case(spec, n=5, seed=0):
    rng = np.random.default_rng(seed)
    params = klosed.engine("reference", spec).init(seed, np.float64)
    # far from where initialisation leaves them: steep activations, a variance that is not 1
    params = {name: 3 * array + rng.normal(0, 0.3, array.shape) for name, array in params.items()}
    x = rng.random((n, spec.n_features))
    if spec.likelihood in ("poisson", "negative_binomial"):
        x = rng.poisson(3.0, x.shape).astype(float)
    if spec.likelihood == "categorical":
        x = np.eye(spec.n_features)[rng.integers(spec.n_features, size=n)]
    if not isinstance(spec.likelihood, str):
        x[:, 2:5] = np.eye(3)[rng.integers(3, size=n)]
        x[0, :2] = x[2, 2:5] = x[3, 6] = np.nan  # not observed
    return params, x, rng.normal(size=(n, spec.n_components))


def assert_agree(spec, loss, grads, params, x, noise, beta):
    expected, expected_grads = klosed.engine("reference", spec).loss_and_grad(
        params, x, noise, beta=beta
    )
    for part in ("reconstruction", "kl"):
        assert getattr(loss, part) == pytest.approx(getattr(expected, part), rel=1e-10)
    assert list(grads) == list(expected_grads)
    for name, grad in grads.items():
        scale = max(1e-3, np.abs(expected_grads[name]).max())
        assert np.abs(grad - expected_grads[name]).max() <= 1e-10 * scale, name


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_engine_agrees_with_the_reference(spec):
    params, x, noise = case(spec)
    engine = klosed.engine("torch", spec, device="cpu")
    loss, grads = engine.loss_and_grad(params, x, noise, beta=0.7)
    assert_agree(spec, loss, grads, params, x, noise, 0.7)
    assert engine.loss(params, x, noise, beta=0.7) == loss
    reference = klosed.engine("reference", spec)
    for mine, truth in zip(engine.encode(params, x), reference.encode(params, x), strict=True):
        assert mine == pytest.approx(truth, rel=1e-12)
    z = noise
    assert engine.decode(params, z) == pytest.approx(reference.decode(params, z), rel=1e-12)


def test_state_dict_is_klosed_parameters_by_name():
    for spec in SPECS:
        shapes = {k: tuple(t.shape) for k, t in VAEModule(spec).state_dict().items()}
        assert shapes == parameter_shapes(spec)


def test_module_starts_and_converts_bit_for_bit():
    spec = SPECS[1]
    params = klosed.engine("reference", spec).init(3)
    before = torch.random.get_rng_state()
    module = VAEModule(spec, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())
    for given in (params, {name: array.astype(np.float64) for name, array in params.items()}):
        back = VAEModule.from_params(spec, given).to_params()
        assert all(np.array_equal(back[k], given[k]) and back[k].dtype == given[k].dtype
                   for k in given)  # fmt: skip
    assert all(np.array_equal(array, params[k]) for k, array in module.to_params().items())
    back["encoder.loc.bias"][:] = 9  # a copy: the caller's arrays and the module are apart
    assert not (given["encoder.loc.bias"] == 9).any()


def test_any_loop_may_train_it_and_the_kl_goes_backward_in_closed_form():
    spec = VAESpec(7, 3, (), likelihood="gaussian", variance=1.0)
    params, x, noise = case(spec)
    # near the prior the textbook formula has no digits left for this gradient
    params["encoder.log_variance.weight"][:] = 0
    params["encoder.log_variance.bias"][:] = 1e-12
    module = VAEModule.from_params(spec, params)
    terms = module(torch.tensor(x), torch.tensor(noise))
    terms.kl.sum().backward()
    grad = module.encoder.log_variance.bias.grad.numpy()
    assert grad == pytest.approx(len(x) * 0.5e-12, rel=1e-10)
    assert terms.loss(0.5).item() == pytest.approx(
        module.loss(torch.tensor(x), torch.tensor(noise), beta=0.5).item()
    )


def test_noise_is_drawn_by_pytorch_where_none_is_given():
    module = VAEModule(SPECS[1])
    x = torch.rand(4, 7)
    torch.manual_seed(0)
    first = module.loss(x)
    torch.manual_seed(0)
    assert module.loss(x, torch.randn(4, 3)) == first


@pytest.mark.parametrize("together", [False, True])
def test_convolutional_networks_of_ones_own(together):
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 6))

        def forward(self, x):
            return tuple(self.body(x).chunk(2, dim=1))

    pair = Pair()
    decoder = nn.Sequential(nn.Linear(3, 16), nn.Unflatten(1, (1, 4, 4)))
    spec = VAESpec(16, 3, likelihood="gaussian", variance="per_feature")
    before = {name: p.clone() for name, p in decoder.named_parameters()}
    vae = VAEModule(spec, encoder=pair.body if together else pair, decoder=decoder)
    assert all(torch.equal(p, vae.decoder.get_parameter(name)) for name, p in before.items())
    x = torch.rand(5, 1, 4, 4)
    vae.loss(x).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in vae.parameters())
    assert "decoder.log_variance" in vae.state_dict()
    with pytest.raises(SpecError, match="missing"):
        vae.to_params()


def test_wrong_shapes_are_named():
    spec = VAESpec(4, 2)
    with pytest.raises(ShapeError, match=r"must return loc and log_variance of shape \(3, 2\)"):
        VAEModule(spec, encoder=nn.Linear(4, 6))(torch.rand(3, 4))
    with pytest.raises(ShapeError, match="must hold 4 and 4 numbers an example"):
        VAEModule(spec, decoder=nn.Linear(2, 5))(torch.rand(3, 4))


def test_devices_and_precisions_are_checked():
    with pytest.raises(ParameterError, match=r"device must be one of auto, .*; got 'tpu'"):
        klosed.engine("torch", SPECS[0], device="tpu")
    with pytest.raises(ParameterError, match="precision must be one of float32, bf16; got 'half'"):
        klosed.engine("torch", SPECS[0], precision="half")
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="device cuda is not present here"):
            klosed.engine("torch", SPECS[0], device="cuda")


def test_bf16_multiplies_in_bfloat16_and_sums_in_float32():
    spec = VAESpec(64, 4, (32,))
    rng = np.random.default_rng(0)
    x, noise = rng.random((16, 64), np.float32), rng.normal(size=(16, 4)).astype(np.float32)
    full, half = (klosed.engine("torch", spec, device="cpu", precision=p)
                  for p in ("float32", "bf16"))  # fmt: skip
    params = full.init(0)
    exact, rounded = (e.loss_and_grad(params, x, noise) for e in (full, half))
    assert rounded[0] != exact[0]
    assert rounded[0] == pytest.approx(exact[0], rel=1e-3)
    for name in params:
        assert rounded[1][name].dtype == np.float32
        assert rounded[1][name] == pytest.approx(exact[1][name], abs=2e-2)


def test_without_pytorch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "klosed.torch")
    with pytest.raises(MissingExtraError, match=r"pip install 'klosed\[torch\]'"):
        klosed.engine("torch", SPECS[0])
