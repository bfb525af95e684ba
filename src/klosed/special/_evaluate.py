"""How every special function meets its arrays: namespace, dtype, blocks, polynomials.

Imports nothing from klosed above floor 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace

__all__ = ["evaluate", "horner", "is_single"]

Array = Any

# Sixteen thousand doubles are 128 kB: the handful of temporaries of a body stay in L2.
_BLOCK = 1 << 13


def evaluate(body: Callable[..., Any], *args: Any) -> Any:
    """Return body(xp, *arrays), with scalars and integers promoted to the arrays' dtype.

    NumPy arrays are walked in blocks that fit the cache, with floating-point warnings off: the
    poles are meant. Other kinds are passed through untouched, so tracing and autodiff work.
    """
    given = [a for a in args if hasattr(a, "dtype")]
    xp = array_namespace(*given) if given else np
    dtype = _result_dtype(xp, given)
    # No asarray on arrays of the right dtype: it would detach a torch gradient.
    arrays = [_as_dtype(xp, a, dtype) for a in args]
    if not is_numpy_namespace(xp):
        return body(xp, *arrays)
    with np.errstate(all="ignore"):
        return _in_blocks(body, arrays)


def horner(z: Array, coefficients: Sequence[float]) -> Array:
    """Return Σ coefficients[k] z**k."""
    value = coefficients[-1] * z + coefficients[-2]
    for c in coefficients[-3::-1]:
        value = value * z + c
    return value


def is_single(xp: Any, x: Array) -> bool:
    """Return True where x has no more digits than float32."""
    return bool(xp.finfo(x.dtype).eps > 1e-12)


def _result_dtype(xp: Any, given: Sequence[Array]) -> Any:
    floating = [a.dtype for a in given if xp.isdtype(a.dtype, "real floating")]
    if floating:
        return xp.result_type(*floating)
    return xp.asarray(0.0).dtype


def _as_dtype(xp: Any, a: Any, dtype: Any) -> Array:
    if not hasattr(a, "dtype"):
        return xp.asarray(a, dtype=dtype)
    return a if a.dtype == dtype else xp.astype(a, dtype)


def _in_blocks(body: Callable[..., Any], arrays: Sequence[Array]) -> Any:
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    size = int(np.prod(shape))
    if size <= _BLOCK:
        return body(np, *arrays)
    flat = [np.broadcast_to(a, shape).reshape(-1) if a.ndim else a for a in arrays]
    out = np.empty(size, dtype=arrays[0].dtype)
    for start in range(0, size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        out[rows] = body(np, *(a[rows] if a.ndim else a for a in flat))
    return out.reshape(shape)
