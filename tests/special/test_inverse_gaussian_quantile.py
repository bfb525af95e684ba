"""Quantiles of the inverse Gaussian distribution, and their gradients, against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from klosed.special import inverse_gaussian_quantile
from klosed.special.inverse_gaussian_quantile import _ROOT

SHAPES = [1e-12, 1e-4, 0.03, 0.5, 1.0, 3.0, 50.0, 1e4, 1e12]
NOISE = [-20.0, -5.0, -1.3, -1e-3, 0.0, 1e-9, 0.4, 1.0, 3.0, 5.0, 8.0, 20.0]


def masses(y, phi):
    """Return the mass below y and that above it."""
    root, y = mp.sqrt(phi), mp.sqrt(y)
    a, b = root * (y - 1 / y), root * (y + 1 / y)
    beyond = mp.exp(2 * phi) * mp.ncdf(-b)
    return mp.ncdf(a) + beyond, mp.ncdf(-a) - beyond


@pytest.mark.parametrize("shape", SHAPES)
def test_quantile_and_gradient_agree_with_mpmath(shape):
    for z in NOISE:
        value, (by_phi, by_z) = _ROOT.value_and_grad(np.array(shape), np.array(z))
        # exp(2φ) and the mass beyond b nearly cancel their powers of e, not of digits
        with mp.workdps(120):
            phi, a = mp.mpf(shape), mp.mpf(float(value))
            y = mp.exp(2 * mp.asinh(a / (2 * mp.sqrt(phi))))
            side = int(z > 0)
            sign = 1 - 2 * side
            target = mp.ncdf(-abs(mp.mpf(z)))
            density = mp.sqrt(phi / (2 * mp.pi * y)) * mp.exp(-phi * (y - 1) ** 2 / (2 * y))
            error = sign * (masses(y, phi)[side] - target) / density  # of log y
            assert abs(error) <= 2e-14 * min(1, 1 / mp.sqrt(phi)), z
            step = phi * mp.mpf(10) ** -30
            moved = masses(y, phi + step)[side] - masses(y, phi - step)[side]
            slope = -sign * moved / (2 * step) / density  # of log y in φ
            # a moves with y, and with φ at a given y
            b = mp.sqrt(a * a + 4 * phi)
            assert abs(by_phi / (b / 2 * slope + a / (2 * phi)) - 1) <= 1e-13, z
            assert abs(by_z / (b / 2 * mp.npdf(z) / density) - 1) <= 1e-13, z


def test_quantiles_are_those_of_scipy():
    shape, z = np.array([0.2, 1.0, 7.0])[:, None], np.array([-2.0, -0.1, 1.5])
    theirs = stats.invgauss(1.0 / shape, scale=shape).ppf(stats.norm.cdf(z))
    np.testing.assert_allclose(inverse_gaussian_quantile(shape, z), theirs, rtol=1e-8)


def test_float32_stays_float32():
    rng = np.random.default_rng(2)
    phi = np.float32(10.0) ** rng.uniform(-8, 8, 500).astype(np.float32)
    z = (2.0 * rng.standard_normal(500)).astype(np.float32)
    y = inverse_gaussian_quantile(phi, z)
    assert y.dtype == np.float32
    exact = np.log(inverse_gaussian_quantile(phi.astype(float), z.astype(float)))
    np.testing.assert_allclose(np.log(y.astype(float)), exact, atol=2e-6, rtol=5e-7)


def test_extreme_shapes_and_noise_leave_finite_numbers():
    shape, z = np.meshgrid([1e-300, 1e-100, 1.0, 1e100, 1e300], [-38.0, -1.0, 0.0, 1.0, 38.0])
    value, gradient = _ROOT.value_and_grad(shape, z)
    assert np.all(np.isfinite(value))
    assert all(np.all(np.isfinite(g) & (g >= 0.0)) for g in gradient)
    assert np.all(np.diff(value, axis=0) > 0)
