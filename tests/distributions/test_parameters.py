"""Positive parameters: every name they go by, and ratios that keep their digits."""

import mpmath as mp
import numpy as np
import pytest

from accuracy import fresh_rng
from klosed.distributions._parameters import Positive, PositiveValue

EPS = 2.0**-52
POWERS = {"scale": 1, "variance": 2, "precision": -2}
PARAMETER = Positive("scale", variance=2, precision=-2)
NAMES = PARAMETER.names


def named(name, scale):
    """Return the number that stands for a scale under a name."""
    power = POWERS[name.removeprefix("log_")]
    return power * np.log(scale) if name.startswith("log_") else scale**power


@pytest.mark.parametrize("given", NAMES)
@pytest.mark.parametrize("wanted", NAMES)
def test_each_name_reads_as_every_other(given, wanted):
    scale = np.array([0.3, 2.0])
    bound = PARAMETER.bind(given, named(given, scale))
    assert PARAMETER.read(wanted, bound) == pytest.approx(named(wanted, scale), rel=1e-14)
    if given == wanted:
        assert PARAMETER.read(wanted, bound) is bound.given


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_each_name(name):
    """f = scale³ has the gradient 3 scale³ in log_scale."""
    scale, h = np.array([0.3, 2.0]), 1e-6

    def cube(x):
        return PARAMETER.bind(name, x).value ** 3

    x = named(name, scale)
    got = PARAMETER.chain(name, x, 3 * scale**3)
    assert got == pytest.approx((cube(x + h) - cube(x - h)) / (2 * h), rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("regime", ["near", "ordinary", "extreme"])
def test_ratios_keep_their_digits(name, regime):
    rng = fresh_rng()
    log = name.startswith("log_")
    wide = {"near": 2, "ordinary": 4, "extreme": 300}[regime]
    y = rng.uniform(-wide, wide, 200) if log else 10.0 ** rng.uniform(-wide / 2, wide / 2, 200)
    if regime == "near":
        x = y * (1 + rng.uniform(-1, 1, 200) * 10.0 ** rng.uniform(-12, -1, 200))
    else:
        x = rng.permutation(y)
    one, other = PARAMETER.bind(name, x), PARAMETER.bind(name, y)
    ratio = one / other
    got = (ratio.value, ratio.minus_one, ratio.log, ratio.excess)
    worst = [0.0] * 4
    with mp.workdps(60):
        for i in range(200):
            scales = [_exact(name, v) for v in (x[i], y[i])]
            r = scales[0] / scales[1]
            true = (r, r - 1, mp.log(r), r - 1 - mp.log(r))
            for k in range(4):
                if true[k] and abs(true[k]) < 1e300:
                    worst[k] = max(worst[k], float(abs(mp.mpf(float(got[k][i])) / true[k] - 1)))
    # a difference of logs of a few hundred is rounded to a few hundred ulp of the ratio
    budget = 1e-12 if regime == "extreme" else 16 * EPS
    assert max(worst) <= budget, worst


def _exact(name, value):
    number = mp.exp(mp.mpf(float(value))) if name.startswith("log_") else mp.mpf(float(value))
    return number ** (1 / mp.mpf(POWERS[name.removeprefix("log_")]))


def test_the_log_of_a_ratio_outlives_the_ratio():
    x, y = np.array([1e-200, 1e200]), np.array([1e200, 1e-200])
    with np.errstate(over="ignore"):
        ratio = PositiveValue(x, 1.0, False) / PositiveValue(y, 1.0, False)
        log, excess = ratio.log, ratio.excess
    wanted = np.array([-400, 400]) * np.log(10)
    assert log == pytest.approx(wanted, rel=4 * EPS)
    assert excess[0] == pytest.approx(-1 - wanted[0], rel=4 * EPS)


def test_mixed_names_meet_through_logarithms():
    ratio = PositiveValue(np.array(2.0), 1.0, False) / PositiveValue(np.array(0.0), 0.5, True)
    assert float(ratio.value) == pytest.approx(2.0)


def test_division_reaches_beyond_the_range_of_scales():
    tiny = PositiveValue(np.array([-2000.0, -1000.0, 1000.0, -1000.0]), 1.0, True)
    x = np.array([0.0, 1e-300, 1e300, 1.0])
    with np.errstate(over="ignore", invalid="ignore"):
        got = tiny.divide(x)
    with mp.workdps(40):
        wanted = [float(mp.mpf(1e-300) * mp.exp(1000)), float(mp.mpf(1e300) * mp.exp(-1000))]
    assert got[0] == 0
    assert got[1:3] == pytest.approx(wanted, rel=1e-12)
    assert got[3] == np.inf
