"""Grids of small images, pixel for pixel. Pillow only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from klosed.errors import DataError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["image_grid", "to_bytes"]

Array = NDArray[Any]
_SEPARATOR = 128  # grey: seen beside black and white


def to_bytes(x: Array, low: float = 0.0, high: float = 1.0) -> NDArray[np.uint8]:
    """Return brightness as bytes: `low` becomes 0, `high` 255, what lies beyond is cut off.

    Examples
    --------
    >>> to_bytes(np.array([-1.0, 0.0, 0.5, 1.0, 7.0]))
    array([  0,   0, 128, 255, 255], dtype=uint8)
    """
    if not high > low:
        raise DataError(f"high must be greater than low; got low {low:g}, high {high:g}.")
    if not np.isfinite(x).all():
        raise DataError("an image must not hold NaN or infinite values.")
    unit = (np.asarray(x, np.float64) - low) / (high - low)
    return np.rint(np.clip(unit, 0.0, 1.0) * 255.0).astype(np.uint8)


def image_grid(images: Array, *, columns: int | None = None, width: int = 640) -> Image:
    """Return `images` side by side as one picture, row by row.

    Each pixel becomes a square of whole pixels (nearest neighbour, never smoothed), as large as
    lets the grid stay within about `width` pixels; grey lines part neighbours. Places left over
    in the last row are white.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    columns : int, optional
        By default as near to a square as n allows.
    width : int, default 640
        Width to aim at, in pixels. Images too large for it are shown at their own size.

    Returns
    -------
    PIL.Image.Image
        Mode "L" for grey images, "RGB" for coloured ones.

    Raises
    ------
    ShapeError
        The array is not a non-empty stack of images of bytes.

    Examples
    --------
    >>> import numpy as np
    >>> image_grid(np.zeros((5, 8, 8), np.uint8), width=100).size
    (76, 51)
    """
    from PIL import Image

    grey = images.ndim == 3
    if images.dtype != np.uint8 or images.size == 0 or not (grey or images.shape[3:] == (3,)):
        raise ShapeError(
            "images must be bytes of shape (n, height, width) or (n, height, width, 3), n >= 1; "
            f"got {images.dtype} of shape {images.shape}."
        )
    n, h, w = images.shape[:3]
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    # The gap grows with the pixels, or large pixels would hide it.
    zoom = max(1, int((width - 1) / (columns * (w + 0.5))))
    gap = min(4, max(1, zoom // 2))
    h, w = h * zoom, w * zoom
    large = images.repeat(zoom, axis=1).repeat(zoom, axis=2)
    shape = (rows * (h + gap) + gap, columns * (w + gap) + gap, *images.shape[3:])
    canvas = np.full(shape, _SEPARATOR, np.uint8)
    for place in range(rows * columns):
        top, left = place // columns * (h + gap) + gap, place % columns * (w + gap) + gap
        canvas[top : top + h, left : left + w] = large[place] if place < n else 255
    return Image.fromarray(canvas)
