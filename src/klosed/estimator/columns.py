"""What a column is: its type, the family that models it, and how both are inferred. NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from klosed.errors import DataError, ParameterError
from klosed.estimator.reading import RawColumn

__all__ = ["COLUMN_TYPES", "TYPE_OF_FAMILY", "Column", "check_range", "infer_columns"]

Array = NDArray[Any]

COLUMN_TYPES = ("real", "positive", "count", "binary", "ordinal", "categorical")
# The families that may model a column of each type; the first is taken unless told otherwise.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "real": ("gaussian", "student_t"),
    "positive": ("log_normal",),
    "count": ("negative_binomial", "poisson"),
    "binary": ("bernoulli",),
    "ordinal": ("sequential",),
    "categorical": ("categorical",),
    "constant": ("none",),
}
# What a likelihood given for a whole table makes of each column of numbers.
TYPE_OF_FAMILY = {
    "gaussian": "real",
    "student_t": "real",
    "bernoulli": "real",
    "log_normal": "positive",
    "poisson": "count",
    "negative_binomial": "count",
}
_MOST_CATEGORIES = 1000
# Squares of larger numbers leave float64.
_LARGEST = 1e150
# Excess kurtosis of a Laplace distribution is 3, of a Student-t with five degrees of freedom 6.
_HEAVY_TAIL = 6.0
# Nats a row by which a log-normal must fit better than a Gaussian.
_CLEARLY = 0.05


@dataclass(frozen=True)
class Column:
    """One column of a table, as a model sees it; JSON-serialisable.

    Attributes
    ----------
    name : str
    type : {"real", "positive", "count", "binary", "ordinal", "categorical", "constant"}
    family : str
        gaussian, student_t, log_normal, poisson, negative_binomial, bernoulli, sequential
        (continuation-ratio logits), categorical, or none for a constant.
    dtype : str
        Of the column as it came.
    categories : tuple, optional
        Of a binary, ordinal or categorical column, in order.
    value : float or str or bool, optional
        Of a constant column; None where nothing was ever observed.
    ordered : bool
        The dtype itself orders the categories.
    """

    name: str
    type: str
    family: str
    dtype: str
    categories: tuple[Any, ...] | None = None
    value: Any = None
    ordered: bool = False

    @property
    def width(self) -> int:
        """Number of entries of the model's x that hold this column."""
        if self.family == "none":
            return 0
        if self.categories is None or self.family == "bernoulli":
            return 1
        return len(self.categories) - (self.family == "sequential")

    def __str__(self) -> str:
        if self.type == "constant":
            return f"{self.name}: constant"
        many = self.categories is not None and self.type != "binary"
        number = f" ({len(self.categories or ())} categories)" if many else ""
        return f"{self.name}: {self.type}{number}, {self.family}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Column:
        """Return the column that `to_dict` described."""
        # JSON has lists for tuples: categories, and names of several levels.
        listed = ("name", "categories")
        tuples = {key: tuple(fields[key]) for key in listed if isinstance(fields.get(key), list)}
        return cls(**{**fields, **tuples})


def infer_columns(
    raws: Sequence[RawColumn],
    column_types: str | Mapping[Any, str],
    likelihood: str | Mapping[str, str],
    *,
    in_frame: bool,
    keep_constant: bool = True,
) -> list[Column]:
    """Return what each column is: as the user says, else by its dtype and values.

    Parameters
    ----------
    raws : sequence of RawColumn
    column_types, likelihood
        As `VAE` takes them.
    in_frame : bool
        Columns of a frame are inferred one by one; those of an array are all real numbers, or all
        binary where the whole array holds 0 and 1 alone.
    keep_constant : bool
        False makes a constant number a real column: later rows may differ.
    """
    families = _chosen_families(likelihood)
    columns = []
    if not in_frame and column_types == "auto":
        zero_one = all((np.isin(raw.values, (0, 1)) | np.isnan(raw.values)).all() for raw in raws)
        column_types = "binary" if zero_one and likelihood == "auto" else "auto"
    for raw, given in zip(raws, _given_types(raws, column_types), strict=True):
        if given is None and isinstance(likelihood, str) and raw.values.dtype != object:
            given = TYPE_OF_FAMILY.get(likelihood)
        columns.append(_infer(raw, given, families, in_frame=in_frame, keep_constant=keep_constant))
    return columns


