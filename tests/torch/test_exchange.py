"""Models that leave and come back: safetensors, PyTorch's example, ONNX."""

import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from klosed import VAESpec
from klosed.errors import FileFormatError, MissingExtraError, SpecError
from klosed.models import Scaling, load_model, save_model
from klosed.torch import (
    VAEModule,
    export_onnx,
    from_pytorch_example,
    load_module,
    save_module,
    to_pytorch_example,
)


class Example(nn.Module):
    """The model of pytorch/examples, vae/main.py, in small: same layers, same forward pass."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(12, 9), nn.Linear(9, 3), nn.Linear(9, 3)
        self.fc3, self.fc4 = nn.Linear(3, 9), nn.Linear(9, 12)

    def forward(self, x, noise):
        h = F.relu(self.fc1(x))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.exp(0.5 * logvar) * noise
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def bits(tensors):
    return {name: np.asarray(t).tobytes() for name, t in tensors.items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_safetensors_both_ways_bit_for_bit(tmp_path, dtype):
    spec = VAESpec(5, 2, (4,), likelihood="student_t")
    module = VAEModule(spec, seed=7).to(torch.float64 if dtype == np.float64 else torch.float32)
    scaling = Scaling("standardize", np.arange(5.0), np.arange(1.0, 6.0))
    save_module(tmp_path / "a", module, scaling)
    model = load_model(tmp_path / "a")
    assert model.spec == spec
    assert bits(model.params) == bits(module.state_dict())
    save_model(tmp_path / "b", model)
    back, again = load_module(tmp_path / "b")
    assert bits(back.state_dict()) == bits(module.state_dict())
    assert np.array_equal(again.shift, scaling.shift)
    assert np.array_equal(again.scale, scaling.scale)
    # and what other programs read from a run's file is the state_dict beside the scaling
    from safetensors.torch import load_file

    other = load_file(tmp_path / "b")
    unread = VAEModule(spec).to(back.encoder.loc.weight.dtype).load_state_dict(other, strict=False)
    assert unread.missing_keys == []
    assert sorted(unread.unexpected_keys) == ["data.scale", "data.shift"]


@pytest.mark.parametrize("kind", ["mapping", "pt", "safetensors"])
def test_the_example_comes_in_and_goes_out(tmp_path, kind):
    from safetensors.torch import save_file

    example = Example()
    source = path = tmp_path / f"vae.{kind}"
    if kind == "mapping":
        source = example.state_dict()
    elif kind == "pt":
        torch.save(example.state_dict(), path)
    else:
        save_file(example.state_dict(), path)
    module = from_pytorch_example(source)
    x, noise = torch.rand(6, 12), torch.randn(6, 3)
    output, mu, logvar = example(x, noise)
    # the loss as the example writes it
    expected = F.binary_cross_entropy(output, x, reduction="sum") - 0.5 * torch.sum(
        1 + logvar - mu.pow(2) - logvar.exp()
    )
    torch.testing.assert_close(module.loss(x, noise) * 6, expected)
    torch.testing.assert_close(module.mean(mu), example(x, torch.zeros(6, 3))[0])
    returned = Example()
    returned.load_state_dict(to_pytorch_example(module))
    assert bits(returned.state_dict()) == bits(example.state_dict())


def test_what_is_not_the_example_is_named(tmp_path):
    state = Example().state_dict()
    with pytest.raises(SpecError, match=r"must hold fc1.bias, .*; got fc1.bias, fc1.weight\.$"):
        from_pytorch_example({name: t for name, t in state.items() if name.startswith("fc1.")})
    with pytest.raises(SpecError, match=r"one hidden layer of relu .* got 2 and 2 layers of tanh"):
        to_pytorch_example(VAEModule(VAESpec(4, 2, (3, 3), activation="tanh")))
    with pytest.raises(FileFormatError, match="does not exist"):
        from_pytorch_example(tmp_path / "none.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FileFormatError, match="must hold a state_dict of tensors"):
        from_pytorch_example(tmp_path / "list.pt")


class Harmful:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickles_are_never_loaded(tmp_path):
    trace = tmp_path / "trace"
    torch.save({"fc1.weight": Harmful(str(trace))}, tmp_path / "harmful.pt")
    with pytest.raises(FileFormatError, match="without unpickling"):
        from_pytorch_example(tmp_path / "harmful.pt")
    assert not trace.exists()


# the exporter warns of its own future, by version
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_onnx_runs_elsewhere_and_agrees(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    likelihood = (("bernoulli", 2), ("gaussian", 2), ("poisson", 2), ("categorical", 4),
                  ("heteroscedastic_gaussian", 2))  # fmt: skip
    module = VAEModule(VAESpec(12, 3, (9,), activation="gelu", likelihood=likelihood), seed=1)
    scaling = Scaling("standardize", np.linspace(0, 1, 12), np.linspace(1, 2, 12))
    paths = export_onnx(module, tmp_path / "onnx", scaling=scaling)
    encoder, decoder = (
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for path in paths
    )
    for n in (1, 7):  # another number of rows than it was traced with
        x = np.random.default_rng(n).random((n, 12), np.float32) * 3
        loc, log_variance = encoder.run(["loc", "log_variance"], {"x": x})
        expected = module.encode(torch.from_numpy(scaling.apply(x)))
        for got, truth in zip((loc, log_variance), expected, strict=True):
            np.testing.assert_allclose(got, truth.detach(), rtol=1e-4, atol=1e-5)
        (mean,) = decoder.run(["mean"], {"z": loc})
        truth = scaling.invert(module.mean(torch.from_numpy(loc)).detach().numpy())
        np.testing.assert_allclose(mean, truth, rtol=1e-4, atol=1e-5)


def test_onnx_says_which_extra_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"klosed\[onnx\]"):
        export_onnx(VAEModule(VAESpec(4, 2, (3,))), tmp_path)


def test_networks_of_ones_own_are_no_klosed_model(tmp_path):
    with pytest.raises(SpecError, match=r"'encoder.hidden.0.weight' is missing"):
        save_module(tmp_path / "m", VAEModule(VAESpec(5, 2, (4,)), encoder=nn.Linear(5, 4)))
    assert not (tmp_path / "m").exists()
