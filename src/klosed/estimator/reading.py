"""Tables of any kind as columns: pandas and polars frames, arrays, lists. And back again.

Neither pandas nor polars is imported unless the user's own frame comes from it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import DataError

__all__ = ["RawColumn", "completed", "container_of", "frame_of", "read_columns", "with_rows_of"]

Array = NDArray[Any]
_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True, eq=False)
class RawColumn:
    """One column as it came: float64 with NaN, or objects with None, where nothing is known.

    `ends` are the smallest and the largest of whole numbers that float64 may not hold exactly.
    """

    name: str
    values: Array
    dtype: str
    categories: tuple[Any, ...] | None = None
    ordered: bool = False
    ends: tuple[int, int] | None = None

    def labels(self) -> tuple[Any, ...] | None:
        """Return the categories in order; None for a column of numbers."""
        if self.values.dtype != object:
            return None
        if self.categories is not None:
            return self.categories
        found = {value for value in self.values if value is not None}
        return tuple(sorted(found, key=lambda value: (type(value).__name__, value)))


def container_of(X: Any) -> str:
    """Return "pandas", "polars" or "array"."""
    for name in ("pandas", "polars"):
        module = sys.modules.get(name)
        if module is not None and isinstance(X, module.DataFrame):
            return name
    return "array"


def read_columns(X: Any, names: Sequence[str]) -> list[RawColumn]:
    """Return the columns of a frame or of a 2-D array."""
    container = container_of(X)
    if container == "pandas":
        return [_from_pandas(name, X.iloc[:, i]) for i, name in enumerate(names)]
    if container == "polars":
        return [_from_polars(name, X.to_series(i)) for i, name in enumerate(names)]
    if X.dtype == object:
        return [_from_objects(name, X[:, i], "object") for i, name in enumerate(names)]
    return [_from_numbers(name, X[:, i]) for i, name in enumerate(names)]


def _from_numbers(name: str, values: Array) -> RawColumn:
    numbers = values.astype(np.float64, copy=False)
    ends = _ends(numbers, values) if values.dtype.kind in "iu" else None
    return RawColumn(name, numbers, str(values.dtype), ends=ends)


def _from_objects(name: str, values: Array, dtype: str) -> RawColumn:
    """Return numbers where all entries are numbers, else labels."""
    missing = np.array([_is_missing(value) for value in values], dtype=bool)
    known = values[~missing]
    numeric = (int, float, np.number)
    if all(isinstance(v, numeric) and not isinstance(v, (bool, np.bool_)) for v in known):
        numbers = np.full(len(values), np.nan)
        try:
            numbers[~missing] = known.astype(np.float64)
        except OverflowError:
            raise DataError(
                f"column {name!r} holds a whole number beyond 1e308. Rescale it, or make it text."
            ) from None
        whole = all(isinstance(v, (int, np.integer)) for v in known)
        return RawColumn(name, numbers, dtype, ends=_ends(numbers, known) if whole else None)
    return RawColumn(name, _labels(name, values, missing), dtype)


def _ends(values: Array, whole: Any) -> tuple[int, int] | None:
    """Return the ends of whole numbers; None where float64, in `values`, holds them exactly."""
    if np.isnan(values).all() or np.nanmax(np.abs(values)) < _LARGEST_EXACT:
        return None
    return int(whole.min()), int(whole.max())


def _labels(name: str, values: Array, missing: Array) -> Array:
    labels = np.full(len(values), None, dtype=object)
    labels[~missing] = [_plain(name, value) for value in values[~missing]]
    return labels


def _plain(name: str, value: Any) -> Any:
    """Return what JSON can hold, or raise: strings, booleans and numbers."""
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, (str, bool, int, float)):
        # The words are those of float(), which other estimators let through.
        raise TypeError(
            f"column {name!r}: an entry's argument must be a string, a boolean or a real number; "
            f"got {type(value).__name__}. Convert it: to text, or to numbers such as days since a "
            "start."
        )
    return value


def _is_missing(value: Any) -> bool:
    if value is None or value is getattr(sys.modules.get("pandas"), "NA", None):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _from_pandas(name: str, series: Any) -> RawColumn:
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        labels = _labels(name, series.astype(object).to_numpy(), series.isna().to_numpy())
        categories = tuple(_plain(name, v) for v in dtype.categories)
        return RawColumn(name, labels, "category", categories, bool(dtype.ordered))
    if pd.api.types.is_bool_dtype(dtype):
        labels = _labels(name, series.astype(object).to_numpy(), series.isna().to_numpy())
        return RawColumn(name, labels, str(dtype), (False, True))
    if pd.api.types.is_complex_dtype(dtype):
        raise ValueError(f"Complex data not supported: column {name!r}.")
    if pd.api.types.is_numeric_dtype(dtype) and not str(dtype).startswith("decimal"):
        values = series.to_numpy(np.float64, na_value=np.nan)
        whole = pd.api.types.is_integer_dtype(dtype)
        ends = _ends(values, series.dropna()) if whole else None
        return RawColumn(name, values, str(dtype), ends=ends)
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_string_dtype(dtype):
        return _from_objects(name, series.astype(object).to_numpy(), str(dtype))
    raise _unreadable(name, dtype)


def _from_polars(name: str, series: Any) -> RawColumn:
    import polars as pl

    dtype = series.dtype
    if dtype.is_numeric() or dtype == pl.Null:
        values = series.cast(pl.Float64).to_numpy()
        ends = _ends(values, series.drop_nulls()) if dtype.is_integer() else None
        return RawColumn(name, values, str(dtype), ends=ends)
    if dtype == pl.Boolean:
        return RawColumn(name, np.array(series.to_list(), dtype=object), "Boolean", (False, True))
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        labels = np.array(series.cast(pl.String).to_list(), dtype=object)
        categories = tuple(dtype.categories) if isinstance(dtype, pl.Enum) else None
        return RawColumn(name, labels, dtype.base_type().__name__, categories)
    if dtype in (pl.String, pl.Object):
        return _from_objects(name, np.array(series.to_list(), dtype=object), str(dtype))
    raise _unreadable(name, dtype)


def _unreadable(name: str, dtype: Any) -> DataError:
    return DataError(
        f"column {name!r} has dtype {dtype}, which is not read as numbers, booleans or text. "
        "Convert it (decimals to float64, a date to days since a start) or drop it."
    )


def frame_of(
    container: str, columns: Sequence[tuple[str, Array, str, tuple[Any, ...] | None, bool]]
) -> Any:
    """Return columns (name, values, dtype, categories, ordered) as a frame of their own dtypes.

    Whole-number dtypes get rounded values; None and NaN stay missing.
    """
    if container == "pandas":
        import pandas as pd

        return pd.concat([_to_pandas(*column) for column in columns], axis=1)
    import polars as pl

    return pl.DataFrame([_to_polars(*column) for column in columns])


def with_rows_of(X: Any, table: Any) -> Any:
    """Return `table`, a row for each of X, with the row names of X where both have them."""
    if container_of(X) == container_of(table) == "pandas":
        return table.set_axis(X.index, axis=0)
    return table


def completed(X: Any, filling: Any) -> Any:
    """Return X with `filling`, a table of the same columns, where entries are missing."""
    container = container_of(X)
    if container == "array":
        X = np.asarray(X)
        numeric = X.dtype.kind in "fiub"
        missing = np.isnan(X) if numeric else np.vectorize(_is_missing, [bool])(X)
        if not missing.any():
            return X.copy()
        filled = np.stack([_values(filling, i) for i in range(X.shape[1])], axis=1)
        return np.where(missing, filled.astype(X.dtype), X)
    done = X.copy() if container == "pandas" else X.clone()
    for i in range(X.shape[1]):
        if container == "pandas":
            column = X.iloc[:, i].copy()
            missing = column.isna().to_numpy()
            if not missing.any():
                continue
            if "Sparse" in str(column.dtype):
                column = column.sparse.to_dense()
            column.iloc[np.flatnonzero(missing)] = _values(filling, i)[missing]
            done.isetitem(i, column)
        else:
            column = X.to_series(i)
            missing = column.is_null() | (column.is_nan() if column.dtype.is_float() else False)
            if not missing.any():
                continue
            if container_of(filling) == "polars":
                other = filling.to_series(i)
            else:
                other = type(column)(column.name, _values(filling, i).tolist())
            other = other.fill_nan(None) if other.dtype.is_float() else other
            other = other.cast(column.dtype, strict=False)
            done = done.with_columns(column.zip_with(~missing, other))
    return done


def _values(table: Any, i: int) -> Array:
    container = container_of(table)
    if container == "array":
        return table[:, i]
    column = table.iloc[:, i] if container == "pandas" else table.to_series(i)
    values: Array = column.to_numpy()
    return values


def _to_pandas(
    name: str, values: Array, dtype: str, categories: tuple[Any, ...] | None, ordered: bool
) -> Any:
    import pandas as pd

    if dtype == "category":
        kept = pd.Categorical(values, categories=list(categories or ()), ordered=ordered)
        return pd.Series(kept, name=name)
    series = pd.Series(values, name=name)
    if pd.api.types.is_integer_dtype(dtype):
        series = pd.Series(_whole(values, dtype), name=name)
        if series.isna().any() and not dtype[0].isupper():
            return series
    if dtype == "bool" and series.isna().any():
        return series
    return series.astype(dtype)


def _to_polars(
    name: str, values: Array, dtype: str, categories: tuple[Any, ...] | None, ordered: bool
) -> Any:
    import polars as pl

    if dtype == "Enum":
        return pl.Series(name, values.tolist(), dtype=pl.Enum(list(categories or ())))
    if dtype == "Null":
        return pl.Series(name, [None] * len(values))
    target = getattr(pl, dtype.split("(")[0])
    if target == pl.Decimal:
        target = pl.Decimal(*map(int, re.findall(r"\d+", dtype)))
    if target.is_integer():
        values = _whole(values, dtype)
    series = pl.Series(name, values.tolist())
    if values.dtype.kind == "f":
        series = series.fill_nan(None)
    return series.cast(target)


def _whole(values: Array, dtype: str) -> Array:
    """Return the nearest whole numbers that `dtype` holds; a constant's are so already.

    int8, Int64, UInt8, int64[pyarrow], Sparse[int64, 0], Int128, ...
    """
    if values.dtype.kind != "f":
        return values
    unsigned, bits = re.findall(r"(u?)int(\d+)", dtype.lower())[0]
    low, high = (0, 2 ** int(bits)) if unsigned else (-(2 ** (int(bits) - 1)), 2 ** (int(bits) - 1))
    largest = np.floor(np.nextafter(float(high), 0))  # high − 1 itself may round up to high
    return np.clip(np.rint(values), float(low), largest)
