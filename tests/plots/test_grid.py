"""Every pixel of a grid is where it belongs."""

import numpy as np
import pytest

from klosed.errors import DataError, ShapeError
from klosed.plots import image_grid, to_bytes


def test_pixels_are_enlarged_exactly_and_parted_by_grey_lines():
    images = np.array([[[10, 20], [30, 40]], [[50, 60], [70, 80]]], np.uint8)
    grid = np.asarray(image_grid(images, columns=2, width=11))
    first = [[10, 10, 20, 20], [10, 10, 20, 20], [30, 30, 40, 40], [30, 30, 40, 40]]
    assert grid.shape == (6, 11)
    assert (grid[1:5, 1:5] == first).all()
    assert (grid[1:5, 6:10] == np.array(first) + 40).all()
    for line in (grid[0], grid[-1], grid[:, 0], grid[:, 5], grid[:, -1]):
        assert (line == 128).all()


def test_rows_are_filled_first_and_the_rest_is_white():
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1)
    grid = np.asarray(image_grid(images, columns=3, width=1))
    assert grid[1::2, 1::2].tolist() == [[0, 1, 2], [3, 4, 255]]


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (10, 4), (16, 4), (17, 5)])
def test_the_default_grid_is_nearly_square(n, columns):
    grid = image_grid(np.zeros((n, 1, 1), np.uint8), width=1)
    assert grid.size == (2 * columns + 1, 2 * -(-n // columns) + 1)


def test_colour_is_kept():
    images = np.zeros((2, 3, 3, 3), np.uint8)
    images[1] = (1, 2, 3)
    grid = image_grid(images, columns=2, width=1)
    assert grid.mode == "RGB"
    assert grid.getpixel((5, 1)) == (1, 2, 3)


def test_large_images_are_shown_at_their_own_size():
    assert image_grid(np.zeros((2, 10, 500), np.uint8), width=640).size == (1003, 12)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3), np.uint8),
        np.zeros((0, 3, 3), np.uint8),
        np.zeros((2, 3, 3)),
        np.zeros((2, 3, 3, 2), np.uint8),
    ],
)
def test_anything_else_is_refused(images):
    with pytest.raises(ShapeError, match="images must be bytes of shape"):
        image_grid(images)


def test_brightness_is_linear_and_cut_off():
    x = np.array([[-3.0, -1.0, 0.0, 1.0, 9.0]])
    assert to_bytes(x, -1, 1).tolist() == [[0, 0, 128, 255, 255]]
    every = np.arange(256)
    assert (to_bytes(np.float32(every) / np.float32(255)) == every).all()


def test_brightness_needs_a_range_and_finite_values():
    with pytest.raises(DataError, match="got low 1, high 1"):
        to_bytes(np.zeros(3), 1, 1)
    with pytest.raises(DataError, match="NaN"):
        to_bytes(np.array([np.nan]))