def _chosen_families(likelihood: str | Mapping[str, str]) -> dict[str, str]:
    """Return {type: family} of the user's choices."""
    if isinstance(likelihood, str):
        return {} if likelihood == "auto" else {TYPE_OF_FAMILY[likelihood]: likelihood}
    for kind, family in likelihood.items():
        if TYPE_OF_FAMILY.get(family) != kind:
            raise ParameterError(
                "likelihood must map a type to one of its families, such as "
                f"{{'count': 'poisson'}}; got {kind!r}: {family!r}."
            )
    return dict(likelihood)


def _given_types(
    raws: Sequence[RawColumn], column_types: str | Mapping[Any, str]
) -> list[str | None]:
    """Return the type that the user gave each column."""
    if isinstance(column_types, str):
        return [None if column_types == "auto" else column_types] * len(raws)
    places: dict[Any, int] = {raw.name: i for i, raw in enumerate(raws)}
    given: list[str | None] = [None] * len(raws)
    for key, kind in column_types.items():
        if key in places:
            at = places[key]
        elif isinstance(key, (int, np.integer)) and 0 <= key < len(raws):
            at = int(key)
        else:
            raise ParameterError(f"column_types names {key!r}, which is no column of X.")
        if kind not in COLUMN_TYPES:
            raise ParameterError(
                f"column_types[{key!r}] must be one of {', '.join(COLUMN_TYPES)}; got {kind!r}."
            )
        given[at] = kind
    return given


def _infer(
    raw: RawColumn,
    given: str | None,
    families: Mapping[str, str],
    *,
    in_frame: bool,
    keep_constant: bool,
) -> Column:
    """Return what one column is."""
    labels = raw.labels()
    if labels is None:
        observed = raw.values[~np.isnan(raw.values)]
        _check_numbers(raw.name, observed)
        distinct = len(observed) > 0 and observed.min() != observed.max()
        if not distinct and raw.ends is not None and raw.ends[0] != raw.ends[1]:
            raise DataError(
                f"column {raw.name!r} holds whole numbers from {raw.ends[0]} to {raw.ends[1]}, "
                "which float64 cannot tell apart. Subtract an offset, or drop the column if it is "
                "an identifier."
            )
    else:
        observed = raw.values[raw.values != None]  # noqa: E711  (entry by entry)
        distinct = len(labels) > 1
    if keep_constant or labels is not None:
        if (given is None and not distinct) or (keep_constant and len(observed) == 0):
            return _constant(raw, observed)
    elif len(observed) == 0:
        raise DataError(
            f"column {raw.name!r} holds no number in the rows of the first partial_fit, which "
            "settles its scaling. Begin with rows that show it, or leave it out."
        )
    kind = given or (
        _type_of_labels(raw, labels)
        if labels is not None
        else _type_of_numbers(observed, in_frame=in_frame)
    )
    categories = None
    if kind in ("binary", "ordinal", "categorical"):
        categories = labels if labels is not None else tuple(np.unique(observed).tolist())
        _check_categories(raw.name, kind, categories)
        if kind == "ordinal" and raw.categories is None and labels and isinstance(labels[0], str):
            raise DataError(
                f"column {raw.name!r} was declared ordinal, but text has no order of its own. Make "
                "it an ordered pandas.Categorical or a polars.Enum."
            )
        if len(categories) < 2:
            return _constant(raw, observed)
    elif labels is not None:
        raise DataError(
            f"column {raw.name!r} was declared {kind!r} but holds {raw.dtype} values; "
            "convert it to numbers, or declare it categorical."
        )
    elif kind in ("positive", "count"):
        check_range(raw.name, kind, observed)
    family = families.get(kind) or _FAMILIES[kind][0]
    if kind == "real" and "real" not in families and _heavy_tailed(observed):
        family = "student_t"
    return Column(raw.name, kind, family, raw.dtype, categories, ordered=raw.ordered)


