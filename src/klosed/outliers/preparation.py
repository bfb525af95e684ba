"""What the detector's model reads of a table: standardized columns with short tails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Preparation"]

Array = NDArray[Any]

# Standard deviations up to which a column is read as it is.
_LINEAR = 10.0
# A model that claims a standard deviation below 3 % of a column's own has learned rows by heart.
_MIN_VARIANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Preparation:
    """x ↦ f((x − centre) / scale), f(u) = u up to |u| = 10 and ± 10 (1 + log(|u| / 10)) beyond.

    f keeps the order of values and bends where no decision depends on how far exactly a value
    lies: neither a heavy tail nor a number near the largest float can throw training off.

    Attributes
    ----------
    centre, scale : array of shape (n_features,)
        Mean and standard deviation; a constant column has scale 1.
    min_variance : array of shape (n_features,)
        What the model's variance never falls below: h²/12, the variance of rounding to steps of
        h, the median step between neighbouring values of the column, and 10⁻³ at least. A
        density cannot be known finer than the data were recorded; for a rare level of a discrete
        column it charges about −log of its frequency, as a probability would.
    """

    centre: Array
    scale: Array
    min_variance: Array

    @classmethod
    def of(cls, x: Array) -> Preparation:
        """Return the preparation that the rows of `x` (float64, NaN for holes) suggest."""
        # Around the middle of each column, in units of its reach: no square can overflow.
        low, high = np.nanmin(x, axis=0), np.nanmax(x, axis=0)
        middle, reach = low / 2 + high / 2, high / 2 - low / 2
        unit = np.where(reach > 0, reach, 1.0)
        u = (x - middle) / unit
        mean, spread = np.nanmean(u, axis=0), np.nanstd(u, axis=0)
        # Rounding leaves a constant column a reach of a few ulps of its size; that is no spread.
        constant = reach <= 8 * np.finfo(np.float64).eps * np.abs(middle)
        centre = middle + unit * np.where(constant, 0.0, mean)
        scale = np.where(constant, 1.0, unit * np.where(constant, 1.0, spread))
        plain = cls(centre, scale, np.zeros(x.shape[1]))
        steps = np.array([_median_step(column) for column in plain.apply(x).T])
        min_variance = np.maximum(steps**2 / 12, _MIN_VARIANCE)
        return cls(centre, scale, min_variance)

    def apply(self, x: Array) -> Array:
        """Return the rows as the model reads them, float64; NaN stays."""
        with np.errstate(over="ignore"):
            u = np.clip((x - self.centre) / self.scale, -1e300, 1e300)
        size = np.maximum(np.abs(u), _LINEAR)
        return np.where(size > _LINEAR, np.sign(u) * _LINEAR * (1 + np.log(size / _LINEAR)), u)


def _median_step(column: Array) -> float:
    """Return the median difference of neighbouring distinct values, 0 of a constant column."""
    steps = np.diff(np.sort(column[~np.isnan(column)]))
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0
