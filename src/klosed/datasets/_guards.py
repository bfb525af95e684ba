"""Guards around file readers: any failure becomes one klosed line, and no header is believed.

Imports only klosed.errors.
"""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import DataError, FileFormatError, KlosedError

__all__ = ["DEFLATE_RATIO", "fill", "reading", "require_fits", "require_promise"]

# Deflate cannot shrink data by more than this (zlib's technical notes say 1032 : 1).
DEFLATE_RATIO = 1032


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a reader raises on `path` into a DataError of one line that names it.

    Parsers of hostile bytes raise almost anything (struct.error, zlib.error, RecursionError,
    UnicodeDecodeError, their own classes), so everything but klosed's errors is translated.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except KlosedError:
        raise
    except MemoryError as error:
        raise DataError(f"{path}: does not fit in memory. Use fewer rows or features.") from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}. Check the path.") from error
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise FileFormatError(
            f"{path}: not a readable {what}: {lines[0]}. The file may be damaged or cut short; "
            "fetch or write it again."
        ) from error


def require_fits(path: Path, n_bytes: int) -> None:
    """Raise DataError when `n_bytes` exceed this machine's physical memory."""
    memory = _physical_memory()
    if n_bytes > memory:
        raise DataError(
            f"{path}: needs {n_bytes:,} bytes of memory; this machine has {memory:,}. "
            "Use fewer rows or features."
        )


def require_promise(path: Path, what: str, promised: int, held: int) -> None:
    """Raise FileFormatError unless the bytes a header promises are exactly those there."""
    if promised != held:
        problem = "cut short" if held < promised else "too long"
        raise FileFormatError(
            f"{path}: {what} is {problem}: its header promises {promised:,} bytes of data; "
            f"got {held:,}. Fetch or write the file again."
        )


def fill(path: Path, stream: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read an array of `shape` from a binary stream, to its very end; the caller bounded it.

    Raises
    ------
    FileFormatError
        The stream ends early, or goes on after the last element.
    """
    promised = math.prod(shape) * dtype.itemsize
    require_fits(path, promised)
    array: NDArray[Any] = np.empty(math.prod(shape), dtype)
    view = array.view(np.uint8).data
    held = 0
    while held < promised and (count := stream.readinto(view[held:])):
        held += count
    held += len(stream.read(1))
    require_promise(path, "the array", promised, held)
    return array.reshape(shape)


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such question on this system
        return sys.maxsize
