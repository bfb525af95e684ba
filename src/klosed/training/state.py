"""Everything a run needs to go on where it stopped, as one safetensors file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import CheckpointError, FileFormatError, ShapeError, SpecError
from klosed.models.files import read_tensors, write_tensors
from klosed.models.parameters import Parameters, check_parameters
from klosed.models.spec import VAESpec
from klosed.training.config import TrainingConfig

__all__ = ["TrainingState"]

Arrays = dict[str, NDArray[Any]]
_SMALL = 2**14


@dataclass
class TrainingState:
    """Where training stands. Noise and order are functions of the position, so this is all.

    `epoch` counts finished epochs, `batch` the finished batches of the current one, and `step`
    all batches ever. `sums` holds the running sums of the current epoch.
    """

    params: Parameters
    moments: Arrays
    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    best_loss: float | None = None
    epochs_without_improvement: int = 0
    best_params: Parameters | None = None
    stopped_early: bool = False

    @property
    def final_params(self) -> Parameters:
        """The parameters to keep: the best epoch's under early stopping, else the last."""
        return self.params if self.best_params is None else self.best_params

    def save(self, path: str | Path, spec: VAESpec, config: TrainingConfig) -> None:
        """Write the state to `path`, atomically."""
        tensors = {f"param.{name}": array for name, array in self.params.items()}
        tensors |= {f"moment.{name}": array for name, array in self.moments.items()}
        if self.best_params is not None:
            tensors |= {f"best.{name}": array for name, array in self.best_params.items()}
        header = {name: getattr(self, name) for name in _HEADER_FIELDS}
        write_tensors(
            path, tensors, header | {"spec": spec.to_dict(), "training": config.to_dict()}
        )

    @classmethod
    def load(cls, path: str | Path, spec: VAESpec, config: TrainingConfig) -> TrainingState:
        """Return the state saved at `path`.

        Raises
        ------
        CheckpointError
            The file is missing or damaged, or was written for another model or training.
        """
        try:
            tensors, header = read_tensors(path)
            _check_same(path, "model", header["spec"], spec.to_dict())
            # How long to train may change between sessions; nothing computed depends on it.
            saved = header["training"] | {"epochs": config.epochs}
            _check_same(path, "training", saved, config.to_dict())
            params, moments, best = (_part(tensors, part) for part in ("param", "moment", "best"))
            fields = {name: header[name] for name in _HEADER_FIELDS}
            state = cls(params=params, moments=moments, best_params=best or None, **fields)
            state.check(spec, config)
        except (
            FileFormatError,
            SpecError,
            ShapeError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise CheckpointError(f"cannot resume from {path}: {error}") from None
        return state

    def check(self, spec: VAESpec, config: TrainingConfig) -> None:
        """Raise unless parameters and moments are those of this model and optimizer.

        Engines hand these arrays to compiled code, which cannot tell.
        """
        check_parameters(spec, self.params)
        if self.best_params is not None:
            check_parameters(spec, self.best_params)
        _check_moments(self.moments, config.make_optimizer().init(self.params))

    def is_finite(self) -> bool:
        """Return True if every parameter and every moment is finite.

        An infinite second moment would freeze its parameter without a word.
        """
        parts = [array.ravel() for array in (*self.params.values(), *self.moments.values())]
        # small arrays take longer to ask than to look at: they are asked together
        small = [part for part in parts if part.size < _SMALL]
        together = [np.concatenate(small)] if small else []
        together += [part for part in parts if part.size >= _SMALL]
        return all(bool(np.isfinite(part).all()) for part in together)


_HEADER_FIELDS = (
    "epoch",
    "batch",
    "step",
    "sums",
    "seconds",
    "best_loss",
    "epochs_without_improvement",
    "stopped_early",
)


def _part(tensors: Arrays, part: str) -> Arrays:
    prefix = f"{part}."
    return {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}


def _check_moments(moments: Arrays, expected: Arrays) -> None:
    if moments.keys() != expected.keys():
        odd = min(moments.keys() ^ expected.keys())
        raise ShapeError(
            f"moments must be those of the optimizer, {len(expected)} arrays; got {len(moments)}, "
            f"differing in {odd!r}. Begin with the moments of its init(params)."
        )
    for name, array in expected.items():
        if moments[name].shape != array.shape or moments[name].dtype != array.dtype:
            raise ShapeError(f"moment {name} must be {array.shape} {array.dtype}.")


def _check_same(path: str | Path, what: str, saved: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in now.items():
        if saved.get(name) != value:
            raise CheckpointError(
                f"cannot resume from {path}: its {what} has {name} = {saved.get(name)!r}, "
                f"this run asks for {value!r}."
            )
