"""IDX files, the format MNIST is published in: every header field checked against the file.

Imports only klosed.errors and its neighbours.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets._guards import DEFLATE_RATIO, fill, reading, require_promise
from klosed.datasets.dataset import Dataset
from klosed.errors import DataError, FileFormatError

__all__ = ["idx_folder", "idx_pair", "looks_like_idx", "read_idx"]

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
_NAME = re.compile(
    r"(?P<prefix>.*?)(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx\d-ubyte(\.gz)?", re.I
)


def looks_like_idx(path: Path) -> bool:
    """Whether the first bytes are those of an IDX file or of a gzip file, whatever the name."""
    with reading(path, "file"), path.open("rb") as file:
        start = file.read(3)
    return start[:2] == _GZIP or (start[:2] == b"\0\0" and start[2:] in map(_byte, _TYPES))


def read_idx(path: Path) -> NDArray[Any]:
    """Read one IDX file, gzip or not, of any of the format's types.

    The layout, big-endian throughout: two zero bytes, a type code, the number of dimensions,
    each dimension as 4 bytes, then the elements, and nothing after them.

    Parameters
    ----------
    path : Path
        The bytes, not the name, decide whether it is gzip.

    Returns
    -------
    array of 1 to 4 dimensions
        Of the type in the header.

    Raises
    ------
    FileFormatError
        A header field is wrong, or the data are shorter or longer than it promises. Nothing is
        allocated for a promise that the file's size cannot keep.

    Notes
    -----
    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", the section
    on file formats.
    """
    with reading(path, "IDX file"), path.open("rb") as file:
        size = path.stat().st_size
        start = file.read(2)
        file.seek(0)
        if start != _GZIP:
            return _read(path, file, size, exact=True)
        with gzip.GzipFile(fileobj=file) as stream:
            return _read(path, stream, size * DEFLATE_RATIO, exact=False)


def idx_pair(images: Path, labels: Path | None, name: str) -> Dataset:
    """Read a file of images and, where there is one, the file of their labels."""
    x = read_idx(images)
    y = None if labels is None else read_idx(labels)
    if y is not None and (y.ndim != 1 or y.dtype.kind not in "ui"):
        raise FileFormatError(
            f"{labels}: labels must be one dimension of whole numbers; got shape {y.shape}, "
            f"{y.dtype}. Check that the file holds labels."
        )
    if y is not None and len(y) != len(x):
        raise FileFormatError(
            f"{images} and {labels} must hold as many images as labels; got {len(x)} and "
            f"{len(y)}. Fetch both from the same place."
        )
    return Dataset.from_array(x, y, name=name)


def idx_folder(folder: Path) -> tuple[Dataset, Dataset | None] | None:
    """Read the train and test parts that a folder holds under MNIST's names.

    Returns
    -------
    (train, test) or None
        None when no file is named so. A folder with one part only has it as `train`. An
        uncompressed file is taken before the gzip one beside it.
    """
    files: dict[tuple[str, str], Path] = {}
    prefixes = set()
    for path in sorted(folder.iterdir(), reverse=True):  # "…-ubyte.gz" before "…-ubyte"
        if (match := _NAME.fullmatch(path.name)) and path.is_file():
            part = "train" if match["part"].lower() == "train" else "test"
            files[part, match["what"].lower()] = path
            prefixes.add(match["prefix"])
    if len(prefixes) > 1:
        raise DataError(
            f"{folder}: holds several data sets, with names starting "
            f"{', '.join(repr(prefix) for prefix in sorted(prefixes))}. Put one in a folder."
        )
    parts = [
        idx_pair(files[part, "images"], files.get((part, "labels")), f"{folder.name}/{part}")
        for part in ("train", "test")
        if (part, "images") in files
    ]
    if files and not parts:
        raise DataError(f"{folder}: holds labels but no images. Put the images beside them.")
    return (parts[0], parts[1] if len(parts) > 1 else None) if parts else None


def _read(path: Path, stream: Any, size: int, *, exact: bool) -> NDArray[Any]:
    """Read IDX from `stream`, which holds `size` bytes, exactly or at most."""
    magic = _header(path, stream, 4)
    zeros, code, ndim = magic[:2], magic[2], magic[3]
    if zeros != b"\0\0":
        raise FileFormatError(
            f"{path}: an IDX file must start with two zero bytes, or be gzip; got "
            f"{zeros.hex(' ')}. Check that it is the file its name says."
        )
    if code not in _TYPES:
        raise FileFormatError(
            f"{path}: the IDX type code must be one of {', '.join(map(hex, _TYPES))}; got "
            f"{code:#04x}."
        )
    if not 1 <= ndim <= 4:
        raise FileFormatError(f"{path}: an IDX array must have 1 to 4 dimensions; got {ndim}.")
    shape = struct.unpack(f">{ndim}I", _header(path, stream, 4 * ndim))
    dtype = np.dtype(_TYPES[code])
    promised = math.prod(shape) * dtype.itemsize
    held = size - 4 - 4 * ndim
    if exact or promised > held:
        require_promise(path, f"IDX array of shape {shape}", promised, held)
    return fill(path, stream, shape, dtype)


def _header(path: Path, stream: Any, n_bytes: int) -> bytes:
    header: bytes = stream.read(n_bytes)
    if len(header) < n_bytes:
        raise FileFormatError(f"{path}: ends inside its IDX header. Fetch the file again.")
    return header


def _byte(code: int) -> bytes:
    return bytes([code])
