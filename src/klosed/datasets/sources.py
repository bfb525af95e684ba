"""load_dataset: from a name or a path to the train and test parts.

Imports only floor 0 and its neighbours, which hold one kind of source each.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from klosed.datasets._guards import reading
from klosed.datasets.arrays import read_npy, read_npz
from klosed.datasets.dataset import Dataset, Splits, aligned
from klosed.datasets.idx import idx_folder, idx_pair, looks_like_idx
from klosed.datasets.images import image_folder
from klosed.datasets.named import NAMED
from klosed.datasets.tables import read_csv, read_parquet
from klosed.errors import DataError, FileFormatError

__all__ = ["load_dataset"]

_WANTED = "a folder of IDX files or of pictures, an IDX file, .npy, .npz, .csv, .tsv or .parquet"


def load_dataset(
    source: str | Path,
    *,
    test: str | Path | None = None,
    classes: Sequence[int | str] | None = None,
    cache_dir: str | Path | None = None,
) -> Splits:
    """Read a data set by name or path; every failure is one klosed error that names the file.

    Parameters
    ----------
    source : str or Path
        `"digits"`, `"mnist"`, `"fashion-mnist"`, or the path of a folder of IDX files, an IDX
        file, a .npy, .npz, .csv, .tsv or .parquet file, or a folder of pictures. A string that
        is a name means the name; `"./mnist"` or a Path means the path.
    test : str or Path, optional
        Another source to test on: its test part where it has one, else all of it. Replaces
        the test part of `source`.
    classes : sequence of int or str, optional
        Keep only these classes, in both parts.
    cache_dir : str or Path, optional
        Folder of downloads; otherwise the environment's KLOSED_DATA_DIR, otherwise the user's
        cache folder.

    Returns
    -------
    Splits
        `train`, `test` (None when the source has none) and a description with the licence.

    Raises
    ------
    DataError
        The source is unknown, empty, not finite, ambiguous, or lacks the classes.
    FileFormatError
        A file is damaged, hostile, or not what its name says.
    DownloadError
        A named data set can be fetched from no mirror.
    MissingExtraError
        A .parquet file without pyarrow.

    Examples
    --------
    >>> from klosed.datasets import load_dataset
    >>> digits = load_dataset("digits", classes=[1, 2, 3])
    >>> digits.train
    Dataset('digits/train', x=(440, 64) float32, image_shape=(8, 8), classes=[1, 2, 3])
    >>> digits.train.kind, digits.train.value_range
    ('unit', (0.0, 1.0))
    """
    train, held_out, description = _read(source, cache_dir)
    if test is not None:
        rows, rows_kept_apart, _ = _read(test, cache_dir)
        held_out = rows if rows_kept_apart is None else rows_kept_apart
    if held_out is not None:
        held_out = aligned(held_out, train)
    if classes is not None:
        train = train.select_classes(classes)
        held_out = None if held_out is None else held_out.select_classes(classes)
    return Splits(train, held_out, description)


def _read(source: str | Path, cache_dir: str | Path | None) -> tuple[Dataset, Dataset | None, str]:
    if isinstance(source, str) and source in NAMED:
        splits = NAMED[source](cache_dir)
        return splits.train, splits.test, splits.description
    path = Path(source)
    with reading(path, "path"):
        path = path.expanduser()
        if not path.exists():
            raise _unknown(str(source), path)
        if path.is_dir():
            train, test = _read_folder(path)
        elif path.is_file():
            train, test = _read_file(path)
        else:
            raise DataError(f"{path}: must be a file or a folder; got something else.")
    return train, test, f"Read from {path}."


def _read_folder(folder: Path) -> tuple[Dataset, Dataset | None]:
    found = idx_folder(folder) or image_folder(folder)
    if found is None:
        names = sorted(path.name for path in folder.iterdir())[:5]
        raise DataError(
            f"{folder}: must hold IDX files under MNIST's names, or pictures (.png, .jpg, .bmp, "
            f".gif, .webp); got {', '.join(names) or 'an empty folder'}."
        )
    return found


def _read_file(path: Path) -> tuple[Dataset, Dataset | None]:
    if path.stat().st_size == 0:
        raise FileFormatError(f"{path}: is empty. Fetch or write it again.")
    match path.suffix.lower():
        case ".npy":
            return read_npy(path), None
        case ".npz":
            return read_npz(path)
        case ".csv" | ".tsv":
            return read_csv(path), None
        case ".parquet":
            return read_parquet(path), None
        case suffix if suffix == ".gz" or "idx" in path.name.lower() or looks_like_idx(path):
            return idx_pair(path, None, path.name), None
        case suffix:
            raise DataError(f"{path}: data must be {_WANTED}; got {suffix or 'no suffix'}.")


def _unknown(source: str, path: Path) -> DataError:
    nearby = path.parent.iterdir() if path.parent.is_dir() else ()
    near = difflib.get_close_matches(source.lower(), NAMED, n=1) or difflib.get_close_matches(
        path.name, [other.name for other in nearby], n=1
    )
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return DataError(
        f"data {source!r} must be one of {', '.join(NAMED)}, or the path of {_WANTED}; got neither "
        f"a known name nor an existing path.{hint}"
    )
