"""Tensors with a JSON header in safetensors files, and models stored that way. No pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._files import atomic_write
from klosed.errors import FileFormatError, KlosedError, ShapeError
from klosed.models.parameters import Parameters, check_parameters, parameter_shapes
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec

__all__ = ["Model", "load_model", "read_tensors", "save_model", "write_tensors"]

_HEADER = "klosed"


def write_tensors(path: str | Path, tensors: dict[str, NDArray[Any]], header: Any) -> None:
    """Write arrays and a JSON header to `path`, atomically."""
    from safetensors.numpy import save

    # safetensors writes the buffer as it lies in memory, whatever the strides say.
    tensors = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    atomic_write(path, save(tensors, metadata={_HEADER: json.dumps(header)}))


def read_tensors(path: str | Path) -> tuple[dict[str, NDArray[Any]], Any]:
    """Return (arrays, JSON header) of a file that `write_tensors` wrote.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or was not written by klosed.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if path.is_dir():
        raise FileFormatError(
            f"{path} is a folder. The model of a training run is its model.safetensors, which "
            "klosed.models.load_model reads."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(metadata[_HEADER])
    except FileNotFoundError:
        raise FileFormatError(f"{path} does not exist.") from None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{path} is not a readable safetensors file: {reason}") from None
    except KeyError:
        raise FileFormatError(f"{path} is a safetensors file without a klosed header.") from None


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model: what it is, its numbers, and how data are scaled for it."""

    spec: VAESpec
    params: Parameters
    scaling: Scaling


def save_model(path: str | Path, model: Model) -> None:
    """Write spec, parameters and scaling to one safetensors file, atomically."""
    header = {"spec": model.spec.to_dict(), "scaling": model.scaling.kind}
    write_tensors(path, model.params | model.scaling.arrays(), header)


def load_model(path: str | Path) -> Model:
    """Return the model that `save_model` wrote; bit for bit.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or not a klosed model.
    """
    tensors, header = read_tensors(path)
    try:
        spec = VAESpec.from_dict(header["spec"])
        scaling = Scaling.from_arrays(header["scaling"], tensors)
        params = {name: tensors.pop(name) for name in parameter_shapes(spec)}
        check_parameters(spec, params)
        if scaling.shift.shape not in ((1,), (spec.n_features,)):
            raise ShapeError(f"data.shift must have shape ({spec.n_features},).")
    except (KeyError, TypeError, KlosedError) as error:
        raise FileFormatError(f"{path} does not hold a klosed model: {error}") from None
    return Model(spec, params, scaling)
