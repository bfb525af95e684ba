"""Scaling: there and back, moments of real tables, columns that are constant or far from zero."""

import numpy as np
import pytest

from klosed.errors import DataError
from klosed.models import Scaling


def test_bytes_become_the_unit_interval():
    x = np.arange(256, dtype=np.uint8)[None]
    for dtype in (np.float32, np.float64):
        scaled = Scaling.bytes().apply(x, dtype)
        assert scaled.dtype == dtype
        np.testing.assert_allclose(scaled[0], np.arange(256) / 255, rtol=2 * np.finfo(dtype).eps)
        assert scaled.max() <= 1
    back = Scaling.bytes().invert(Scaling.bytes().apply(x, np.float64))
    np.testing.assert_array_equal(np.rint(back), x)


def test_standardized_columns_have_mean_0_and_deviation_1():
    x = np.random.default_rng(0).normal([1e9, -3, 0], [2, 1e-6, 1e6], (70_000, 3))
    scaling = Scaling.standardize(x)
    scaled = scaling.apply(x, np.float64)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-9)
    np.testing.assert_allclose(scaling.invert(scaled), x, rtol=1e-12)


def test_float32_does_not_lose_a_column_far_from_zero():
    x = 1e9 + np.arange(8.0)[:, None]
    scaled = Scaling.standardize(x).apply(x, np.float32)
    np.testing.assert_allclose(np.diff(scaled[:, 0]), 1 / x.std(), rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, -1e-300])
def test_a_constant_column_becomes_zero(value):
    x = np.full((1001, 1), value)
    scaling = Scaling.standardize(x)
    assert np.abs(scaling.apply(x, np.float64)).max() <= 1e-6
    assert scaling.scale[0] == 1


def test_none_and_no_rows():
    x = np.ones((2, 2), np.float32)
    assert Scaling.none().apply(x, np.float32) is x
    assert Scaling.none().invert(x) is x
    with pytest.raises(DataError, match="zero rows"):
        Scaling.standardize(np.ones((0, 3)))