def check_range(name: str, kind: str, observed: Array) -> None:
    """Raise DataError where a value cannot be of a positive or a count column."""
    if kind == "positive" and (observed <= 0).any():
        raise DataError(
            f"column {name!r} is positive; got {observed.min():g}. "
            f"Use column_types={{{name!r}: 'real'}}."
        )
    if kind == "count" and ((observed < 0).any() or (observed != np.rint(observed)).any()):
        wrong = observed[(observed < 0) | (observed != np.rint(observed))][0]
        raise DataError(
            f"column {name!r} holds counts 0, 1, 2, …; got {wrong:g}. "
            f"Use column_types={{{name!r}: 'real'}}."
        )


def _constant(raw: RawColumn, observed: Array) -> Column:
    value = observed.tolist()[0] if len(observed) else None
    if raw.ends is not None:
        value = raw.ends[0]
    return Column(
        raw.name, "constant", "none", raw.dtype, raw.categories, value=value, ordered=raw.ordered
    )


def _check_numbers(name: str, observed: Array) -> None:
    if len(observed) and not np.abs(observed).max() < _LARGEST:
        raise DataError(
            f"column {name!r} must hold finite numbers below {_LARGEST:g} in size (NaN means "
            f"missing); got {np.abs(observed).max():g}. Clean or rescale it."
        )


def _check_categories(name: str, kind: str, categories: tuple[Any, ...]) -> None:
    if kind == "binary" and len(categories) > 2:
        raise DataError(
            f"column {name!r} was declared binary but holds {len(categories)} different values."
        )
    if len(categories) > _MOST_CATEGORIES:
        raise DataError(
            f"column {name!r} holds {len(categories)} different values; at most "
            f"{_MOST_CATEGORIES} can be categories. Drop it if it is an identifier, or declare "
            "another type in column_types."
        )


def _type_of_labels(raw: RawColumn, labels: tuple[Any, ...]) -> str:
    if len(labels) == 2:
        return "binary"
    return "ordinal" if raw.ordered else "categorical"


def _type_of_numbers(observed: Array, *, in_frame: bool) -> str:
    if not in_frame:
        return "real"
    low, high = observed.min(), observed.max()
    if low == 0 and high == 1 and np.isin(observed, (0, 1)).all():
        return "binary"
    if low >= 0 and (observed == np.rint(observed)).all():
        return "count" if _counts_fit_better(observed) else "real"
    if low > 0 and _log_normal_gain(observed) > _CLEARLY:
        return "positive"
    return "real"


def _gaussian_fit(x: Array) -> float:
    """Mean log-density, in nats, of a Gaussian fitted to x."""
    return -0.5 * (math.log(2 * math.pi * x.var()) + 1)


def _log_normal_gain(x: Array) -> float:
    """Return by how many nats a row a log-normal fits x better than a Gaussian."""
    logs = np.log(x)
    spread = logs.var()
    if spread == 0:
        return -math.inf
    return -0.5 * (math.log(2 * math.pi * spread) + 1) - float(logs.mean()) - _gaussian_fit(x)


def _counts_fit_better(x: Array) -> bool:
    """Return True if a negative binomial, by moments, fits whole numbers better than a Gaussian."""
    mean, variance = float(x.mean()), float(x.var())
    if variance <= mean:
        return False
    r = mean**2 / (variance - mean)
    log_p = (
        gammaln(x + r)
        - gammaln(r)
        - gammaln(x + 1)
        + r * math.log(r / (r + mean))
        + x * math.log(mean / (r + mean))
    )
    return bool(log_p.mean() > _gaussian_fit(x))


def _heavy_tailed(x: Array) -> bool:
    """Return True for a continuous column with outliers: its tails rule out a Gaussian."""
    if len(x) < 20:
        return False
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    if not low < middle < high:  # half of the rows at one value: an atom, not a tail
        return False
    z = (x - x.mean()) / x.std()
    return bool((z**4).mean() - 3 > _HEAVY_TAIL)
