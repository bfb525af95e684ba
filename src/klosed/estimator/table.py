"""Between a table and the numbers that a model sees: which entries hold which column.

A model's x has one entry for a real, positive, count or binary column, one a category for a
categorical column, and one less than that for an ordinal one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from klosed.errors import DataError
from klosed.estimator.columns import Column, check_range
from klosed.estimator.reading import RawColumn, frame_of
from klosed.models import Scaling

__all__ = ["Table"]

Array = NDArray[Any]

# Which likelihood of the engines models a family, in the order in which x holds them.
_LIKELIHOOD = {
    "gaussian": "gaussian",
    "log_normal": "gaussian",
    "student_t": "student_t",
    "poisson": "poisson",
    "negative_binomial": "negative_binomial",
    "bernoulli": "bernoulli",
    "sequential": "bernoulli",
    "categorical": "categorical",
}
_ORDER = ("gaussian", "student_t", "poisson", "negative_binomial", "bernoulli", "categorical")
_SCALED = ("gaussian", "student_t")
# A normal's quartiles are this many standard deviations apart.
_QUARTILES_APART = 1.349


class Table:
    """Columns of one table and their places in a model's x.

    Parameters
    ----------
    columns : sequence of Column
    container : {"array", "pandas", "polars"}
        What the table came in; decoding gives the same back.

    Notes
    -----
    - A positive column enters as its logarithm: a Gaussian there is a log-normal here.
    - An ordinal column with categories 0 … K−1 enters as K−1 entries, entry j asking "above j?",
      NaN once the answer was no: −log p(y) = Σ over the questions asked, the continuation-ratio
      model (Agresti 2010, "Analysis of Ordinal Categorical Data", section 4.2). Read with zeros
      for NaN it is the thermometer code.
    """

    def __init__(self, columns: Sequence[Column], container: str) -> None:
        self.columns = tuple(columns)
        self.container = container
        self.places: list[slice] = [slice(0, 0)] * len(self.columns)
        self.blocks: list[tuple[str, int]] = []
        start = 0
        for likelihood in _ORDER:
            begin = start
            for i, column in enumerate(self.columns):
                if _LIKELIHOOD.get(column.family) != likelihood:
                    continue
                self.places[i] = slice(start, start := start + column.width)
                if likelihood == "categorical":
                    self.blocks.append((likelihood, column.width))
            if start > begin and likelihood != "categorical":
                self.blocks.append((likelihood, start - begin))
        self.width = start

    def kinds(self) -> Array:
        """Return the name of each entry's likelihood."""
        names = [name for name, width in self.blocks for _ in range(width)]
        return np.array(names, dtype=object)

    def encode(self, raws: Sequence[RawColumn]) -> Array:
        """Return x, float64 of shape (n, width), NaN where nothing is known."""
        x = np.empty((len(raws[0].values), self.width))
        for column, place, raw in zip(self.columns, self.places, raws, strict=True):
            if column.width:
                x[:, place] = _encode(column, raw)
        return x

    def decode(self, x: Array) -> Any:
        """Return the table that x stands for: most probable categories, medians of positives.

        An array of numbers where the table came as one, else a frame of the columns' own dtypes.
        """
        values = [
            _decode(column, x[:, place], exact=self.container == "array")
            for column, place in zip(self.columns, self.places, strict=True)
        ]
        if self.container != "array":
            return frame_of(
                self.container,
                [
                    (c.name, v, c.dtype, c.categories, c.ordered)
                    for c, v in zip(self.columns, values, strict=True)
                ],
            )
        if any(column.dtype == "object" for column in self.columns):
            return np.stack([value.astype(object) for value in values], axis=1)
        return np.stack(values, axis=1)

    def scaling(self, x: Array) -> Scaling:
        """Return the scaling of the entries: real ones standardized, all others as they are.

        Columns with heavy tails are scaled by median and quartiles, which outliers cannot move.
        """
        shift, scale = np.zeros(self.width), np.ones(self.width)
        for j, kind in enumerate(self.kinds()):
            if kind not in _SCALED:
                continue
            known = x[~np.isnan(x[:, j]), j]
            low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
            if kind == "student_t" and low < high:
                shift[j], scale[j] = middle, (high - low) / _QUARTILES_APART
            else:
                origin = known[0]  # sums of large numbers would lose a small spread
                shift[j] = origin + (known - origin).mean()
                spread = float(np.sqrt(((known - shift[j]) ** 2).mean()))
                # Rounding leaves a constant column a spread of a few ulps of its size.
                tiny = 8 * np.finfo(np.float64).eps * abs(shift[j])
                scale[j] = spread if spread > tiny else 1.0
        return Scaling("standardize", shift, scale)

    def marginal_outputs(self, x: Array) -> tuple[Array, Array]:
        """Return what a decoder blind to z would say: its outputs, and log total counts.

        Both have one number an entry; training starts there instead of at zero.
        """
        outputs, log_total_counts = np.zeros(self.width), np.zeros(self.width)
        for j, kind in enumerate(self.kinds()):
            known = x[~np.isnan(x[:, j]), j]
            if kind in _SCALED or len(known) == 0:
                continue
            n, mean = len(known), float(known.mean())
            mean = (mean * n + 0.5) / (n + 1)  # away from 0 and 1
            outputs[j] = logit(mean) if kind == "bernoulli" else np.log(mean)
            if kind == "negative_binomial":
                excess = max(float(known.var()) - mean, 0.0)
                log_total_counts[j] = np.log(np.clip(mean**2 / (excess + 1e-9), 0.05, 100.0))
        return outputs, log_total_counts

    def log_jacobian(self, x: Array, scaling: Scaling) -> Array:
        """Return log |∂scaled/∂data| of each row: what turns densities into those of the data."""
        kinds = self.kinds()
        total = np.zeros(len(x))
        for column, place in zip(self.columns, self.places, strict=True):
            for j in range(place.start, place.stop):
                if kinds[j] in _SCALED:
                    slope = -np.log(scaling.scale[j])
                    by_log = x[:, j] if column.family == "log_normal" else 0.0
                    total += np.where(np.isnan(x[:, j]), 0.0, slope - by_log)
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return the columns and the container as JSON types."""
        return {
            "columns": [column.to_dict() for column in self.columns],
            "container": self.container,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Table:
        """Return the table that `to_dict` described."""
        return cls([Column.from_dict(each) for each in fields["columns"]], fields["container"])


def _encode(column: Column, raw: RawColumn) -> Array:
    """Return the entries of one column, shape (n, width)."""
    if column.categories is None:
        values = raw.values
        if values.dtype == object:
            raise DataError(
                f"column {column.name!r} held numbers when the model was fitted; got {raw.dtype}."
            )
        if column.type in ("positive", "count"):
            check_range(column.name, column.type, values[~np.isnan(values)])
        if np.isinf(values).any():
            raise DataError(f"column {column.name!r} must be finite, or NaN where missing.")
        return (np.log(values) if column.family == "log_normal" else values)[:, None]
    codes = _codes(column, raw)
    known = codes >= 0
    k = len(column.categories)
    if column.family == "bernoulli":
        return np.where(known, codes, np.nan)[:, None]
    if column.family == "categorical":
        return np.where(known[:, None], codes[:, None] == np.arange(k), np.nan)
    asked = known[:, None] & (np.arange(k - 1) <= codes[:, None])
    return np.where(asked, codes[:, None] > np.arange(k - 1), np.nan)


def _codes(column: Column, raw: RawColumn) -> Array:
    """Return the number of each entry's category, −1 where it is missing."""
    number = {category: i for i, category in enumerate(column.categories or ())}
    if raw.values.dtype == object:
        distinct, inverse = list(raw.values), np.arange(len(raw.values))
        missing = [value is None for value in distinct]
    else:
        values, inverse = np.unique(raw.values, return_inverse=True)
        distinct, missing = values.tolist(), np.isnan(values).tolist()
    codes = np.array(
        [-1 if absent else number.get(v, -2) for v, absent in zip(distinct, missing, strict=True)]
    )
    if (codes == -2).any():
        raise DataError(
            f"column {column.name!r} holds {distinct[int(np.argmin(codes))]!r}, which was not "
            "there when the model was fitted. Replace it by NaN (missing), fit with a dtype that "
            f"lists all categories, or with column_types={{{column.name!r}: …}}."
        )
    return codes[inverse]


