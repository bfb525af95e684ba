"""Model files: bit for bit there and back, readable by others, refused when damaged."""

import json

import numpy as np
import pytest

from klosed import VAESpec
from klosed.errors import FileFormatError
from klosed.models import Model, Scaling, initialize, load_model, save_model
from klosed.models.files import read_tensors, write_tensors


@pytest.fixture
def model():
    spec = VAESpec(6, 2, (4,), likelihood="gaussian", variance="per_feature")
    x = np.random.default_rng(0).normal(5, 2, (30, 6))
    return Model(spec, initialize(spec, 1), Scaling.standardize(x))


def test_bit_for_bit(model, tmp_path):
    path = tmp_path / "model.safetensors"
    # A transposed view must be written as it reads, not as it lies in memory.
    name = "encoder.hidden.0.weight"
    model.params[name] = np.asfortranarray(model.params[name])
    save_model(path, model)
    again = load_model(path)
    assert again.spec == model.spec
    assert list(again.params) == list(model.params)
    for key, array in model.params.items():
        np.testing.assert_array_equal(again.params[key], array)
        assert again.params[key].dtype == array.dtype
    assert again.scaling.kind == "standardize"
    np.testing.assert_array_equal(again.scaling.scale, model.scaling.scale)


def test_plain_safetensors_with_the_spec_in_the_header(model, tmp_path):
    safetensors = pytest.importorskip("safetensors")
    save_model(tmp_path / "m", model)
    with safetensors.safe_open(tmp_path / "m", framework="numpy") as file:
        header = json.loads(file.metadata()["klosed"])
        assert set(file.keys()) == {*model.params, "data.shift", "data.scale"}
    assert VAESpec.from_dict(header["spec"]) == model.spec


def test_a_failed_write_leaves_the_old_file(model, tmp_path):
    path = tmp_path / "m"
    save_model(path, model)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_tensors(path, {}, header={"not": object()})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 64, b"\x80\x04K\x01."])
def test_what_is_no_model_is_refused(content, tmp_path):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(FileFormatError, match="not a readable safetensors file"):
        load_model(tmp_path / "m")


def test_a_missing_file_a_foreign_file_and_a_wrong_spec(model, tmp_path):
    from safetensors.numpy import save_file

    with pytest.raises(FileFormatError, match="does not exist"):
        load_model(tmp_path / "none")
    save_file({"a": np.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(FileFormatError, match="without a klosed header"):
        load_model(tmp_path / "foreign")
    save_model(tmp_path / "m", model)
    tensors, header = read_tensors(tmp_path / "m")
    for change, message in (
        ({"spec": {}}, "n_features"),
        ({"spec": header["spec"] | {"n_components": 3}}, "must have shape"),
        ({"spec": [1]}, "must be a mapping"),
        ({"scaling": "magic"}, "scaling"),
    ):
        write_tensors(tmp_path / "bad", tensors, header | change)
        with pytest.raises(FileFormatError, match=message):
            load_model(tmp_path / "bad")
    for change, message in (
        ({"data.scale": np.zeros(6)}, "scale > 0"),
        ({"data.scale": np.ones(5)}, "one shape"),
        ({"data.scale": np.ones(5), "data.shift": np.ones(5)}, "data.shift must have shape"),
    ):
        write_tensors(tmp_path / "bad", tensors | change, header)
        with pytest.raises(FileFormatError, match=message):
            load_model(tmp_path / "bad")


def test_damaged_bytes_never_do_more_than_an_error(model, tmp_path):
    save_model(tmp_path / "m", model)
    good = (tmp_path / "m").read_bytes()
    rng = np.random.default_rng()
    for _ in range(100):
        bad = bytearray(good[: rng.integers(1, len(good) + 1)])
        bad[rng.integers(min(len(bad), 1200))] ^= 1 << rng.integers(8)
        (tmp_path / "bad").write_bytes(bad)
        try:
            load_model(tmp_path / "bad")
        except FileFormatError:
            continue
