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
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._autodiff.program import program_of
from klosed._autodiff.recording import Recorded

__all__ = ["in_blocks", "is_small", "keep_heap"]

Array = NDArray[Any]
Shape = tuple[int, ...]

# Bytes of one block of one array: the handful of temporaries of a formula then stay in cache.
_BLOCK_BYTES = 1 << 19
# On several threads blocks are larger: the interpreter's lock changes hands between two passes,
# which takes as long as a pass over 20,000 numbers, so passes must be few and long.
_SHARED = 2
# Blocks a thread should have, or starting it is not worth it; and threads that the interpreter's
# lock can keep busy.
_BLOCKS_A_THREAD, _MOST_THREADS = 2, 4
# Beyond, glibc maps and clears fresh pages for every array.
_HEAP_BYTES = (1 << 25) - (1 << 16)


@cache
def keep_heap() -> None:
    """Have glibc keep the memory that arrays leave, up to 64 MiB, as if it had freed a large array.

    Until it has, it hands back and clears pages for temporaries from 128 KiB in all on,
    which takes several times as long as a formula.
    """
    np.empty(_HEAP_BYTES, dtype=np.uint8)


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

    n = min(threads or _threads(), math.ceil(size / (rows * _SHARED)) // _BLOCKS_A_THREAD)
    if n > 1:  # blocks of one size, and as many for every thread
        rows = math.ceil(size / (n * math.ceil(size / (n * rows * _SHARED))))
    beside = [(a, tuple(e)) for (a, _), e in zip(flat, event_shapes, strict=True)]
    program = program_of(f, beside, size)
    if program is not None:
        outs = _allocate(program.results, size)
        program.run(outs, n, lambda walk: _share(walk, n))
        return [out.reshape((*shape, *out.shape[1:])) for out in outs]
    starts = iter(range(0, size, rows))  # hands out each to one thread
    outs = []
    lock = Lock()

    def walk() -> None:
        with np.errstate(all="ignore"):  # each thread has its own
            for start in starts:
                here = slice(start, start + rows)
                parts = f(*(a[here] if a.ndim > ndim else a for a, ndim in flat))
                with lock:
                    if not outs:
                        outs.extend(_allocate(parts, size))
                for out, part in zip(outs, parts, strict=True):
                    out[here] = part

    _share(walk, n)
    return [out.reshape((*shape, *out.shape[1:])) for out in outs]


def _share(walk: Callable[[], None], n: int) -> None:
    """Have n threads walk."""
    if n <= 1:
        walk()
        return
    with ThreadPoolExecutor(n - 1) as pool:
        others = [pool.submit(walk) for _ in range(n - 1)]
        walk()
        for other in others:
            other.result()


def _flat(a: Array, shape: Shape, event: Shape) -> Array:
    """Return the argument with one batch axis, or none where it is the same for all."""
    batch = a.ndim - len(event)
    if batch <= 0:
        return a
    if not any(stride for stride, n in zip(a.strides[:batch], a.shape, strict=False) if n > 1):
        return a[(0,) * batch]
    return np.broadcast_to(a, (*shape, *event)).reshape(-1, *event)


def _allocate(parts: Sequence[Array | Recorded], size: int) -> list[Array]:
    """Return an array of `size` rows a part: many in one piece, of which fewer pages are fresh."""
    outs: list[Array] = []
    left = np.empty(0, dtype=np.void)
    for i, part in enumerate(parts):
        count = size * math.prod(part.shape[1:])
        if left.dtype != part.dtype or left.size < count:
            alike = sum(p.dtype == part.dtype and p.size == part.size for p in parts[i:])
            most = _HEAP_BYTES // max(1, count * part.dtype.itemsize)
            left = np.empty(count * max(1, min(alike, most)), dtype=part.dtype)
        outs.append(left[:count].reshape(size, *part.shape[1:]))
        left = left[count:]
    return outs


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
