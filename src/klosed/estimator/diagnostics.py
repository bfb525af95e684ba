"""What a fitted model says about itself: warnings, each with what to do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import (
    LikelihoodMismatchWarning,
    NotConvergedWarning,
    PosteriorCollapseWarning,
    UnusedComponentsWarning,
)
from klosed.estimator.table import Table
from klosed.models import likelihood_of

__all__ = ["active_components", "warn_of_collapse", "warn_of_mismatch", "warn_of_no_convergence"]

Array = NDArray[Any]

# A component is active when its posterior mean varies by this much over rows: Burda, Grosse and
# Salakhutdinov (2016), arXiv:1509.00519, section 4.
_ACTIVE = 0.01
# Pearson's dispersion of Poisson counts is 1.
_OVERDISPERSED = 2.0
# Excess kurtosis of residuals; a Gaussian's is 0, a Student-t's with five degrees of freedom 6.
_HEAVY_TAIL = 20.0
# Columns that a warning names.
_NAMED = 5
# Frames from a function that `TableModel._fit` calls up to the line that called `fit`.
_USER = 5


def active_components(loc: Array) -> Array:
    """Return which latent numbers carry information, from posterior means of shape (n, k)."""
    active: Array = loc.var(axis=0) > _ACTIVE
    return active


def warn_of_collapse(active: Array, *, beta: float, size_was_given: bool) -> None:
    """Warn where no component is active, or only a minority of the number that was asked for."""
    used, n = int(active.sum()), len(active)
    if used == 0:
        warnings.warn(
            "posterior collapse: no latent number depends on the data, so transform and "
            f"reconstruct say nothing. Train longer (max_iter, learning_rate), lower beta (now "
            f"{beta:g}), or accept that the columns are independent noise.",
            PosteriorCollapseWarning,
            stacklevel=_USER + 1,
        )
    elif size_was_given and 2 * used < n:
        warnings.warn(
            f"only {used} of {n} latent numbers are active. The others do no harm but cost time: "
            f"set n_components={used}, or lower beta (now {beta:g}) to use more.",
            UnusedComponentsWarning,
            stacklevel=_USER + 1,
        )


def warn_of_mismatch(table: Table, spec: Any, output: Array, x: Array) -> None:
    """Warn of columns whose family does not fit, from outputs at the posterior means."""
    likelihood = likelihood_of(spec)
    mean = likelihood.mean(output)
    residual = x - mean
    kinds = table.kinds()
    dispersed: dict[Any, float] = {}
    with_outliers: list[Any] = []
    for column, place in zip(table.columns, table.places, strict=True):
        if column.width != 1:
            continue
        j = place.start
        known = ~np.isnan(residual[:, j])
        if known.sum() < 50:
            continue
        r = residual[known, j]
        if kinds[j] == "poisson":
            dispersion = float((r**2 / mean[known, j]).mean())
            if dispersion > _OVERDISPERSED:
                dispersed[column.name] = dispersion
        elif column.family == "gaussian":
            low, middle, high = np.quantile(x[known, j], [0.25, 0.5, 0.75])
            z = (r - r.mean()) / max(float(r.std()), 1e-12)
            if low < middle < high and float((z**4).mean()) - 3 > _HEAVY_TAIL:
                with_outliers.append(column.name)
    if dispersed:
        times = f"up to {max(dispersed.values()):.1f} times the variance of a Poisson"
        _warn(list(dispersed), times, 'likelihood={"count": "negative_binomial"}')
    if with_outliers:
        what = "outliers that a Gaussian cannot explain"
        _warn(with_outliers, what, 'likelihood={"real": "student_t"}')


def _warn(names: list[Any], what: str, cure: str) -> None:
    """Warn once of all the columns with one trouble: a wide table may have hundreds."""
    shown = ", ".join(map(repr, names[:_NAMED]))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    subject = f"column {shown} has" if len(names) == 1 else f"columns {shown}{more} have"
    warnings.warn(f"{subject} {what}. Use {cure}.", LikelihoodMismatchWarning, stacklevel=_USER + 2)


def warn_of_no_convergence(max_iter: int) -> None:
    """Warn that the last epoch was not enough."""
    warnings.warn(
        f"training ended at max_iter={max_iter} epochs while the held-out loss still fell. "
        "Raise max_iter or the learning_rate.",
        NotConvergedWarning,
        stacklevel=_USER,
    )
