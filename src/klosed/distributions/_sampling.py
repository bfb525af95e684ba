"""Parameters of any kind as NumPy, for families that NumPy's generator draws. Floor of families."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, is_tracing, kind, namespace, widened
from klosed.errors import ArrayKindError

__all__ = ["as_numpy", "keep_inside", "keep_positive"]


def as_numpy(x: Array) -> NDArray[Any]:
    """Return the values of an array of any kind in float64, as NumPy's generator wants them."""
    if kind(x) == "JAX" and is_tracing(x):
        raise ArrayKindError(
            "NumPy's generator draws samples, so it must have numbers; got a parameter that JAX "
            "traces. Sample outside jit, grad and vmap, or use rsample inside."
        )
    match kind(x):
        case "PyTorch":
            x = widened(x).detach().cpu().numpy()
        case "CuPy":
            x = x.get()
    return np.asarray(x, dtype=np.float64)


def keep_inside(x: Array) -> Array:
    """Return draws from (0, 1) with rounding to 0 or 1 replaced by the next number inside."""
    limits = namespace(x).finfo(x.dtype)
    low, high = float(limits.smallest_normal), 1.0 - 0.5 * float(limits.eps)
    return namespace(x).clip(x, min=low, max=high)


def keep_positive(x: Array) -> Array:
    """Return draws of a positive number with underflow to 0 replaced by the smallest normal."""
    xp = namespace(x)
    return xp.clip(x, min=float(xp.finfo(x.dtype).smallest_normal))
