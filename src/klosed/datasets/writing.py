"""Writing arrays to files that the readers of this room read back.

Imports only floor 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from klosed._files import atomic_write
from klosed.errors import DataError

__all__ = ["write_array"]


def write_array(
    path: str | Path, array: ArrayLike, feature_names: Sequence[str] | None = None
) -> Path:
    """Write a numeric array to .npy, .npz or .csv, so that nobody ever sees half a file.

    A file in the way is replaced. `load_dataset` reads the result back: exactly for every
    format, in float64 where it came through .csv.

    Parameters
    ----------
    path : str or Path
        Its suffix chooses the format.
    array : array of real numbers
        Two-dimensional for .csv. The .npz holds it under the key `x`.
    feature_names : sequence of str, optional
        One a column: the header of a .csv, the key `feature_names` of a .npz. A .npy has no
        place for names.

    Returns
    -------
    Path
        Of the file written.

    Raises
    ------
    DataError
        The suffix is unknown, the array does not suit it, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from klosed.datasets import load_dataset, write_array
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_array(f"{folder}/latents.csv", [[0.5, -1.25]], ["z0", "z1"])
    ...     load_dataset(path).train
    Dataset('latents.csv', x=(1, 2) float64)
    """
    path = Path(path)
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise DataError(f"{path}: only real numbers can be written; got {array.dtype}.")
    if feature_names is not None and array.shape[1:] != (len(feature_names),):
        raise DataError(
            f"{path}: needs one feature name a column; got {len(feature_names)} names for shape "
            f"{array.shape}."
        )
    content = io.BytesIO()
    match path.suffix.lower():
        case ".npy":
            np.save(content, array, allow_pickle=False)
        case ".npz" if feature_names is None:
            np.savez_compressed(content, x=array)
        case ".npz":
            np.savez_compressed(content, x=array, feature_names=np.array(feature_names, np.str_))
        case ".csv":
            if array.ndim != 2:
                raise DataError(f"{path}: a .csv needs a 2-D array; got shape {array.shape}.")
            text = io.TextIOWrapper(content, encoding="utf-8", newline="")
            rows = csv.writer(text, lineterminator="\n")
            rows.writerows([] if feature_names is None else [feature_names])
            # str gives the shortest digits that read back to the same number.
            rows.writerows([str(value) for value in row] for row in array)
            text.flush()
        case suffix:
            raise DataError(f"{path}: the suffix must be .npy, .npz or .csv; got {suffix!r}.")
    try:
        atomic_write(path, content.getvalue())
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written: {error.strerror}. Check the folder and its permissions."
        ) from error
    return path
