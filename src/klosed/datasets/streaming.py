"""Rows that stay on disk: .npy and .parquet files read a block at a time, within bounded memory.

Imports only klosed.errors, klosed.random and its neighbours; pyarrow loads for .parquet.
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets._guards import reading, require_promise
from klosed.datasets.arrays import _read_header
from klosed.datasets.block_order import BlockOrder
from klosed.datasets.dataset import _AS_FLOAT32, Dataset, _side
from klosed.datasets.tables import _THRIFT_LIMIT, _label_column
from klosed.errors import DataError, MissingExtraError

__all__ = ["StreamedDataset", "StreamedRows", "open_stream"]

Array = NDArray[Any]

# A batch mixes rows of this many blocks, unless memory holds fewer.
_LANES = 16
_MIB = 1 << 20


class StreamedRows(ABC):
    """A table on disk, indexed like an array by slices and by arrays of row numbers.

    Blocks that were read last are kept, as many as `memory` allows. `bounds` holds where blocks
    begin and end, `lanes` how many a batch mixes; both follow from file and memory alone, so
    that every process that reads the file finds the same.
    """

    ndim = 2

    def __init__(
        self, name: str, dtype: Any, n_features: int, bounds: NDArray[np.int64], memory: int
    ) -> None:
        self.name, self.dtype, self.bounds = name, np.dtype(dtype), bounds
        self.shape = (int(bounds[-1]), n_features)
        largest = int(np.diff(bounds).max()) * n_features * self.dtype.itemsize
        if 2 * largest > memory:
            raise DataError(
                f"{name}: two of its blocks must fit in {memory // _MIB} MiB; the largest takes "
                f"{largest / _MIB:.0f} MiB. Allow more, or write the file with smaller row groups."
            )
        self.lanes = max(1, min(_LANES, memory // (2 * largest)))
        self._kept: OrderedDict[int, Array] = OrderedDict()

    @abstractmethod
    def _read(self, block: int) -> Array:
        """Return the rows of one block as a C-contiguous array."""

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Array) -> Array:
        """Return these rows, in this order, in memory."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        rows = np.asarray(rows)
        out = np.empty((len(rows), self.shape[1]), self.dtype)
        blocks = np.searchsorted(self.bounds, rows, side="right") - 1
        for block in np.unique(blocks):
            here = blocks == block
            out[here] = self._block(int(block))[rows[here] - self.bounds[block]]
        return out

    def order(self, seed: int, epoch: int, batch_size: int) -> BlockOrder:
        """Return the shuffled order of an epoch."""
        return BlockOrder(
            self.bounds, seed=seed, epoch=epoch, batch_size=batch_size, lanes=self.lanes
        )

    @cached_property
    def facts(self) -> StreamFacts:
        """What one pass over the file finds."""
        n, moments = 0, np.zeros((2, self.shape[1]))
        # around a row of the data: sums of large numbers would lose the small spread
        origin = self._read(0)[0].astype(np.float64)
        low, high = np.full(self.shape[1], np.inf), np.full(self.shape[1], -np.inf)
        digest = hashlib.sha256(f"{self.shape} {self.dtype}".encode())
        for block in range(len(self.bounds) - 1):
            x = self._read(block)
            digest.update(x.data)
            low, high = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
            if not (np.isfinite(low).all() and np.isfinite(high).all()):
                raise DataError(
                    f"{self.name}: every value must be finite; the rows from "
                    f"{self.bounds[block]} to {self.bounds[block + 1]} hold others."
                )
            for some in np.array_split(x, -(-x.nbytes // _MIB)):
                moments, n = _joined(moments, n, some - origin), n + len(some)
        deviation = np.sqrt(moments[1] / n)
        return StreamFacts(low, high, origin + moments[0], deviation, digest.hexdigest())

    def _block(self, block: int) -> Array:
        if block in self._kept:
            self._kept.move_to_end(block)
        else:
            while len(self._kept) >= 2 * self.lanes:
                self._kept.popitem(last=False)
            self._kept[block] = self._read(block)
        return self._kept[block]


@dataclass(frozen=True, eq=False)
class StreamFacts:
    """Extremes, means and standard deviations of the columns, and the SHA-256 of it all."""

    low: Array
    high: Array
    mean: Array
    deviation: Array
    sha256: str


class StreamedDataset(Dataset):
    """A data set whose rows stay on disk: `x` is a StreamedRows; labels are not kept."""

    def __post_init__(self) -> None:
        facts = self.streamed.facts
        ends = float(facts.low.min()), float(facts.high.max())
        object.__setattr__(self, "value_range", ends)

    @property
    def streamed(self) -> StreamedRows:
        """The rows."""
        rows: Any = self.x
        return rows


def open_stream(source: str | Path, memory: int) -> StreamedDataset:
    """Return the rows of a .npy or .parquet file without loading them.

    Parameters
    ----------
    source : str or Path
        A .npy file in C order, or a .parquet file of numbers, of which a column of labels is left
        out. uint8 of the shape of pictures, or in a square number of columns, are pixels.
    memory : int
        Bytes that blocks may take in each process.

    Raises
    ------
    DataError
        Another kind of file, no numbers, values that are not finite, or blocks too large.
    FileFormatError
        The file is damaged.
    MissingExtraError
        A .parquet file without pyarrow.
    """
    path = Path(source).expanduser()
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".parquet"):
        raise DataError(f"{source}: only .npy and .parquet files can be streamed. Load it whole.")
    with reading(path, f"{suffix} file"):
        if suffix == ".npy":
            rows, image_shape = _npy(path, memory)
            return StreamedDataset(_as_array(rows), name=path.name, image_shape=image_shape)
        table = _ParquetRows(path, memory)
        return StreamedDataset(_as_array(table), name=path.name, feature_names=table.names)


class _NpyRows(StreamedRows):
    """Blocks of an .npy file, mapped into memory one at a time and copied out."""

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, ...], stored: Any, dtype: Any, memory: int
    ) -> None:
        n_features = math.prod(shape[1:])
        size = n_features * np.dtype(dtype).itemsize
        # half of the memory for blocks that end as others begin; four blocks a lane at least
        rows = max(1, min(memory // (2 * _LANES * size), -(-shape[0] // (4 * _LANES))))
        bounds = np.append(np.arange(0, shape[0], rows), shape[0])
        self._path, self._offset, self._stored = path, offset, np.dtype(stored)
        super().__init__(path.name, dtype, n_features, bounds, memory)

    def _read(self, block: int) -> Array:
        low, high = (int(row) for row in self.bounds[block : block + 2])
        row_bytes = self.shape[1] * self._stored.itemsize
        with reading(self._path, ".npy file"):
            mapped = np.memmap(
                self._path,
                self._stored,
                "r",
                self._offset + low * row_bytes,
                (high - low, self.shape[1]),
            )
            # a copy: pages of the file are let go with the map
            return np.array(mapped, self.dtype, order="C")


class _ParquetRows(StreamedRows):
    """Row groups of a .parquet file."""

    def __init__(self, path: Path, memory: int) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError as error:
            raise MissingExtraError("Reading .parquet", "parquet") from error
        self._path = path
        self._file: Any = pq.ParquetFile(
            path,
            thrift_string_size_limit=_THRIFT_LIMIT,
            thrift_container_size_limit=_THRIFT_LIMIT,
        )
        metadata, schema = self._file.metadata, self._file.schema_arrow
        label = _label_column(path, schema.names)
        self.names = tuple(name for i, name in enumerate(schema.names) if i != label)
        kinds = {schema.field(name).type for name in self.names}
        for name in self.names:
            kind = schema.field(name).type
            if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
                raise DataError(f"{path}: column {name!r} must hold numbers; got {kind}.")
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        if not self.names or not sum(sizes):
            raise DataError(f"{path}: must hold at least one row and one feature.")
        dtype = np.float32 if kinds == {pa.float32()} else np.float64
        bounds = np.concatenate([[0], np.cumsum([n for n in sizes if n])]).astype(np.int64)
        self._groups = [i for i, n in enumerate(sizes) if n]
        super().__init__(path.name, dtype, len(self.names), bounds, memory)

    def _read(self, block: int) -> Array:
        with reading(self._path, ".parquet file"):
            table = self._file.read_row_group(self._groups[block], columns=list(self.names))
            x = np.empty((table.num_rows, table.num_columns), self.dtype)
            for i, column in enumerate(table.columns):
                x[:, i] = column.to_numpy()
        return x


def _npy(path: Path, memory: int) -> tuple[_NpyRows, tuple[int, ...] | None]:
    with path.open("rb") as file:
        header = _read_header(path, file)
        offset = file.tell()
    shape, stored = header.shape, header.dtype
    if len(shape) < 2 or 0 in shape or stored.kind not in "buif" or header.fortran_order:
        raise DataError(
            f"{path}: to be streamed it must hold rows of numbers in C order; got shape {shape}, "
            f"{stored}{', Fortran order' if header.fortran_order else ''}."
        )
    promised = math.prod(shape) * stored.itemsize
    require_promise(path, f"array of shape {shape}", promised, path.stat().st_size - offset)
    image_shape = shape[1:3] if shape[3:] == (1,) else shape[1:]
    if len(shape) == 2:
        side = _side(shape[1])
        image_shape = () if side is None else (side, side)
    if stored == np.uint8 and image_shape:
        return _NpyRows(path, offset, shape, stored, np.uint8, memory), image_shape
    dtype = np.float32 if stored.name in _AS_FLOAT32 else np.float64
    return _NpyRows(path, offset, shape, stored, dtype, memory), None


def _joined(moments: Array, n: int, x: Array) -> Array:
    """Return mean and sum of squared deviations of n rows and those of x together.

    Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance",
    doi:10.1080/00031305.1983.10483115, eq. 2.1.
    """
    mean, squares = moments
    own = x.mean(axis=0)
    spread = np.square(x - own).sum(axis=0)
    total = n + len(x)
    delta = own - mean
    return np.stack(
        [mean + delta * (len(x) / total), squares + spread + delta**2 * (n * len(x) / total)]
    )


def _as_array(rows: StreamedRows) -> Any:
    """Return rows where an array is asked for: they are indexed like one."""
    return rows
