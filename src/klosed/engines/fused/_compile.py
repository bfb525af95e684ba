"""Compiling what threads call: kept on disk where that is possible, fresh after every change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

from klosed.engines.fused._rows import OPTIONS

__all__ = ["compiled"]


def compiled(make: Callable[[int], Callable[..., Any]]) -> Any:
    """Compile the function that `make` returns; it must name its argument somewhere.

    Numba keeps compiled code until the file of the outermost function changes. What that
    function encloses is part of the key, so the digest of all files here goes there.
    """
    function = make(_digest())
    options = OPTIONS | {"nogil": True, "no_cpython_wrapper": False}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep it in: compiled anew in every process
        return njit(**options)(function)


@cache
def _digest() -> int:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")
