"""Tables: .csv, .tsv and .parquet, one row an example, one column a feature.

Imports only klosed.errors and its neighbours; pyarrow loads when a .parquet is read.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets._guards import reading, require_fits
from klosed.datasets.dataset import Dataset
from klosed.errors import DataError, FileFormatError, MissingExtraError

__all__ = ["read_csv", "read_parquet"]

_LABEL_COLUMNS = ("label", "labels", "class", "target")
_ENCODING = "utf-8-sig"  # UTF-8, with or without the mark that spreadsheets put first
# Metadata of a Parquet file may not promise more than this (bytes, entries).
_THRIFT_LIMIT = 100_000_000


@dataclass(frozen=True)
class _Layout:
    """How a text table is laid out: found from its first line."""

    delimiter: str
    names: tuple[str, ...] | None  # of all columns, when the first line is a header
    n_columns: int
    header_lines: int


def read_csv(path: Path) -> Dataset:
    """Read a table of numbers from text.

    The separator is a tab in .tsv; in .csv the first of comma, semicolon and tab that the
    first line holds. A first line that is not all numbers, or counts 0, 1, 2 … across three
    or more columns, is a header. A column called label, labels, class or target, in capitals
    or not, that holds whole numbers or text gives the classes.

    Raises
    ------
    FileFormatError
        A cell is not a number or a row has too few or too many cells; the message names the
        line and the column.
    """
    with reading(path, "table of text"):
        layout = _layout(path)
        label = None if layout.names is None else _label_column(path, layout.names)
        x, texts = _cells(path, layout, label)
        labels = None if texts is None else _as_classes(texts)
        names = layout.names
        if labels is not None and names is not None and label is not None:
            x = np.delete(x, label, axis=1)
            names = names[:label] + names[label + 1 :]
        elif texts is not None:
            x[:, label] = texts.astype(np.float64)
        return Dataset.from_array(x, labels, name=path.name, feature_names=names)


def read_parquet(path: Path) -> Dataset:
    """Read the columns of a Parquet file; labels are found as in `read_csv`.

    Columns of float32 only stay float32; others become float64, or bytes where they are pixels.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    DataError
        A column is neither numbers nor labels.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("Reading .parquet", "parquet") from error

    with reading(path, ".parquet file"), path.open("rb") as source:
        file = pq.ParquetFile(
            source,
            thrift_string_size_limit=_THRIFT_LIMIT,
            thrift_container_size_limit=_THRIFT_LIMIT,
        )
        require_fits(path, 8 * file.metadata.num_rows * file.metadata.num_columns)
        table = file.read()
        names, labels = list(table.column_names), None
        if (label := _label_column(path, names)) is not None:
            cells = table.column(label).to_pylist()
            if all(isinstance(cell, (str, int)) for cell in cells):
                labels = _as_classes(np.array(cells, np.str_))
                names.pop(label)
                table = table.remove_column(label)
        kinds = {column.type for column in table.columns}
        for name, column in zip(names, table.columns, strict=True):
            kind = column.type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or kind == pa.bool_()):
                raise DataError(
                    f"{path}: column {name!r} must hold numbers; got {kind}. Encode it as numbers "
                    "or leave it out."
                )
        same = kinds.pop() if len(kinds) == 1 else None
        dtype = {pa.uint8(): np.uint8, pa.float32(): np.float32}.get(same, np.float64)
        x = np.empty((table.num_rows, table.num_columns), dtype)
        for i, column in enumerate(table.columns):
            if dtype is np.uint8 and column.null_count:
                raise DataError(f"{path}: column {names[i]!r} must have no missing values.")
            x[:, i] = column.to_numpy()
        return Dataset.from_array(x, labels, name=path.name, feature_names=names)


def _layout(path: Path) -> _Layout:
    with path.open(encoding=_ENCODING, newline="") as file:
        first = next((line for line in file if line.strip()), "")
    delimiters = "\t" if path.suffix.lower() == ".tsv" else ",;\t"
    delimiter = next((mark for mark in delimiters if mark in first), delimiters[0])
    with path.open(encoding=_ENCODING, newline="") as file:
        rows = csv.reader(file, delimiter=delimiter)
        row = next((row for row in rows if row), None)
        header_lines = rows.line_num
        more_rows = any(rows)
    if row is None:
        raise FileFormatError(f"{path}: must hold at least one row; got an empty table.")
    counted = len(row) >= 3 and row == [str(i) for i in range(len(row))]
    if all(map(_is_number, row)) and not counted:
        return _Layout(delimiter, None, len(row), 0)
    names = tuple(cell.strip() for cell in row)
    if "" in names:
        raise DataError(
            f"{path}: every column must have a name in the header; column {names.index('') + 1} "
            "has none. If it is a row index, write the table without one."
        )
    if not more_rows:
        raise FileFormatError(
            f"{path}: must hold at least one row; got a header ({', '.join(names)}) and no rows."
        )
    return _Layout(delimiter, names, len(row), header_lines)


def _label_column(path: Path, names: Sequence[str]) -> int | None:
    found = [i for i, name in enumerate(names) if name.lower() in _LABEL_COLUMNS]
    if len(found) > 1:
        raise DataError(
            f"{path}: must have at most one column of labels; got "
            f"{', '.join(names[i] for i in found)}. Rename or drop the others."
        )
    return found[0] if found else None


def _as_classes(texts: NDArray[np.str_]) -> NDArray[Any] | None:
    """Labels as numbers where all are; None for numbers that are not whole (a feature)."""
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return texts
    return numbers if np.array_equal(numbers, np.rint(numbers)) else None


def _cells(
    path: Path, layout: _Layout, label: int | None
) -> tuple[NDArray[np.float64], NDArray[np.str_] | None]:
    """All cells as numbers by NumPy's fast reader, and those of the label column as text."""
    seen: dict[str, int] = {}

    def number(cell: str) -> int:
        return seen.setdefault(cell.strip(), len(seen))

    try:
        cells: NDArray[np.float64] = np.loadtxt(
            path,
            comments=None,
            delimiter=layout.delimiter,
            quotechar='"',
            skiprows=layout.header_lines,
            converters=None if label is None else {label: number},
            encoding=_ENCODING,
            ndmin=2,
        )
    except ValueError as error:
        raise _blame(path, layout, label) or error from error
    if label is None or not len(cells):
        return cells, None
    return cells, np.array(list(seen))[cells[:, label].astype(np.int64)]


def _blame(path: Path, layout: _Layout, label: int | None) -> FileFormatError | None:
    """Name the first row of the wrong length, or the first of its cells that is no number."""
    with path.open(encoding=_ENCODING, newline="") as file:
        rows = csv.reader(file, delimiter=layout.delimiter)
        for row in rows:
            if rows.line_num <= layout.header_lines or not row:
                continue
            if len(row) != layout.n_columns:
                return FileFormatError(
                    f"{path}: line {rows.line_num} must have {layout.n_columns} cells like the "
                    f"first; got {len(row)}."
                )
            for i, cell in enumerate(row):
                if i != label and not _is_number(cell):
                    called = f" ({layout.names[i]!r})" if layout.names else ""
                    return FileFormatError(
                        f"{path}: every cell must be a number; got {cell!r} at line "
                        f"{rows.line_num}, column {i + 1}{called}. Encode, fill or drop it."
                    )
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_000 as a number; files do not
