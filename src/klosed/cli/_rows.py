"""Rows between files, models and pictures: what the scaling expects, what a picture shows.

Imports no subcommand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.cli._messages import warn
from klosed.datasets import Dataset, scaled
from klosed.errors import DataError
from klosed.models import Scaling, VAESpec, likelihood_of
from klosed.models.files import Model
from klosed.plots import to_bytes

__all__ = ["Display", "check_support", "has_grey", "rows_for"]

Array = NDArray[Any]
_NUMBERS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Display:
    """How a row becomes a picture: its shape, and the values shown as black and white."""

    shape: tuple[int, ...] | None
    low: float
    high: float

    @classmethod
    def of(cls, data: Dataset) -> Display:
        """Return how rows like those of `data` are shown."""
        shape = data.image_shape
        if shape is not None and len(shape) == 3 and shape[2] != 3:
            shape = None  # two or four channels have no agreed colours
        low, high = {"bytes": (0.0, 255.0), "unit": (0.0, 1.0)}.get(data.kind, data.value_range)
        return cls(shape, low, high if high > low else low + 1)

    def images(self, rows: Array) -> NDArray[np.uint8]:
        """Return rows, in the units of the data, as bytes of shape (n, height, width[, 3])."""
        if self.shape is None:
            raise DataError("these data are not pictures, so there is no grid to draw.")
        return to_bytes(rows, self.low, self.high).reshape(len(rows), *self.shape)


def rows_for(model: Model, data: Dataset) -> Array:
    """Return the rows of `data` in the units that the model was trained in, or raise DataError.

    Checks the number of features and the support of the likelihood, not the names of columns.
    """
    scaling, spec = model.scaling, model.spec
    if data.x.shape[1] != spec.n_features:
        raise DataError(
            f"{data.name}: the model was trained on {spec.n_features} features; got "
            f"{data.x.shape[1]}. Give data with the same columns."
        )
    rows = data.x
    if scaling.kind == "none" and data.kind == "bytes":
        rows = scaled(data.x, np.float32)
    if scaling.kind == "bytes" and data.kind == "unit":
        warn(
            f"{data.name}: all values lie in [0, 1], but the model was trained on bytes from 0 to "
            "255. If these are fractions of 255, multiply them."
        )
    check_support(scaling, spec, data)
    return rows


def check_support(scaling: Scaling, spec: VAESpec, data: Dataset) -> None:
    """Raise DataError when the likelihood of `spec` cannot have produced `data`."""
    low, high = data.value_range
    if spec.likelihood == "bernoulli" and (scaling.kind == "bytes" or data.kind == "bytes"):
        low, high = low / 255, high / 255
    likelihood_of(spec).check_support(low, high, data.name)


def has_grey(data: Dataset) -> bool:
    """Return True if bytes or values in [0, 1] hold more than black and white."""
    white = 255 if data.kind == "bytes" else 1
    rows = max(1, _NUMBERS_AT_ONCE // data.x.shape[1])
    blocks = (data.x[i : i + rows] for i in range(0, len(data.x), rows))
    return any(bool(((block != 0) & (block != white)).any()) for block in blocks)
