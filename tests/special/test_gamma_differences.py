"""Differences of log Γ at equal arguments, at the ends, and beyond what floats can subtract."""

import math

import numpy as np
import pytest

from accuracy import fresh_rng
from klosed.special import (
    bd0,
    digamma_difference,
    digamma_minus_log_difference,
    gamma_shape_bregman,
    lgamma,
    lgamma_bregman,
    lgamma_difference,
    stirling_bregman,
    trigamma,
)

ALL = [
    digamma_difference,
    digamma_minus_log_difference,
    gamma_shape_bregman,
    lgamma_bregman,
    lgamma_difference,
    stirling_bregman,
]
BREGMAN = [gamma_shape_bregman, lgamma_bregman, stirling_bregman]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("function", ALL)
def test_zero_where_equal(function, dtype):
    x = np.array([1e-8, 0.5, 1.0, 1.25, 7.0, 1e8], dtype=dtype)
    assert function(x, x).tolist() == [0.0] * x.size


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("function", BREGMAN)
def test_never_negative(function, dtype):
    rng = fresh_rng()
    x = (10.0 ** rng.uniform(-6, 6, 20_000)).astype(dtype)
    y = (x * (1 + 10.0 ** rng.uniform(-15, 1, x.size) * rng.choice([-1, 1], x.size))).astype(dtype)
    value = function(np.abs(y), x)
    slack = 0.0 if function is not stirling_bregman else 1e-12
    assert np.all(value >= -slack * value.max())


@pytest.mark.parametrize("size", [1e-300, 1e30, 1e150, 1e300])
def test_nothing_overflows(size):
    far, near = np.array([size * 3.0]), np.array([size])
    for function in ALL:
        assert np.all(np.isfinite(function(far, near))), function
        assert np.all(np.isfinite(function(near, far))), function
    assert np.isfinite(lgamma_bregman(1.0, size))


def test_float32_does_not_overflow_where_powers_of_the_argument_would():
    x = np.array([1e4, 1e6, 1e7, 1e10, 1e30], dtype=np.float32)
    for function in ALL:
        double = function(x.astype(np.float64) * 1.25, x.astype(np.float64))
        assert function(x * np.float32(1.25), x) == pytest.approx(double, rel=2e-6)


def test_against_each_other():
    # three ways to the same number: the whole, its largest part and the rest, the direct formula
    assert float(lgamma_bregman(7.0, 2.0)) == pytest.approx(
        float(bd0(7.0, 2.0) + gamma_shape_bregman(7.0, 2.0)), rel=1e-15
    )
    assert float(lgamma_difference(7.0, 2.0)) == pytest.approx(math.log(720), rel=1e-15)
    assert float(lgamma_bregman(3.0, 1.0)) == pytest.approx(
        math.log(2) + 2 * 0.5772156649015329, rel=1e-15
    )
    assert float(lgamma_difference(0.0, 1.0)) == math.inf
    assert float(lgamma(3.0)) == pytest.approx(math.log(2), rel=1e-15)


def test_a_given_difference_keeps_what_subtraction_loses():
    x, d = 5.0, 1e-20
    assert float(digamma_difference(x, x, d)) == pytest.approx(d * float(trigamma(x)), rel=1e-15)
    assert float(lgamma_bregman(x, x, d)) == pytest.approx(
        0.5 * d * d * float(trigamma(x)), rel=1e-15
    )
