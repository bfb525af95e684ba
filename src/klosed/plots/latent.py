"""A two-dimensional latent space as a scatter of posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["latent_map"]

_MOST_CLASSES = 20  # more could not be told apart by colour


def latent_map(
    z: NDArray[Any], labels: NDArray[Any] | None = None, title: str = "Latent space"
) -> Figure:
    """Return posterior means in the plane, coloured by label where there are at most 20.

    Parameters
    ----------
    z : array of shape (n, 2)
    labels : array of shape (n,), optional
    title : str

    Raises
    ------
    ShapeError
        `z` is not (n, 2).
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    if z.ndim != 2 or z.shape[1] != 2:
        raise ShapeError(f"z must have shape (n, 2); got {z.shape}.")
    figure = Figure(figsize=(6.4, 5.6), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    size = float(np.clip(2000 / max(1, len(z)), 2, 20))
    classes = [] if labels is None else list(np.unique(labels))
    if 0 < len(classes) <= _MOST_CLASSES:
        palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
        for k, value in enumerate(classes):
            points = z[labels == value]
            axes.scatter(points[:, 0], points[:, 1], s=size, color=palette(k), label=str(value))
        axes.legend(markerscale=(30 / size) ** 0.5, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        axes.scatter(z[:, 0], z[:, 1], s=size, color="tab:blue")
    axes.set(title=title, xlabel="z₁", ylabel="z₂", aspect="equal")
    axes.grid(alpha=0.3)
    return figure
