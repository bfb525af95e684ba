"""Large NumPy batches in blocks that fit the cache, shared among threads. Floor 0: no imports.

A formula is a few dozen passes over its arrays. In blocks, all but the first and the last of them
stay in the cache, and NumPy lets go of the interpreter for long enough that threads help.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["in_blocks", "is_small"]

Array = NDArray[Any]
Shape = tuple[int, ...]

# Bytes of one block of one array: the handful of temporaries of a formula then stay in cache,
# and each is small enough to come from the heap rather than from fresh pages.
_BLOCK_BYTES = 1 << 19
# Beyond, glibc maps and clears fresh pages for every array.
_HEAP_BYTES = 1 << 25
# Blocks a thread should have, or starting it is not worth it; and threads that the interpreter's
# lock, which is held between two passes, can keep busy.
_BLOCKS_A_THREAD, _MOST_THREADS = 4, 4


def is_small(args: Sequence[Array]) -> bool:
    """Return True where walking in blocks is certainly of no use; quick to find out."""
    first = args[0]
    return first.nbytes <= _BLOCK_BYTES and all(a.shape == first.shape or not a.ndim for a in args)


def in_blocks(
    f: Callable[..., Sequence[Array]],
    args: Sequence[Array],
    event_shapes: Sequence[Shape],
    threads: int | None = None,
) -> list[Array]:
    """Return what f(*args) returns, by parts of the batch.

    Each argument is of batch shape + its event shape, up to broadcasting, and so is each result.
    """
    events = list(zip(args, event_shapes, strict=True))
    shape = np.broadcast_shapes(*(a.shape[: max(0, a.ndim - len(e))] for a, e in events))
    size = math.prod(shape)
    rows = max(1, _BLOCK_BYTES // (args[0].itemsize * max(math.prod(e) for e in event_shapes)))
    if size <= rows:
        return list(f(*args))
    flat = [(_flat(a, shape, e), len(e)) for a, e in events]

    def block(start: int) -> Sequence[Array]:
        here = slice(start, start + rows)
        with np.errstate(all="ignore"):  # each thread has its own
            return f(*(a[here] if a.ndim > ndim else a for a, ndim in flat))

    def fill(start: int) -> None:
        for out, part in zip(outs, block(start), strict=True):
            out[start : start + rows] = part

    first = block(0)
    outs = _allocate(first, size)
    for out, part in zip(outs, first, strict=True):
        out[:rows] = part
    starts = range(rows, size, rows)
    n = min(threads or _threads(), len(starts) // _BLOCKS_A_THREAD)
    if n > 1:
        with ThreadPoolExecutor(n) as pool:
            list(pool.map(fill, starts))
    else:
        for start in starts:
            fill(start)
    return [out.reshape((*shape, *out.shape[1:])) for out in outs]


def _flat(a: Array, shape: Shape, event: Shape) -> Array:
    """Return the argument with one batch axis, or none where it is the same for all."""
    batch = a.ndim - len(event)
    if batch <= 0:
        return a
    if not any(stride for stride, n in zip(a.strides[:batch], a.shape, strict=False) if n > 1):
        return a[(0,) * batch]
    return np.broadcast_to(a, (*shape, *event)).reshape(-1, *event)


def _allocate(parts: Sequence[Array], size: int) -> list[Array]:
    """Return an array of `size` rows a part: in one piece, of which fewer pages are fresh."""
    counts = [size * math.prod(part.shape[1:]) for part in parts]
    dtypes = {part.dtype for part in parts}
    if len(dtypes) > 1 or sum(counts) * parts[0].itemsize > _HEAP_BYTES:
        return [np.empty((size, *part.shape[1:]), dtype=part.dtype) for part in parts]
    pieces = np.split(np.empty(sum(counts), dtype=parts[0].dtype), np.cumsum(counts)[:-1])
    return [piece.reshape(size, *part.shape[1:]) for piece, part in zip(pieces, parts, strict=True)]


def _threads() -> int:
    """Return how many processors this process may keep busy."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    limits = [_MOST_THREADS, int(allowed) if allowed.isdecimal() else _MOST_THREADS]
    torch = sys.modules.get("torch")
    if torch is not None:
        limits.append(torch.get_num_threads())
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    return max(1, min(*limits, os.cpu_count() or 1))
