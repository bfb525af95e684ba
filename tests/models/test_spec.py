"""VAESpec: valid or refused with the field's name, and the same after a trip through JSON."""

import dataclasses
import json

import numpy as np
import pytest

from klosed import VAESpec
from klosed.errors import SpecError


def test_round_trip_through_json():
    for spec in (
        VAESpec(784),
        VAESpec(3, 1, ()),
        VAESpec(21, 8, (64, 32), (16,), "tanh", "gaussian", 0.25, "he"),
        VAESpec(21, likelihood="gaussian", variance="per_feature", min_variance=1e-3),
        VAESpec(2, likelihood="heteroscedastic_gaussian", min_variance=[0.1, 1e-3]),
        VAESpec(5, likelihood=[["gaussian", 2], ["categorical", 3]]),
    ):
        again = VAESpec.from_dict(json.loads(json.dumps(spec.to_dict())))
        assert again == spec
        assert hash(again) == hash(spec)


def test_specs_written_before_a_field_was_added_are_read():
    old = VAESpec(3, likelihood="gaussian").to_dict()
    del old["min_variance"]
    assert VAESpec.from_dict(old) == VAESpec(3, likelihood="gaussian")


def test_one_block_is_its_name():
    assert VAESpec(3, likelihood=[("poisson", 3)]) == VAESpec(3, likelihood="poisson")


def test_the_decoder_mirrors_the_encoder_unless_told():
    assert VAESpec(9, hidden_layer_sizes=(5, 4)).decoder_widths == (4, 5)
    assert VAESpec(
        9, hidden_layer_sizes=(5, 4), decoder_hidden_layer_sizes=(7,)
    ).decoder_widths == (7,)


def test_numpy_integers_and_lists_are_taken():
    spec = VAESpec(np.int64(5), np.int32(2), [np.int64(3)])
    assert spec == VAESpec(5, 2, (3,))
    assert json.dumps(spec.to_dict())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_features": 0}, "n_features must be an integer >= 1; got 0"),
        ({"n_features": 2.5}, "n_features must be an integer >= 1; got 2.5"),
        ({"n_features": True}, "n_features must be an integer"),
        ({"n_components": -1}, "n_components must be an integer >= 1; got -1"),
        (
            {"hidden_layer_sizes": 400},
            r"hidden_layer_sizes must be a sequence of integers.*got 400",
        ),
        ({"hidden_layer_sizes": "400"}, "hidden_layer_sizes must be a sequence"),
        ({"hidden_layer_sizes": (4, 0)}, r"hidden_layer_sizes\[1\] must be an integer >= 1; got 0"),
        ({"activation": "swish"}, "activation must be one of .*relu.*; got 'swish'"),
        ({"likelihood": "gamma"}, "likelihood must be one of bernoulli, gaussian"),
        ({"likelihood": [("gaussian", 3)]}, "must cover n_features = 4; they cover 3"),
        ({"likelihood": [("gaussian", 0)]}, r"width of likelihood\[0\] must be .*>= 1; got 0"),
        ({"likelihood": [("gamma", 4)]}, r"likelihood\[0\] must be one of .*; got 'gamma'"),
        ({"likelihood": 3}, "likelihood must be one of .*a sequence of blocks .*got 3"),
        ({"likelihood": [3]}, "a sequence of blocks"),
        ({"min_variance": -1}, "min_variance must be >= 0 and finite; got -1"),
        ({"min_variance": (0.1,) * 4}, "one a feature .4.; got 4 under 'bernoulli'"),
        (
            {"min_variance": (0.1,) * 3, "likelihood": "heteroscedastic_gaussian"},
            "one a feature .4.; got 3",
        ),
        ({"min_variance": (0.1, -2)}, "min_variance must be >= 0 and finite; got -2"),
        ({"initialization": "zeros"}, "initialization must be one of pytorch, xavier, he"),
        ({"variance": 0}, "variance must be a number > 0"),
        ({"variance": float("nan")}, "variance must be a number > 0"),
        ({"variance": "diagonal"}, "variance must be .*'per_feature'; got 'diagonal'"),
        ({"variance": True}, "variance must be"),
    ],
)
def test_bad_fields_are_named(fields, message):
    with pytest.raises(SpecError, match=message):
        VAESpec(**({"n_features": 4} | fields))


def test_bad_mappings_are_named():
    with pytest.raises(SpecError, match="unknown spec field 'laten'"):
        VAESpec.from_dict({"n_features": 3, "laten": 2})
    with pytest.raises(SpecError, match="'n_features' is missing"):
        VAESpec.from_dict({})
    with pytest.raises(SpecError, match="must be a mapping"):
        VAESpec.from_dict([1])


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        VAESpec(3).n_features = 4
