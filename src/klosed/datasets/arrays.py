"""NumPy's .npy and .npz files, never unpickled: sizes are checked before anything is allocated.

Imports only klosed.errors and its neighbours.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets._guards import DEFLATE_RATIO, fill, reading, require_promise
from klosed.datasets.dataset import Dataset
from klosed.errors import DataError, FileFormatError

__all__ = ["read_npy", "read_npz"]

_TRAIN = ("x", "x_train", "train_x", "data", "images")
_TRAIN_LABELS = ("y", "y_train", "train_y", "label", "labels", "target")
_TEST = ("x_test", "test_x")
_TEST_LABELS = ("y_test", "test_y")
# NumPy refuses longer descriptions; before one come 8 bytes of magic and up to 4 of length.
_LONGEST_HEADER = 12 + 10_000


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]


def read_npy(path: Path) -> Dataset:
    """Read the one array of a .npy file, whose size must be what its header promises."""
    with reading(path, ".npy file"), path.open("rb") as file:
        return Dataset.from_array(_read(path, file, path.stat().st_size), name=path.name)


def read_npz(path: Path) -> tuple[Dataset, Dataset | None]:
    """Read the train and, where there is one, the test part of a .npz file.

    Rows come from the key `x`, `x_train`, `train_x`, `data` or `images`, in capitals or not,
    or else from the only numeric array of two or more dimensions; labels from `y`, `y_train`,
    `label`, `labels` or `target`; the test part from `x_test` and `y_test`.
    """
    with reading(path, ".npz file"), zipfile.ZipFile(path) as archive:
        members = {
            info.filename.removesuffix(".npy"): info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }
        headers = {}
        for key, info in members.items():
            with archive.open(info) as stream:
                headers[key] = _read_header(path, stream)

        def array(key: str) -> NDArray[Any]:
            info = members[key]
            most = DEFLATE_RATIO * min(info.compress_size, path.stat().st_size)
            if info.file_size > most:
                require_promise(path, key, info.file_size, most)
            with archive.open(info) as stream:
                return _read(path, stream, info.file_size)

        names = None
        if "feature_names" in members:
            names = array("feature_names").astype(str).tolist()

        def part(x: str, y: str | None, name: str) -> Dataset:
            labels = None if y is None else array(y)
            return Dataset.from_array(array(x), labels, name=name, feature_names=names)

        test_key = _choose(path, headers, _TEST)
        train_key = _choose(path, headers, _TRAIN) or _only_table(path, headers, {test_key})
        train = part(train_key, _choose(path, headers, _TRAIN_LABELS), path.name)
        if test_key is None:
            return train, None
        test_labels = _choose(path, headers, _TEST_LABELS)
        return train, part(test_key, test_labels, f"{path.name}:{test_key}")


def _read_header(path: Path, stream: IO[Any]) -> _Header:
    # Read no more than a header may hold: its length is a promise too.
    start = io.BytesIO(stream.read(_LONGEST_HEADER))
    version = np.lib.format.read_magic(start)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise FileFormatError(
            f"{path}: must be .npy format 1.0 or 2.0; got {version}. Save plain numbers, not "
            "records."
        )
    header = _Header(*readers[version](start))
    stream.seek(start.tell())
    if any(n < 0 for n in header.shape):
        raise FileFormatError(f"{path}: its header holds a negative size: {header.shape}.")
    return header


def _read(path: Path, stream: IO[Any], size: int) -> NDArray[Any]:
    """Read one .npy of `size` bytes, header included."""
    header = _read_header(path, stream)
    if header.dtype.kind not in "buifcSU":
        raise FileFormatError(
            f"{path}: must hold numbers; got {header.dtype}. Objects are pickled, and klosed "
            "never unpickles: save the array again as numbers or text."
        )
    promised = math.prod(header.shape) * header.dtype.itemsize
    require_promise(path, f"array of shape {header.shape}", promised, size - stream.tell())
    if header.fortran_order:
        return fill(path, stream, header.shape[::-1], header.dtype).T
    return fill(path, stream, header.shape, header.dtype)


def _choose(path: Path, headers: Mapping[str, _Header], wanted: Collection[str]) -> str | None:
    found = [key for key in headers if key.lower() in wanted]
    if len(found) > 1:
        raise DataError(f"{path}: must hold one of {', '.join(wanted)}; got {_listed(headers)}.")
    return found[0] if found else None


def _only_table(path: Path, headers: Mapping[str, _Header], taken: Collection[str | None]) -> str:
    tables = [
        key
        for key, header in headers.items()
        if key not in taken and len(header.shape) >= 2 and header.dtype.kind in "buif"
    ]
    if len(tables) != 1:
        raise DataError(
            f"{path}: must hold an array called x, or only one table of numbers; got "
            f"{_listed(headers) or 'no arrays'}. Save the rows under the key x."
        )
    return tables[0]


def _listed(headers: Mapping[str, _Header]) -> str:
    return ", ".join(f"{key} {header.shape}" for key, header in headers.items())
