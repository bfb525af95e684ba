"""What the detector's model reads of a table: standardized columns with short tails."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Preparation"]

Array = NDArray[Any]

# Standard deviations up to which a column is read as it is.
_LINEAR = 10.0
# A model that claims a standard deviation below 3 % of a column's own has learned rows by heart.
_MIN_VARIANCE = 1e-3
# What a step h to a rare level costs under the floor h²/12 of the variance: h² / (2 h²/12) nats.
_RARE = 6.0


@dataclass(frozen=True, eq=False)
class Preparation:
    """x ↦ f((x − centre) / scale), f(u) = u up to |u| = 10 and ± 10 (1 + log(|u| / 10)) beyond.

    f keeps the order of values and bends where no decision depends on how far exactly a value
    lies: neither a heavy tail nor a number near the largest float can throw training off.

    The model reads the columns that vary. A constant column has no scale to tell a large change
    from a small one: any other value costs `surprise` nats, log(n + 2) by the rule of succession
    after n rows without one, and what a rare level of a discrete column costs.

    Attributes
    ----------
    read, constant : array of bool of shape (n_features,)
        Columns that the model reads, at least one, and those that hold one value.
    value : array of shape (n_features,)
        Of the constant columns.
    surprise : float
    centre, scale : array of shape (n_read,)
        Mean and standard deviation.
    min_variance : array of shape (n_read,)
        What the model's variance never falls below: h²/12, the variance of rounding to steps of
        h, the median step between neighbouring values of the column, and 10⁻³ at least. A
        density cannot be known finer than the data were recorded; for a rare level of a discrete
        column it charges about −log of its frequency, as a probability would.
    """

    read: Array
    constant: Array
    value: Array
    surprise: float
    centre: Array
    scale: Array
    min_variance: Array

    @classmethod
    def of(cls, x: Array, known: Array) -> Preparation:
        """Return the preparation that the rows of `x` (float64, NaN for holes) suggest.

        `known` says which columns may be looked at: some, and each holds a number.
        """
        # Around the middle of each column, in units of its reach: no square can overflow.
        low, high = np.fmin.reduce(x, axis=0), np.fmax.reduce(x, axis=0)
        middle, reach = low / 2 + high / 2, high / 2 - low / 2
        varies = known & (reach > _rounding(middle))
        read = varies if varies.any() else np.arange(len(known)) == np.argmax(known)
        unit = np.where(varies, reach, 1.0)[read]
        u = (x[:, read] - middle[read]) / unit
        centre = middle[read] + unit * np.nanmean(u, axis=0)
        scale = np.where(varies[read], unit * np.nanstd(u, axis=0), np.inf)
        surprise = _RARE + math.log(len(x) + 2)
        plain = cls(read, known & ~varies, middle, surprise, centre, scale, np.zeros(len(unit)))
        steps = np.array([_median_step(column) for column in plain.apply(x).T])
        return replace(plain, min_variance=np.maximum(steps**2 / 12, _MIN_VARIANCE))

    def apply(self, x: Array) -> Array:
        """Return the rows as the model reads them, float64; NaN stays."""
        with np.errstate(over="ignore", invalid="ignore"):
            u = np.clip((x[:, self.read] - self.centre) / self.scale, -1e300, 1e300)
        size = np.maximum(np.abs(u), _LINEAR)
        return np.where(size > _LINEAR, np.sign(u) * _LINEAR * (1 + np.log(size / _LINEAR)), u)

    def surprises(self, x: Array) -> Array:
        """Return what constant columns cost that are so no more, shape (n, n_features)."""
        with np.errstate(over="ignore"):
            changed = np.abs(x - self.value) > _rounding(self.value)
        return np.where(self.constant & changed, self.surprise, 0.0)


def _rounding(value: Array) -> Array:
    """Return how far a constant column may stray by rounding: a few ulps of its size."""
    return 8 * np.finfo(np.float64).eps * np.abs(value)


def _median_step(column: Array) -> float:
    """Return the median difference of neighbouring distinct values, 0 of a constant column."""
    steps = np.diff(np.sort(column[~np.isnan(column)]))
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0
