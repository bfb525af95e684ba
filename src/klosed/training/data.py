"""What a loop trains on: rows, how they are scaled, and in which order they come."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets import Splits, StreamedRows
from klosed.errors import DataError
from klosed.models import Scaling, VAESpec, likelihood_of
from klosed.random import Purpose, permutation
from klosed.training.config import TrainingConfig

__all__ = ["TrainingData", "check_data", "check_rows", "order_of_epoch", "split"]

Array = NDArray[Any]
_ROWS_AT_ONCE = 65536


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Rows to learn from, rows to report on, and how both are scaled.

    With `allow_missing`, NaN means "not observed"; without it, NaN is refused.
    """

    train: Array | StreamedRows
    test: Array | None = None
    scaling: Scaling = dataclasses.field(default_factory=Scaling.none)
    allow_missing: bool = False

    @classmethod
    def of(cls, splits: Splits, spec: VAESpec) -> TrainingData:
        """Return the rows of a data set, scaled as suits them and the model's likelihood.

        Examples
        --------
        >>> from klosed import VAESpec
        >>> from klosed.datasets import load_dataset
        >>> from klosed.training import TrainingData
        >>> TrainingData.of(load_dataset("digits"), VAESpec(n_features=64)).scaling.kind
        'none'
        """
        test = None if splits.test is None else splits.test.x
        return cls(splits.train.x, test, Scaling.suited(spec, splits.train))


def check_data(spec: VAESpec, data: TrainingData) -> None:
    """Raise DataError unless both parts are tables that the model's likelihood can take."""
    for name, x in (("training data", data.train), ("test data", data.test)):
        if x is None:
            continue
        if (
            not isinstance(x, (np.ndarray, StreamedRows))
            or x.ndim != 2
            or x.shape[1] != spec.n_features
        ):
            got = getattr(x, "shape", type(x).__name__)
            raise DataError(
                f"{name} must be an array of shape (rows, {spec.n_features}); got {got}."
            )
        if len(x) == 0:
            raise DataError(f"{name} must have at least one row; got none.")
        ends = _ends(x, data.allow_missing)
        if np.isinf(ends).any() or (np.isnan(ends).any() and not data.allow_missing):
            raise DataError(f"{name} must be finite; got NaN or infinite values. Clean the data.")
        # A column that these rows do not show has no ends; 0 lies in every support.
        low, high = np.nan_to_num(data.scaling.apply(ends, np.float64))
        likelihood_of(spec).check_support(low, high, name)


def _ends(x: Array | StreamedRows, allow_missing: bool) -> Array:
    """Return the smallest and the largest value of each column, shape (2, n_features)."""
    if isinstance(x, StreamedRows):
        return np.stack([x.facts.low, x.facts.high])
    # fmin and fmax pass over NaN unless a column holds nothing else
    lowest, highest = (np.fmin, np.fmax) if allow_missing else (np.minimum, np.maximum)
    parts = [x[i : i + _ROWS_AT_ONCE] for i in range(0, len(x), _ROWS_AT_ONCE)]
    return np.stack(
        [
            lowest.reduce([lowest.reduce(part, axis=0) for part in parts], axis=0),
            highest.reduce([highest.reduce(part, axis=0) for part in parts], axis=0),
        ]
    )


def check_rows(config: TrainingConfig, n: int) -> None:
    """Raise DataError unless `n` rows, less those held out, are enough for one batch."""
    train_rows, held_out = split(config, n)
    if len(train_rows) < config.batch_size:
        less = "" if held_out is None else f", {len(held_out)} of {n} being held out to validate"
        raise DataError(
            f"batch_size must not exceed the number of training rows; got batch_size "
            f"{config.batch_size} for {len(train_rows)} rows{less}."
        )


def split(config: TrainingConfig, n: int) -> tuple[Array | range, Array | None]:
    """Return row numbers to train on and, under early stopping, to hold out."""
    if not config.early_stopping:
        return range(n), None
    order = permutation(config.seed, Purpose.SPLIT, 0, n)
    n_held_out = max(1, round(config.validation_fraction * n))
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def order_of_epoch(
    config: TrainingConfig,
    x: Array | StreamedRows,
    train_rows: Array | range,
    epoch: int,
    permutation: Callable[..., Array],
) -> Callable[[int, int], Array]:
    """Return what gives the row numbers of some of an epoch's batches, from one up to another."""
    size = config.batch_size
    if isinstance(x, StreamedRows):
        streamed = x.order(config.seed, epoch, size)
        return lambda first, end: np.concatenate([streamed.batch(n) for n in range(first, end)])
    rows = permutation(config.seed, Purpose.SHUFFLE, epoch, len(train_rows))
    if not isinstance(train_rows, range):
        rows = train_rows[rows]
    return lambda first, end: rows[first * size : end * size]
