"""PNG files as bytes, ready to be written atomically."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["png_bytes"]


def png_bytes(picture: Image | Figure) -> bytes:
    """Return `picture`, from Pillow or Matplotlib, as the bytes of a PNG file."""
    buffer = io.BytesIO()
    if hasattr(picture, "savefig"):
        picture.savefig(buffer, format="png")
    else:
        picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
