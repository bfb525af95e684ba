"""Folders of pictures: modes, classes, parts, and files that are not what they seem."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from klosed.datasets import load_dataset
from klosed.errors import DataError, FileFormatError

GREY = np.random.default_rng(0).integers(0, 256, (2, 5, 4), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def _save(array, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "PNG"])
def test_grey_pictures_come_back_exactly_in_the_order_of_names(tmp_path, suffix):
    for name, array in zip("ba", GREY, strict=True):
        _save(array, tmp_path / f"{name}.{suffix}")
    (tmp_path / "notes.txt").write_text("ignored")
    (tmp_path / ".hidden.png").write_text("ignored")
    data = load_dataset(tmp_path).train
    assert data.image_shape == (5, 4)
    assert data.labels is None
    np.testing.assert_array_equal(data.x, GREY[::-1].reshape(2, 20))


@pytest.mark.parametrize(("suffix", "options"), [("png", {}), ("webp", {"lossless": True})])
def test_colours_come_back_exactly(tmp_path, suffix, options):
    _save(COLOUR, tmp_path / f"a.{suffix}", **options)
    data = load_dataset(tmp_path).train
    assert data.image_shape == (5, 4, 3)
    np.testing.assert_array_equal(data.x[0], COLOUR.ravel())


def test_jpeg_is_read(tmp_path):
    _save(np.full((8, 8), 77, np.uint8), tmp_path / "a.jpg")
    assert np.abs(load_dataset(tmp_path).train.x.astype(int) - 77).max() <= 1


def test_one_colour_picture_makes_all_colour(tmp_path):
    _save(GREY[0], tmp_path / "a.png")
    _save(COLOUR, tmp_path / "b.png")
    data = load_dataset(tmp_path).train
    np.testing.assert_array_equal(data.x[0].reshape(5, 4, 3)[..., 1], GREY[0])
    np.testing.assert_array_equal(data.x[1], COLOUR.ravel())


def test_palettes_and_transparency_are_resolved(tmp_path):
    Image.fromarray(COLOUR).quantize(200).save(tmp_path / "a.png")
    opaque = np.dstack([COLOUR, np.full((5, 4), 9, np.uint8)])
    _save(opaque, tmp_path / "b.png")
    data = load_dataset(tmp_path).train
    np.testing.assert_array_equal(data.x, np.stack([COLOUR.ravel()] * 2))


def test_one_bit_pictures_are_black_and_white(tmp_path):
    Image.fromarray(GREY[0] > 127).save(tmp_path / "a.png")
    data = load_dataset(tmp_path).train
    np.testing.assert_array_equal(data.x[0].reshape(5, 4), np.where(GREY[0] > 127, 255, 0))


def test_subfolders_are_classes(tmp_path):
    for folder, array in (("dog", GREY[0]), ("cat", GREY[1]), ("dog", GREY[1])):
        _save(array, tmp_path / folder / f"{array[0, 0]}.png")
    (tmp_path / "empty").mkdir()
    data = load_dataset(tmp_path).train
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 1]
    assert load_dataset(tmp_path, classes=["cat"]).train.x.tolist() == [GREY[1].ravel().tolist()]


def test_train_and_test_subfolders_are_parts_with_the_same_class_numbers(tmp_path):
    for folder in ("train/cat", "train/dog", "test/dog"):
        _save(GREY[0], tmp_path / folder / "a.png")
    data = load_dataset(tmp_path)
    assert data.train.labels.tolist() == [0, 1]
    assert data.test.labels.tolist() == [1]
    assert data.test.classes == ("dog",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": GREY[0], "b.png": GREY[0].T}, r"b\.png: .* got 5×4 here and 4×5 in .*a\.png"),
        ({"a.png": GREY[0], "dog/b.png": GREY[0]}, r"got both \(a\.png and dog/\)"),
        ({"a.png": GREY[0].astype(np.uint16) * 256}, "8 bits a channel; got mode I;16"),
        ({"train/a.png": GREY[0], "test/a.txt": None}, "both train and test must hold"),
        ({"a.txt": None}, r"or pictures .* got a\.txt"),
        ({}, "got an empty folder"),
    ],
)
def test_folders_that_cannot_be_read(tmp_path, files, message):
    for name, array in files.items():
        if array is None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("text")
        else:
            _save(array, tmp_path / name)
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


def test_animations_are_refused(tmp_path):
    frames = [Image.fromarray(array) for array in GREY]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(FileFormatError, match="one picture; got several frames"):
        load_dataset(tmp_path)


def test_other_formats_under_a_picture_name_are_refused(tmp_path):
    _save(COLOUR, tmp_path / "a.png", format="TIFF")
    with pytest.raises(FileFormatError, match=r"a\.png: not a readable picture"):
        load_dataset(tmp_path)


def test_a_truncated_picture_is_named(tmp_path):
    _save(GREY[0], tmp_path / "a.png")
    _save(GREY[1], tmp_path / "b.png")
    content = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match=r"b\.png: not a readable picture"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("side", "message"),
    [(20_000, "decompression bomb"), (4097, "at most 16,777,216 pixels; got 4097×4097")],
)
def test_a_small_file_cannot_ask_for_a_huge_picture(tmp_path, side, message):
    _save(GREY[0], tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        load_dataset(tmp_path)


def test_pictures_that_exceed_memory_together_are_refused(tmp_path, monkeypatch):
    for name in "ab":
        _save(np.zeros((40, 40), np.uint8), tmp_path / f"{name}.png")
    monkeypatch.setattr("klosed.datasets._guards._physical_memory", lambda: 3199)
    with pytest.raises(DataError, match="needs 3,200 bytes of memory"):
        load_dataset(tmp_path)


def test_a_chunk_cannot_ask_for_more_than_the_file_holds(tmp_path):
    _save(GREY[0], tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    length = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:length] + b"\x7f" + content[length + 1 :])
    tracemalloc.start()
    data = load_dataset(tmp_path).train  # Pillow has all pixels before it misses the rest
    np.testing.assert_array_equal(data.x[0], GREY[0].ravel())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
