"""Parameters by name: shapes as in a state_dict, and starts as PyTorch, Xavier and He have them."""

import numpy as np
import pytest

from klosed import VAESpec
from klosed.errors import ShapeError, SpecError
from klosed.models import check_parameters, initialize


def test_names_and_shapes_are_those_of_torch_linear_layers():
    params = initialize(VAESpec(784, 20, (400,)))
    assert {name: array.shape for name, array in params.items()} == {
        "encoder.hidden.0.weight": (400, 784),
        "encoder.hidden.0.bias": (400,),
        "encoder.loc.weight": (20, 400),
        "encoder.loc.bias": (20,),
        "encoder.log_variance.weight": (20, 400),
        "encoder.log_variance.bias": (20,),
        "decoder.hidden.0.weight": (400, 20),
        "decoder.hidden.0.bias": (400,),
        "decoder.logits.weight": (784, 400),
        "decoder.logits.bias": (784,),
    }
    assert {array.dtype for array in params.values()} == {np.dtype(np.float32)}


def spread(array):
    return array.min(), array.max(), array.std()


def test_pytorch_default_has_torchs_distribution():
    torch = pytest.importorskip("torch")
    params = initialize(VAESpec(300, 20, (500,)), seed=1)
    torch.manual_seed(0)
    layer = torch.nn.Linear(300, 500)
    for name in ("weight", "bias"):
        expected = spread(getattr(layer, name).detach().numpy())
        np.testing.assert_allclose(spread(params[f"encoder.hidden.0.{name}"]), expected, rtol=0.06)


def test_xavier_and_he_match_torchs():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    init = torch.nn.init
    for scheme, rule in (
        ("xavier", init.xavier_uniform_),
        ("he", lambda w: init.kaiming_normal_(w, nonlinearity="relu")),
    ):
        params = initialize(VAESpec(300, 20, (500,), initialization=scheme))
        weight = params["encoder.hidden.0.weight"]
        expected = rule(torch.empty(500, 300)).numpy()
        assert weight.std() == pytest.approx(expected.std(), rel=0.01)
        if scheme == "xavier":
            assert abs(weight).max() == pytest.approx(abs(expected).max(), rel=0.01)
        assert not params["encoder.hidden.0.bias"].any()


def test_a_seed_gives_the_same_weights_in_both_precisions_and_another_seed_others():
    spec = VAESpec(7, 3, (5,))
    single, double = initialize(spec, 4), initialize(spec, 4, np.float64)
    for name in single:
        np.testing.assert_array_equal(single[name], double[name].astype(np.float32))
    other = initialize(spec, 5)
    assert not np.array_equal(other["encoder.loc.weight"], single["encoder.loc.weight"])
    # Layers of equal shape must not start equal.
    assert not np.array_equal(single["encoder.loc.weight"], single["encoder.log_variance.weight"])


def test_adding_a_layer_leaves_the_others_as_they_were():
    shallow, deep = initialize(VAESpec(7, 3, (5,))), initialize(VAESpec(7, 3, (5, 5)))
    for name in ("encoder.hidden.0.weight", "encoder.loc.weight"):
        np.testing.assert_array_equal(shallow[name], deep[name])


def test_wrong_parameters_are_named():
    spec = VAESpec(4, 2, (3,))
    params = initialize(spec)
    check_parameters(spec, params)
    without = {k: v for k, v in params.items() if k != "encoder.loc.bias"}
    with pytest.raises(SpecError, match=r"'encoder.loc.bias' is missing"):
        check_parameters(spec, without)
    with pytest.raises(SpecError, match="'fc1' is not part"):
        check_parameters(spec, params | {"fc1": np.zeros(1)})
    with pytest.raises(ShapeError, match=r"encoder.loc.bias must have shape \(2,\); got \(3,\)"):
        check_parameters(spec, params | {"encoder.loc.bias": np.zeros(3, np.float32)})
    with pytest.raises(SpecError, match="all float32 or all float64; got float32, float64"):
        check_parameters(spec, params | {"encoder.loc.bias": np.zeros(2)})
    integers = {name: array.astype(int) for name, array in params.items()}
    with pytest.raises(SpecError, match="got int64"):
        check_parameters(spec, integers)
