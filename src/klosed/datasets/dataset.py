"""What a data set is once it is read: rows, what the values mean, and the train and test parts.

No file is opened here. Imports only klosed.errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from klosed.errors import DataError

__all__ = ["Dataset", "Splits", "scaled"]

# What float32 holds exactly; every other real number becomes float64.
_AS_FLOAT32 = ("bool", "float16", "float32")
# A flat row of fewer pixels is not taken for a picture (the smallest in use is 8×8).
_SMALLEST_SIDE = 8


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows of finite numbers, and what is known about them.

    Build one from any numeric array with `Dataset.from_array`; the constructor itself only
    checks.

    Parameters
    ----------
    x : array of shape (n_rows, n_features)
        C-contiguous; uint8 (pixel bytes, 0 to 255), float32 or float64; every value finite.
    labels : int64 array of shape (n_rows,), optional
        Class of each row.
    name : str
        What messages call these data.
    image_shape : (height, width) or (height, width, channels), optional
        Present when a row is a picture.
    feature_names : tuple of str, optional
        One name a column.
    class_names : tuple of str, optional
        Names of the classes that `labels` number from 0; absent when labels are plain numbers.

    Raises
    ------
    DataError
        No rows, no features, a value that is not finite, or parts that do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from klosed.datasets import Dataset
    >>> data = Dataset.from_array(np.zeros((3, 2, 4), np.uint8), labels=[0, 1, 1], name="tiny")
    >>> data
    Dataset('tiny', x=(3, 8) uint8, image_shape=(2, 4), classes=[0, 1])
    >>> data.kind
    'bytes'
    >>> data.select_classes([1]).x.shape
    (2, 8)
    """

    x: NDArray[Any]
    labels: NDArray[np.int64] | None = None
    name: str = "array"
    image_shape: tuple[int, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    value_range: tuple[float, float] = field(init=False)
    """Smallest and largest value as stored, found once."""

    def __post_init__(self) -> None:
        x = self.x
        if x.ndim != 2 or x.dtype not in (np.uint8, np.float32, np.float64):
            raise DataError(
                f"{self.name}: x must be a 2-D array of uint8, float32 or float64; got shape "
                f"{x.shape}, {x.dtype}. Use Dataset.from_array to convert."
            )
        if not x.flags.c_contiguous:
            raise DataError(f"{self.name}: x must be C-contiguous. Use Dataset.from_array.")
        if 0 in x.shape:
            raise DataError(
                f"{self.name}: must hold at least one row and one feature; got shape {x.shape}."
            )
        if self.labels is not None and self.labels.shape != x.shape[:1]:
            raise DataError(
                f"{self.name}: needs one label a row; got {len(x)} rows and labels of shape "
                f"{self.labels.shape}."
            )
        if self.feature_names is not None and len(self.feature_names) != x.shape[1]:
            raise DataError(
                f"{self.name}: needs one feature name a column; got {len(self.feature_names)} "
                f"names for {x.shape[1]} columns."
            )
        with np.errstate(invalid="ignore"):
            low, high = float(x.min()), float(x.max())  # NaN and infinities reach one of them
        if not (np.isfinite(low) and np.isfinite(high)):
            raise self._not_finite()
        object.__setattr__(self, "value_range", (low, high))

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        name: str = "array",
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Dataset:
        """Build a data set from a numeric array with one row, or one image, an entry.

        Parameters
        ----------
        array : array of shape (n, features), (n, height, width), (n, height, width, channels)
            or (n, channels, height, width)
            Pictures of uint8 are kept as bytes; booleans, float16 and float32 become float32,
            any other real number float64. More than two dimensions are flattened to rows,
            channels last. Rows of whole numbers from 0 up to exactly 255, of any type, in a
            square number of columns (64 or more) are pixels: bytes, of square pictures.
        labels : array of shape (n,) or (n, 1), optional
            Whole numbers, or text (then sorted, numbered from 0 and kept as `class_names`).
            Numbers that are not whole name no classes and are left out.
        name, feature_names, class_names
            As the class keeps them.

        Returns
        -------
        Dataset

        Raises
        ------
        DataError
            The array is not numeric, has one dimension, or is refused by the class.
        """
        try:
            array = np.asarray(array)
        except ValueError as error:  # rows of different lengths
            raise DataError(f"{name}: rows must all have one length; {error}") from error
        if array.dtype.kind not in "buif":
            raise DataError(
                f"{name}: values must be real numbers; got {array.dtype}. Encode text as numbers "
                "and split complex values into two columns."
            )
        if array.ndim < 2:
            raise DataError(
                f"{name}: needs shape (n_rows, n_features), (n, height, width) or (n, height, "
                f"width, channels); got {array.shape}. Reshape a single column to (-1, 1), a "
                "single row to (1, -1)."
            )
        array, image_shape = _as_images(array)
        if array.dtype == np.uint8 and image_shape is not None:
            dtype: type[Any] = np.uint8
        else:
            dtype = np.float32 if array.dtype.name in _AS_FLOAT32 else np.float64
        rows = array.reshape(len(array), -1) if array.size else np.empty(array.shape[:2])
        codes, names = (None, None) if labels is None else _as_labels(labels, name)
        return cls(
            np.ascontiguousarray(rows, dtype),
            codes,
            name,
            image_shape,
            None if feature_names is None else tuple(feature_names),
            names if class_names is None else tuple(class_names),
        )

    @property
    def kind(self) -> Literal["bytes", "unit", "real"]:
        """What the values are: "bytes" (0 to 255), "unit" (within [0, 1]) or "real"."""
        if self.x.dtype == np.uint8:
            return "bytes"
        low, high = self.value_range
        return "unit" if low >= 0 and high <= 1 else "real"

    @property
    def classes(self) -> tuple[int, ...] | tuple[str, ...] | None:
        """The classes present: names where there are names, else the numbers; sorted."""
        if self.labels is None:
            return None
        numbers = np.unique(self.labels).tolist()
        return tuple(
            numbers if self.class_names is None else map(self.class_names.__getitem__, numbers)
        )

    def select_classes(self, classes: Sequence[int | str]) -> Dataset:
        """Return only the rows of these classes, in their order; labels keep their numbers.

        Parameters
        ----------
        classes : sequence of int or str
            Class names where the data set has them, else label numbers; `"3"` means 3.

        Raises
        ------
        DataError
            There are no labels, no class is given, or one is not present.
        """
        if self.labels is None:
            raise DataError(
                f"{self.name}: has no labels, so no classes can be chosen. Leave classes out, or "
                "give data with labels."
            )
        present = dict(zip(map(str, self.classes or ()), np.unique(self.labels), strict=True))
        wanted = [str(name) for name in classes]
        unknown = [name for name in wanted if name not in present]
        if unknown or not wanted:
            raise DataError(
                f"{self.name}: classes must be among {', '.join(present)}; got "
                f"{', '.join(unknown) or 'none'}."
            )
        rows = np.isin(self.labels, [present[name] for name in wanted])
        return replace(self, x=self.x[rows], labels=self.labels[rows])

    def __repr__(self) -> str:
        parts = [repr(self.name), f"x={self.x.shape} {self.x.dtype}"]
        if self.image_shape is not None:
            parts.append(f"image_shape={self.image_shape}")
        if self.classes is not None:
            parts.append(f"classes={list(self.classes)}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _not_finite(self) -> DataError:
        bad = ~np.isfinite(self.x)
        row, column = (int(i) for i in np.argwhere(bad)[0])
        called = "" if self.feature_names is None else f" ({self.feature_names[column]!r})"
        return DataError(
            f"{self.name}: every value must be finite; got {int(bad.sum())} that are not, first "
            f"{self.x[row, column]} at row {row}, column {column}{called}, counted from 0. Fill or "
            "drop those rows."
        )


@dataclass(frozen=True, eq=False)
class Splits:
    """A training part, perhaps a test part, and where the data come from.

    Parameters
    ----------
    train : Dataset
        Rows to learn from.
    test : Dataset, optional
        Rows kept apart, with the same columns.
    description : str
        Origin and licence.

    Raises
    ------
    DataError
        The parts differ in columns, picture shape, column names or value type.
    """

    train: Dataset
    test: Dataset | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if self.test is None:
            return
        train, test = self.train, self.test
        for what, of_train, of_test in (
            ("number of features", train.x.shape[1], test.x.shape[1]),
            ("image shape", train.image_shape, test.image_shape),
            ("column names", train.feature_names, test.feature_names),
            ("type of values", _bytes_or_floats(train), _bytes_or_floats(test)),
        ):
            if None not in (of_train, of_test) and of_train != of_test:
                raise _unlike(what, test.name, of_test, train.name, of_train)


def scaled(x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return `x` as floats: bytes divided by 255, everything else as it is.

    Parameters
    ----------
    x : array
        Rows of a `Dataset`, or a batch of them.
    dtype : float32 or float64
        Of the result.

    Returns
    -------
    array of the shape of `x`
        Shares memory with `x` when there is nothing to change.

    Raises
    ------
    DataError
        A value is too large for `dtype`.

    Examples
    --------
    >>> import numpy as np
    >>> from klosed.datasets import scaled
    >>> scaled(np.array([[0, 51, 255]], np.uint8), np.float32)
    array([[0. , 0.2, 1. ]], dtype=float32)
    """
    if x.dtype == np.uint8:
        return np.divide(x, 255, dtype=np.dtype(dtype))
    try:
        with np.errstate(over="raise"):
            return x.astype(dtype, copy=False)
    except FloatingPointError as error:
        raise DataError(
            f"values must fit {np.dtype(dtype).name}; got one of size {np.abs(x).max():g}. "
            "Rescale the data, or compute in float64."
        ) from error


def aligned(test: Dataset, train: Dataset) -> Dataset:
    """Return `test` understood as `train` is: classes, columns, bytes or floats, picture shape.

    A file of a few rows does not show by itself what its numbers are; those of `train` do.
    """
    test = with_classes(test, train.class_names)
    if test.x.shape[1] != train.x.shape[1]:
        return test
    test = with_columns(test, train.feature_names, train.name)
    if train.kind == "bytes" and test.value_range[1] > 1 and _holds_bytes(test.x):
        test = replace(test, x=test.x.astype(np.uint8, copy=False))
    elif train.kind == "real" and test.kind == "bytes":
        test = replace(test, x=test.x.astype(np.float64), image_shape=train.image_shape)
    return replace(test, image_shape=test.image_shape or train.image_shape)


def with_classes(data: Dataset, class_names: Sequence[str] | None) -> Dataset:
    """Return `data` with the classes `class_names` numbered from 0, and its own others after."""
    if not class_names or not data.class_names or data.labels is None:
        return data
    names = tuple(dict.fromkeys((*class_names, *data.class_names)))
    codes = np.array([names.index(name) for name in data.class_names], np.int64)
    return replace(data, labels=codes[data.labels], class_names=names)


def with_columns(data: Dataset, names: Sequence[str] | None, trained_on: str) -> Dataset:
    """Return `data` with its columns in the order of `names`; columns without names stay.

    Raises
    ------
    DataError
        The names are not those of `trained_on`.
    """
    if not names or data.feature_names is None or data.feature_names == tuple(names):
        return data
    order = {name: column for column, name in enumerate(data.feature_names)}
    if len(order) < len(data.feature_names) or sorted(order) != sorted(names):
        raise _unlike("column names", data.name, data.feature_names, trained_on, tuple(names))
    x = np.ascontiguousarray(data.x[:, [order[name] for name in names]])
    return replace(data, x=x, feature_names=tuple(names))


def pixel_side(data: Dataset) -> int | None:
    """Return the side of the square grey pictures that rows may be by size and value, or None."""
    side = _side(data.x.shape[1])
    return side if side is not None and _holds_bytes(data.x) else None


def _side(n_columns: int) -> int | None:
    side = math.isqrt(n_columns)
    return side if side >= _SMALLEST_SIDE and side * side == n_columns else None


def _unlike(what: str, name: str, got: Any, trained_on: str, wanted: Any) -> DataError:
    return DataError(
        f"test data {name} must have the same {what} as training data {trained_on}; got "
        f"{_short(got)} and {_short(wanted)}."
    )


def _as_images(array: NDArray[Any]) -> tuple[NDArray[Any], tuple[int, ...] | None]:
    """Move channels last, drop a single channel, unfold pixels; shape of one picture, or None."""
    side = _side(array.shape[1]) if array.ndim == 2 and array.size else None
    if side is not None and array.max() == 255 and _holds_bytes(array):
        array = array.astype(np.uint8).reshape(-1, side, side)
    if array.ndim == 4:
        if array.shape[3] not in (1, 2, 3, 4) and array.shape[1] in (1, 2, 3, 4):
            array = np.moveaxis(array, 1, 3)
        if array.shape[3] == 1:
            array = array[..., 0]
    is_image = array.ndim == 3 or (array.ndim == 4 and array.shape[3] in (2, 3, 4))
    return array, tuple(array.shape[1:]) if is_image else None


def _as_labels(
    labels: ArrayLike, name: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """Class numbers, and their names where labels are text; (None, None) for real numbers."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{name}: labels must have shape (n_rows,); got {labels.shape}.")
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.dtype.kind == "U":
        names, codes = np.unique(labels, return_inverse=True)
        return codes.astype(np.int64), tuple(names.tolist())
    if labels.dtype.kind not in "buif":
        raise DataError(f"{name}: labels must be whole numbers or text; got {labels.dtype}.")
    with np.errstate(invalid="ignore"):
        codes = labels.astype(np.int64)
    return (codes, None) if np.array_equal(codes, labels) else (None, None)


def _holds_bytes(x: NDArray[Any]) -> bool:
    """Whether every value is a whole number in [0, 255]."""
    return bool(x.min() >= 0 and x.max() <= 255 and np.array_equal(x, x.astype(np.uint8)))


def _bytes_or_floats(data: Dataset) -> str:
    return "bytes" if data.kind == "bytes" else "floats"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
