"""A fitted estimator as one safetensors file, and back. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import DataError, FileFormatError, KlosedError
from klosed.estimator.table import Table
from klosed.models.files import Model, load_model, read_tensors, write_tensors

__all__ = ["plain_parameters", "read_estimator", "write_estimator"]

Array = NDArray[Any]


def write_estimator(
    path: str | Path, model: Model, bounds: Array, table: Table, fields: dict[str, Any]
) -> None:
    """Write a model with what the estimator knows beside it; `load_model` reads it too."""
    header = {
        "spec": model.spec.to_dict(),
        "scaling": model.scaling.kind,
        "table": table.to_dict(),
        "estimator": fields,
    }
    tensors = model.params | model.scaling.arrays() | {"data.bounds": bounds}
    try:
        json.dumps(header)
    except TypeError as error:
        raise DataError(
            "parameters and column names must be text, numbers or booleans to be saved: "
            f"{error}. Rename or convert it."
        ) from None
    write_tensors(path, tensors, header)


def read_estimator(path: str | Path) -> tuple[Model, Array, Table, dict[str, Any]]:
    """Return what `write_estimator` wrote.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or holds no estimator.
    """
    model = load_model(path)
    tensors, header = read_tensors(path)
    try:
        table = Table.from_dict(header["table"])
        bounds, fields = tensors["data.bounds"], dict(header["estimator"])
        if table.width != model.spec.n_features or bounds.shape != (2, table.width):
            raise DataError("its columns do not fit its spec.")
    except (KeyError, TypeError, KlosedError) as error:
        raise FileFormatError(
            f"{path} holds a klosed model but no estimator ({error}). "
            "Read it with klosed.models.load_model."
        ) from None
    return model, np.asarray(bounds), table, fields


def plain_parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's constructor parameters as JSON types."""
    parameters = {name: _plain(p) for name, p in estimator.get_params(deep=False).items()}
    parameters["hidden_layer_sizes"] = [int(width) for width in estimator.hidden_layer_sizes]
    if not isinstance(estimator.column_types, str):
        parameters["column_types"] = [(_plain(k), t) for k, t in estimator.column_types.items()]
    if not isinstance(parameters["random_state"], (int, type(None))):
        parameters["random_state"] = None  # a generator's state is no number
    return parameters


def _plain(value: Any) -> Any:
    """Return a number of NumPy's, such as a grid search tries, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value
