"""φ, ψ and their two-argument forms at their poles, roots and far ends."""

import math

import numpy as np
import pytest

from klosed.errors import ArrayKindError
from klosed.special import bd0, log1mexp, log_ratio, logexpm1, phi, phi_ratio, psi

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (phi, [0.0, -0.0, -1.0, INF, -2.0, NAN], [0.0, 0.0, INF, INF, NAN, NAN]),
        (psi, [0.0, -0.0, -INF, INF, NAN], [0.0, 0.0, INF, INF, NAN]),
        (log1mexp, [0.0, INF, NAN], [-INF, 0.0, NAN]),
        (logexpm1, [0.0, INF, NAN], [-INF, INF, NAN]),
    ],
)
def test_ends(function, x, expected, dtype):
    np.testing.assert_array_equal(function(np.array(x, dtype=dtype)), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("x", "m", "deviance", "excess", "logarithm"),
    [
        (0.0, 2.0, 2.0, INF, -INF),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (2.0, 0.0, INF, INF, INF),
        (3.0, 3.0, 0.0, 0.0, 0.0),
        (NAN, 1.0, NAN, NAN, NAN),
    ],
)
def test_ends_of_two_arguments(x, m, deviance, excess, logarithm, dtype):
    x, m = np.array([x], dtype=dtype), np.array([m], dtype=dtype)
    assert bd0(x, m).tolist() == pytest.approx([deviance], nan_ok=True, abs=0, rel=1e-6)
    if m[0] or x[0]:
        assert phi_ratio(x, m).tolist() == pytest.approx([excess], nan_ok=True, abs=0)
    assert log_ratio(x, m).tolist() == pytest.approx([logarithm], nan_ok=True, abs=0)


def test_ratios_beyond_the_range_of_the_dtype():
    assert float(log_ratio(1e-300, 1e300)) == pytest.approx(-600 * math.log(10), rel=1e-15)
    assert float(phi_ratio(1e-300, 1e300)) == pytest.approx(600 * math.log(10) - 1, rel=1e-15)
    assert float(bd0(1e-300, 1e300)) == 1e300


def test_a_given_difference_keeps_what_subtraction_loses():
    # x and m round to the same number, their difference is known
    assert float(bd0(1.0, 1.0, 1e-20)) == pytest.approx(5e-41, rel=1e-15)
    assert float(phi_ratio(1.0, 1.0, 1e-20)) == pytest.approx(5e-41, rel=1e-15)
    assert float(log_ratio(1.0, 1.0, 1e-20)) == pytest.approx(1e-20, rel=1e-15)


def test_plain_numbers_integers_and_broadcasting():
    assert float(phi(1)) == pytest.approx(1 - math.log(2), rel=1e-15)
    assert psi(np.arange(3)).dtype == np.float64
    assert bd0(np.ones((3, 1)), np.ones(4)).shape == (3, 4)
    with pytest.raises(ArrayKindError, match="x must be real numbers"):
        phi("one")


def test_blocks_give_what_single_elements_give():
    rng = np.random.default_rng(3)
    x, m = rng.uniform(0.1, 5, (70_000, 3)), rng.uniform(0.1, 5, 3)
    whole = bd0(x, m)
    assert whole.shape == x.shape
    rows = rng.integers(70_000, size=50)
    np.testing.assert_array_equal(whole[rows], bd0(x[rows], m))
    assert bd0(x[:, 0], 2.0)[-1] == bd0(x[-1, 0], 2.0)
