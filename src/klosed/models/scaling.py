"""How data become what the network sees, as data: x ↦ (x − shift) / scale, and back.

The scaling is part of a saved model, so that raw data can be given to it at any later time.
The loss is in nats of the scaled data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.errors import DataError

__all__ = ["Scaling"]

Array = NDArray[Any]
_ROWS_AT_ONCE = 65536


@dataclass(frozen=True, eq=False)
class Scaling:
    """An affine map of each feature; kinds "none", "bytes" (x / 255) and "standardize"."""

    kind: str
    shift: Array
    scale: Array

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
        starts = range(0, len(x), _ROWS_AT_ONCE)
        shift = sum(x[i : i + _ROWS_AT_ONCE].sum(axis=0, dtype=np.float64) for i in starts)
        shift = np.asarray(shift) / len(x)
        square = sum(((x[i : i + _ROWS_AT_ONCE] - shift) ** 2).sum(axis=0) for i in starts)
        scale = np.sqrt(np.asarray(square) / len(x))
        # Rounding leaves a constant column a spread of a few ulps of its size; that is no spread.
        constant = scale <= 8 * np.finfo(np.float64).eps * np.abs(shift)
        return cls("standardize", shift, np.where(constant, 1.0, scale))

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