def _decode(column: Column, x: Array, *, exact: bool) -> Array:
    """Return the values of one column; `exact` keeps the mean of a 0/1 column of numbers."""
    n = len(x)
    if column.family == "none":
        value = np.nan if column.value is None and column.dtype != "object" else column.value
        return np.full(n, value, dtype=object if isinstance(value, (str, bool)) else None)
    if column.categories is None:
        return np.exp(x[:, 0]) if column.family == "log_normal" else x[:, 0]
    if exact and column.categories == (0, 1):
        return x[:, 0]
    if column.family == "bernoulli":
        codes = (x[:, 0] > 0.5).astype(int)
    elif column.family == "categorical":
        codes = x.argmax(axis=1)
    else:
        codes = _most_probable_level(x)
    kinds = {type(category) for category in column.categories}
    dtype = object if kinds & {str, bool} else np.float64
    return np.array(column.categories, dtype=dtype)[codes]


def _most_probable_level(x: Array) -> Array:
    """Return the level with the largest probability, x holding P(above j | at least j)."""
    reached = np.cumprod(np.concatenate([np.ones((len(x), 1)), x], axis=1), axis=1)
    stop = np.concatenate([1 - x, np.ones((len(x), 1))], axis=1)
    return (reached * stop).argmax(axis=1)
