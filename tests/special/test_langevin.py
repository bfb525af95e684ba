"""log(sinh(x)/x), its derivatives and differences against mpmath, and at the ends."""

import math

import mpmath as mp
import numpy as np
import pytest

from accuracy import fresh_rng
from klosed.special.langevin import (
    langevin,
    langevin_bend,
    langevin_difference,
    langevin_slope,
    log_sinhc,
    log_sinhc_bregman,
)

from .truth import arguments, cases, each, either_sign, errors_in_ulp, scaled, shifted, uniform


def exact(x):
    return mp.log(mp.sinh(x) / x)


def exact_slope(x):
    return mp.coth(x) - 1 / x


def exact_bregman(b, a):
    return exact(b) - exact(a) - exact_slope(a) * (b - a)


def exact_difference(b, a):
    return exact_slope(b) - exact_slope(a)


CENTER, WIDE, TINY = uniform(-4, 4), uniform(-600, 600), either_sign(-10, 2)
ALONE = [("−4 … 4", CENTER), ("−600 … 600", WIDE), ("±(1e-10 … 100)", TINY)]
BESIDE = [
    ("−4 … 4", each(CENTER, CENTER)),
    ("−600 … 600", each(WIDE, WIDE)),
    ("either", each(TINY, WIDE)),
    ("near, −4 … 4", shifted(CENTER)),
    ("near, −600 … 600", shifted(WIDE)),
    ("near, tiny", scaled(TINY)),
]

CASES = [
    *cases(log_sinhc, exact, *((*row, 3, 3) for row in ALONE)),
    *cases(langevin, exact_slope, *((*row, 3, 3) for row in ALONE)),
    *cases(langevin_slope, lambda x: mp.diff(exact_slope, x), *((*row, 4, 4) for row in ALONE)),
    *cases(langevin_bend, lambda x: mp.diff(exact_slope, x, 2), *((*row, 16, 12) for row in ALONE)),
    *cases(langevin_difference, exact_difference, *((*row, 6, 6) for row in BESIDE), digits=120),
    *cases(log_sinhc_bregman, exact_bregman, *((*row, 16, 12) for row in BESIDE), digits=120),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_accuracy(case, dtype):
    drawn = arguments(case, dtype, fresh_rng(), 100)
    returned = case.function(*drawn)
    assert returned.dtype == dtype
    worst = max(errors_in_ulp(case, drawn, returned))
    assert worst[0] <= case.ulp[dtype is np.float32], worst


def test_equal_and_infinite_arguments():
    x = np.array([0.0, 1e-300, -0.3, 2.0, -5.0, 700.0])
    assert np.all(log_sinhc_bregman(x, x) == 0)
    assert np.all(langevin_difference(x, x) == 0)
    assert langevin(math.inf) == 1
    assert langevin(-math.inf) == -1


def test_a_given_difference_is_believed():
    assert float(log_sinhc_bregman(7.0, 7.0, 1e-20)) == pytest.approx(
        0.5e-40 * float(langevin_slope(7.0)), rel=1e-15, abs=0
    )
