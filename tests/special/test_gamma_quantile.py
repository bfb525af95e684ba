"""Quantiles of the gamma distribution, and their gradients, against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from klosed.special import gamma_quantile, log_gamma_quantile
from klosed.special.gamma_quantile import _LOG_QUANTILE

SHAPES = [1e-8, 1e-3, 0.2, 0.9, 1.0, 1.1, 4.0, 60.0, 3e3]
PROBABILITIES = [1e-200, 1e-12, 0.01, 0.3, 0.5, 0.77, 0.99, 1 - 1e-10]


def quantile(alpha, u, log_x):
    """Return log x with P(α, x) = u, from a value nearby, and the density of log x there."""
    for _ in range(8):
        x = mp.exp(log_x)
        density = mp.exp(alpha * log_x - x - mp.loggamma(alpha))
        step = (mp.gammainc(alpha, 0, x, regularized=True) - u) / density
        log_x -= step
        if abs(step) < mp.mpf(10) ** -35 * (1 + abs(log_x)):
            return log_x, density
    raise AssertionError("not near a quantile")


@pytest.mark.parametrize("alpha", SHAPES)
def test_quantile_and_gradient_agree_with_mpmath(alpha):
    for u in PROBABILITIES:
        value, (by_alpha, by_u) = _LOG_QUANTILE.value_and_grad(np.array(alpha), np.array(u))
        with mp.workdps(50):
            a, p, near = mp.mpf(alpha), mp.mpf(u), mp.mpf(float(value))
            true, density = quantile(a, p, near)
            h = a * mp.mpf(10) ** -15
            slope = (quantile(a + h, p, near)[0] - quantile(a - h, p, near)[0]) / (2 * h)
            # what a rounding of u or of 1 − u, whichever is smaller, makes of it
            spread = min(p, 1 - p) / density
            assert abs(value - true) <= 2e-14 * (1 + abs(true)) + 1e-15 * spread, u
            # at 1 − 1e-10 the difference of 1 and u has lost digits before it arrives here
            assert abs(by_alpha / slope - 1) <= 1e-12, u
            assert abs(by_u * density - 1) <= 1e-11, u


@pytest.mark.parametrize("u", [1e-9, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("alpha", [1e5, 1e8])
def test_quantiles_of_large_shapes_have_the_mass_below_them(alpha, u):
    x = float(gamma_quantile(alpha, u))
    with mp.workdps(40):
        a, end = mp.mpf(alpha), mp.mpf(x) / mp.mpf(alpha)
        peak = a * mp.log(a) - a - mp.loggamma(a)
        spots = [1 + k / mp.sqrt(a) for k in range(-12, 12)]
        # the density of t = x/α
        mass = mp.quad(
            lambda t: mp.exp(peak - a * (t - 1 - mp.log(t))) / t,
            [*(s for s in spots if s < end), end],
        )
    assert float(mass) == pytest.approx(u, rel=1e-9)


def test_both_names_and_precisions_agree():
    alpha, u = np.array([1e-3, 0.5, 3.0, 1e4]), np.array([0.9, 0.1, 0.5, 0.999])
    log_x = log_gamma_quantile(alpha, u)
    np.testing.assert_allclose(np.log(gamma_quantile(alpha, u)), log_x, rtol=1e-13)
    single = log_gamma_quantile(alpha.astype(np.float32), u.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, log_x, rtol=1e-3, atol=1e-5)


def test_ends_are_the_next_numbers_inside():
    x = gamma_quantile(2.0, np.array([0.0, 1.0]))
    assert np.all(np.isfinite(x))
    assert 0.0 < x[0] < 1e-100
    assert x[1] > 30.0
