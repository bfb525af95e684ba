"""Whole numbers at an address act as NumPy's arrays do, for what compiled code does with them."""

import numpy as np
import pytest

pytest.importorskip("numba")

from numba import njit

from klosed.engines.fused._intrinsics import grid, view
from klosed.engines.fused._network import address
from klosed.engines.fused._tables import WHOLE, Layer

INDICES = [np.int64(3), np.int32(3), np.uint8(200), np.int8(5), Layer.WEIGHT]


@pytest.mark.parametrize("index", INDICES, ids=lambda index: type(index).__name__)
def test_numbers_are_read_and_written_where_they_lie(index):
    numbers = np.arange(1000, 1256)
    expected = numbers.copy()
    expected[index] = -7

    @njit
    def swap(at, n, index):
        own = view(at, n, WHOLE)
        before = own[index]
        own[index] = -7
        return before, len(own)

    found = swap(address(numbers), len(numbers), index)
    assert found == (1000 + int(index), 256)
    np.testing.assert_array_equal(numbers, expected)


@pytest.mark.parametrize("row", [np.int64(2), np.int32(2), np.uint8(2)], ids=str)
def test_rows_and_their_numbers(row):
    table = np.arange(35).reshape(5, 7)

    @njit
    def read(at, row):
        rows = grid(at, 5, 7, WHOLE)
        line = rows[row]
        return len(rows), len(line), line[Layer.WEIGHT], rows[row, 6], rows[row, Layer.N_OUT]

    assert read(address(table), row) == (5, 7, 17, 20, 15)


@pytest.mark.parametrize("part", [(0, 6), (2, 4), (3, 99), (4, 2)], ids=str)
def test_places_are_filled_and_none_beyond(part):
    numbers = np.arange(10)
    expected = numbers.copy()
    expected[:6][slice(*part)] = 1

    @njit
    def fill(at, start, stop):
        view(at, 6, WHOLE)[start:stop] = 1

    fill(address(numbers), *part)
    np.testing.assert_array_equal(numbers, expected)


def test_all_places_are_filled():
    numbers = np.arange(10)

    @njit
    def fill(at):
        view(at, 6, WHOLE)[:] = 1

    fill(address(numbers))
    assert numbers.tolist() == [1] * 6 + [6, 7, 8, 9]
