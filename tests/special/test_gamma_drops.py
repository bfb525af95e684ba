"""Drops of log Γ's differences against mpmath, from increments far below to far above x."""

import mpmath as mp
import numpy as np
import pytest

from accuracy import fresh_rng
from klosed.special.gamma_drops import (
    digamma_minus_log_drop,
    lgamma_bregman_drop,
    shape_information_drop,
)

from .truth import arguments, cases, errors_in_ulp, signs


def bregman(y, x):
    return mp.loggamma(y) - mp.loggamma(x) - (y - x) * mp.psi(0, x)


def exact_bregman(y, x, s):
    return bregman(y, x) - bregman(y + s, x + s)


def slope(y, x):
    return mp.psi(0, y) - mp.log(y) - mp.psi(0, x) + mp.log(x)


def exact_slope(y, x, s):
    return slope(y, x) - slope(y + s, x + s)


def exact_information(x, s):
    return x * mp.psi(1, x) - (x + s) * mp.psi(1, x + s)


def near(low, high):
    """Draw x in 10**(low, high), y near it, s as small as a Bregman drop wants it."""

    def draw(rng, n):
        x = 10.0 ** rng.uniform(low, high, n)
        y = x * (1 + signs(rng, n) * 10.0 ** rng.uniform(-12, -0.01, n))
        return y, x, np.minimum(x, 1) / 8 * 10.0 ** rng.uniform(-10, -0.01, n)

    return draw


def far(rng, n):
    _, x, s = near(-6, 6)(rng, n)
    return 10.0 ** rng.uniform(-6, 6, n), x, s


def any_increment(low, high):
    def draw(rng, n):
        y, x, _ = near(low, high)(rng, n)
        return y, x, 10.0 ** rng.uniform(-8, 8, n)

    return draw


NEAR = [("x ≈ y, 1e-8 … 1e8", near(-8, 8)), ("x ≈ y, 0.1 … 100", near(-1, 2))]
ANY = [("any s, 1e-8 … 1e8", any_increment(-8, 8)), ("any s, 0.1 … 100", any_increment(-1, 2))]


def of_y_minus_x(function):
    def called(y, x, s):
        return function(y, x, s, y - x)

    called.__name__ = function.__name__
    return called


CASES = [
    *cases(
        of_y_minus_x(lgamma_bregman_drop),
        exact_bregman,
        *((*row, 32, 32) for row in NEAR),
        ("y far from x", far, 64, 64),
        digits=100,
    ),
    *cases(
        of_y_minus_x(digamma_minus_log_drop),
        exact_slope,
        *((*row, 128, 128) for row in (*NEAR, *ANY)),
        digits=100,
    ),
    *cases(
        shape_information_drop,
        exact_information,
        *((name, lambda rng, n, d=draw: d(rng, n)[1:], 128, 128) for name, draw in (*NEAR, *ANY)),
        digits=100,
    ),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_accuracy(case, dtype):
    drawn = arguments(case, dtype, fresh_rng(), 100)
    returned = case.function(*drawn)
    assert returned.dtype == dtype
    worst = max(errors_in_ulp(case, drawn, returned))
    assert worst[0] <= case.ulp[dtype is np.float32], worst


def test_nothing_drops_where_nothing_is_added_or_nothing_differs():
    x, s = np.array([1e-6, 0.3, 7.0, 1e7]), np.array([1e-7, 0.01, 0.1, 0.1])
    for drop in (lgamma_bregman_drop, digamma_minus_log_drop):
        assert np.all(drop(2 * x, x, 0 * s, x) == 0)
        assert np.all(drop(x, x, s, 0 * x) == 0)
    assert np.all(shape_information_drop(x, 0 * s) == 0)
