"""TrainingConfig: valid or refused by the field's name, and the same after a trip through JSON."""

import json

import numpy as np
import pytest

from klosed.errors import ParameterError
from klosed.training import TrainingConfig


def test_numpy_scalars_are_taken_and_can_be_saved():
    config = TrainingConfig(
        epochs=np.int64(3),
        learning_rate=np.float32(0.5),
        early_stopping=np.True_,
        validation_fraction=np.float32(0.25),
    )
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer >= 1; got 0"),
        ({"epochs": "ten"}, "epochs must be an integer >= 1; got 'ten'"),
        ({"batch_size": 1.5}, "batch_size must be an integer"),
        ({"patience": True}, "patience must be an integer"),
        ({"learning_rate": 0}, "learning_rate must be > 0 and finite; got 0"),
        ({"learning_rate": "x"}, "learning_rate must be > 0"),
        ({"beta": -1}, "beta must be >= 0 and finite; got -1"),
        ({"beta": float("inf")}, "beta must be"),
        ({"validation_fraction": 1.0}, r"validation_fraction must be in \(0, 1\); got 1.0"),
        ({"validation_fraction": "x"}, "validation_fraction must be"),
        ({"optimizer": "lion"}, "optimizer must be one of adam, sgd, adagrad; got 'lion'"),
        ({"optimizer": ["adam"]}, "optimizer must be one of"),
        ({"seed": -1}, "seed must be"),
        ({"lr": 1}, "unknown training field 'lr'"),
    ],
)
def test_bad_fields_are_named(fields, message):
    with pytest.raises(ParameterError, match=message):
        TrainingConfig.from_dict(fields)
