"""How to train, as data: frozen and JSON-serialisable, like the model's spec."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klosed.errors import ParameterError
from klosed.random import check_seed
from klosed.training.optimizers import OPTIMIZERS, Optimizer

__all__ = ["TrainingConfig"]


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Parameters
    ----------
    epochs : int, default 10
    batch_size : int, default 128
    learning_rate : float, default 1e-3
    optimizer : {"adam", "sgd", "adagrad"}
        SGD has momentum 0.9.
    beta : float, default 1
        Weight of the KL term: loss = reconstruction + beta · KL.
    seed : int, default 0
        Weights, shuffling and noise are functions of it.
    early_stopping : bool, default False
        Hold out `validation_fraction` of the training rows; stop when their loss has not
        improved for `patience` epochs, and keep the best epoch's parameters.
    patience : int, default 10
    validation_fraction : float, default 0.1
    """

    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    beta: float = 1.0
    seed: int = 0
    early_stopping: bool = False
    patience: int = 10
    validation_fraction: float = 0.1

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # the dataclass is frozen once it is valid
        for name in ("epochs", "batch_size", "patience"):
            set_field(self, name, _count(name, getattr(self, name)))
        for name, low in (("learning_rate", "> 0"), ("beta", ">= 0")):
            set_field(self, name, _number(name, getattr(self, name), low))
        set_field(self, "early_stopping", bool(self.early_stopping))
        fraction = _number("validation_fraction", self.validation_fraction, "> 0")
        set_field(self, "validation_fraction", fraction)
        if not fraction < 1:
            raise ParameterError(
                f"validation_fraction must be in (0, 1); got {self.validation_fraction}."
            )
        if not isinstance(self.optimizer, str) or self.optimizer not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise ParameterError(f"optimizer must be one of {known}; got {self.optimizer!r}.")
        set_field(self, "seed", check_seed(self.seed))

    def make_optimizer(self) -> Optimizer:
        """Return the optimizer that this configuration names."""
        return OPTIMIZERS[self.optimizer](self.learning_rate)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> TrainingConfig:
        """Return the configuration that `to_dict` described."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise ParameterError(f"unknown training field {unknown[0]!r}.")
        return cls(**fields)


def _count(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ParameterError(f"{name} must be an integer >= 1; got {value!r}.")
    return number


def _number(name: str, value: Any, rule: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (number > 0 if rule == "> 0" else number >= 0) or math.isinf(number):
        raise ParameterError(f"{name} must be {rule} and finite; got {value!r}.")
    return number
