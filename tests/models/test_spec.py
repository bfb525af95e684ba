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
        VAESpec(21, likelihood="gaussian", variance="per_feature"),
    ):
        again = VAESpec.from_dict(json.loads(json.dumps(spec.to_dict())))
        assert again == spec
        assert hash(again) == hash(spec)


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
        ({"likelihood": "poisson"}, "likelihood must be one of bernoulli, gaussian"),
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
