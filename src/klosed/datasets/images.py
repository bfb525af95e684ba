"""A folder of pictures, read with Pillow: subfolders are classes.

Imports only klosed.errors and its neighbours; Pillow loads when a folder is read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from klosed.datasets._guards import reading, require_fits
from klosed.datasets.dataset import Dataset
from klosed.errors import DataError, FileFormatError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["image_folder"]

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
_GREY = ("1", "L", "LA")
_MOST_PIXELS = 1 << 24  # headers of small files may promise more than anyone can train on
_DEEP = ("I", "F")  # and "I;16" and the like: more than a byte a channel


def image_folder(folder: Path) -> tuple[Dataset, Dataset | None] | None:
    """Read the pictures of a folder, in the order of their names.

    Pictures lie directly in the folder (no labels), or in subfolders whose names are the
    classes; a folder that holds `train` and `test` subfolders has a test part. When one
    picture has colours all become RGB, otherwise grey; palettes are resolved and
    transparency is dropped.

    Returns
    -------
    (train, test) or None
        None when there is no picture.

    Raises
    ------
    FileFormatError
        A picture is damaged, too large, or holds several frames or more than 8 bits a channel.
    DataError
        Two pictures differ in size.
    """
    parts = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    if {"train", "test"} <= parts.keys():
        train, test = (
            _read_part(parts[part], f"{folder.name}/{part}") for part in ("train", "test")
        )
        if train is None or test is None:
            raise DataError(f"{folder}: both train and test must hold pictures.")
        return train, test
    train = _read_part(folder, folder.name)
    return None if train is None else (train, None)


def _read_part(folder: Path, name: str) -> Dataset | None:
    classes = {
        sub.name: found for sub in _visible(folder) if sub.is_dir() and (found := _pictures(sub))
    }
    paths = _pictures(folder)
    if paths and classes:
        raise DataError(
            f"{folder}: must hold pictures either directly or in one subfolder a class; got both "
            f"({paths[0].name} and {next(iter(classes))}/)."
        )
    if not paths and not classes:
        return None
    codes = [code for code, found in enumerate(classes.values()) for _ in found]
    paths = paths or [path for found in classes.values() for path in found]
    return Dataset.from_array(
        _read_all(paths),
        codes or None,
        name=name,
        class_names=tuple(classes) or None,
    )


def _visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]


def _pictures(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.suffix.lower() in _SUFFIXES]


def _read_all(paths: Sequence[Path]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Decode pictures of one size into (n, height, width) or, in colour, (n, height, width, 3)."""
    size, colour = None, False
    for path in paths:
        with _opened(path) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise FileFormatError(
                    f"{path}: pictures must have at most {_MOST_PIXELS:,} pixels; got "
                    f"{picture.width}×{picture.height}. Resize them."
                )
            if picture.mode.startswith(_DEEP):
                raise FileFormatError(
                    f"{path}: pictures must have 8 bits a channel; got mode {picture.mode}. Save "
                    "deeper data as .npy."
                )
            if getattr(picture, "n_frames", 1) > 1:
                raise FileFormatError(f"{path}: must hold one picture; got several frames.")
            size = size or picture.size
            if picture.size != size:
                raise DataError(
                    f"{path}: pictures must all have one size; got {picture.width}×"
                    f"{picture.height} here and {size[0]}×{size[1]} in {paths[0]}. Resize them."
                )
            colour = colour or _has_colours(picture)
    width, height = size or (0, 0)
    shape = (len(paths), height, width, 3) if colour else (len(paths), height, width)
    require_fits(paths[0].parent, int(np.prod(shape, dtype=object)))
    pixels = np.empty(shape, np.uint8)
    for i, path in enumerate(paths):
        with _opened(path) as picture:
            pixels[i] = np.asarray(picture.convert("RGB" if colour else "L"))
    return pixels


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    from PIL import Image, UnidentifiedImageError

    with reading(path, "picture"):
        require_fits(path, path.stat().st_size)
        # In memory a chunk's length cannot ask for more than there is; of a file it can.
        content = io.BytesIO(path.read_bytes())
        try:
            picture = Image.open(content, formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise FileFormatError(
                f"{path}: not a readable picture: it is none of {', '.join(_FORMATS)}. The file "
                "may be damaged, or not what its name says."
            ) from error
        with picture:
            yield picture


def _has_colours(picture: Image.Image) -> bool:
    if picture.mode == "P":  # GIF keeps grey pictures so: only the palette tells
        pixels = np.asarray(picture.convert("RGB"))
        return bool((pixels != pixels[..., :1]).any())
    return picture.mode not in _GREY
