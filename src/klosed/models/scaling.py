"""How data become what the network sees, as data: x ↦ (x − shift) / scale, and back.

The scaling is part of a saved model, so that raw data can be given to it at any later time.
The loss is in nats of the scaled data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.datasets import Dataset, StreamedDataset
from klosed.errors import DataError, ShapeError, SpecError
from klosed.models.spec import VAESpec

__all__ = ["Scaling"]

Array = NDArray[Any]
_KINDS = ("none", "bytes", "standardize")
_ROWS_AT_ONCE = 65536


@dataclass(frozen=True, eq=False)
class Scaling:
    """An affine map of each feature; kinds "none", "bytes" (x / 255) and "standardize".

    `shift` and `scale` hold one number, or one a feature.
    """

    kind: str
    shift: Array
    scale: Array

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise SpecError(f"scaling must be one of {', '.join(_KINDS)}; got {self.kind!r}.")
        if self.shift.shape != self.scale.shape or self.shift.ndim != 1:
            raise ShapeError(
                "scaling needs a shift and a scale of one shape (n_features,); "
                f"got {self.shift.shape} and {self.scale.shape}."
            )
        if (
            not (np.isfinite(self.shift).all() and np.isfinite(self.scale).all())
            or (self.scale <= 0).any()
        ):
            raise SpecError("scaling needs a finite shift and a finite scale > 0.")

    @classmethod
    def none(cls) -> Scaling:
        """Return the identity."""
        return cls("none", np.zeros(1), np.ones(1))

    @classmethod
    def bytes(cls) -> Scaling:
        """Return x / 255 for pixels stored as bytes."""
        return cls("bytes", np.zeros(1), np.full(1, 255.0))

    @classmethod
    def standardize(cls, x: Array) -> Scaling:
        """Return the map to mean 0 and standard deviation 1 of the columns of `x`.

        A constant column keeps scale 1: it is shifted to 0 and not blown up.
        """
        if len(x) == 0:
            raise DataError("cannot standardize zero rows.")
        # Two passes around a row of the data: sums of large numbers would lose the small spread.
        origin = x[0].astype(np.float64)
        shift = origin + _mean(x, lambda rows: rows - origin)
        scale = np.sqrt(_mean(x, lambda rows: (rows - shift) ** 2))
        return cls._to_spread(shift, scale)

    @classmethod
    def _to_spread(cls, shift: Array, scale: Array) -> Scaling:
        # Rounding leaves a constant column a spread of a few ulps of its size; that is no spread.
        constant = scale <= 8 * np.finfo(np.float64).eps * np.abs(shift)
        return cls("standardize", shift, np.where(constant, 1.0, scale))

    @classmethod
    def suited(cls, spec: VAESpec, data: Dataset) -> Scaling:
        """Return the scaling that suits data and likelihood.

        Bytes become [0, 1] and pictures stay there; what else goes to a Gaussian or a Student-t
        is standardized.
        """
        if data.kind == "bytes":
            return cls.bytes()
        picture = data.kind == "unit" and data.image_shape is not None
        if spec.likelihood in ("gaussian", "student_t") and not picture:
            if isinstance(data, StreamedDataset):
                return cls._to_spread(data.streamed.facts.mean, data.streamed.facts.deviation)
            return cls.standardize(data.x)
        return cls.none()

    @classmethod
    def from_arrays(cls, kind: str, arrays: dict[str, Array]) -> Scaling:
        """Return the scaling that `arrays` (data.shift, data.scale) describe."""
        return cls(kind, arrays["data.shift"], arrays["data.scale"])

    def arrays(self) -> dict[str, Array]:
        """Return what to save beside the parameters."""
        return {"data.shift": self.shift, "data.scale": self.scale}

    def apply(self, x: Array, dtype: DTypeLike = np.float32) -> Array:
        """Return the scaled rows in `dtype`."""
        dtype = np.dtype(dtype)
        if self.kind == "none":
            return x.astype(dtype, copy=False)
        if self.kind == "bytes":
            return np.multiply(x, np.asarray(1 / 255, dtype), dtype=dtype)
        # Differences are taken in float64: a column may sit far from zero.
        return ((x - self.shift) / self.scale).astype(dtype)

    def invert(self, x: Array) -> Array:
        """Return rows in the units of the data."""
        if self.kind == "none":
            return x
        back: Array = x * self.scale.astype(x.dtype) + self.shift.astype(x.dtype)
        return back


def _mean(x: Array, function: Callable[[Array], Array]) -> Array:
    """Return the column means of function(x), a slice of rows at a time."""
    parts = (x[i : i + _ROWS_AT_ONCE] for i in range(0, len(x), _ROWS_AT_ONCE))
    return np.sum([function(rows).sum(axis=0, dtype=np.float64) for rows in parts], axis=0) / len(x)
