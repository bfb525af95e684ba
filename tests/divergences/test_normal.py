"""The VAE's KL term against mpmath, near the prior and far from it."""

import mpmath as mp
import numpy as np
import pytest

from klosed.divergences.normal import kl_standard_normal

POINTS = [0.0, 1e-12, -1e-12, 3e-8, -1e-8, 1e-3, -1e-3, 0.4, -0.9, 2.0, -3.0, 40.0, -60.0]


def exact(loc, log_variance):
    with mp.workdps(60):
        m, v = mp.mpf(float(loc)), mp.mpf(float(log_variance))
        return (mp.expm1(v) - v + m * m) / 2, mp.expm1(v) / 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_value_and_gradient_keep_their_digits(dtype):
    loc, log_variance = (a.ravel().astype(dtype) for a in np.meshgrid(POINTS, POINTS))
    value, grad_loc, grad_log_variance = kl_standard_normal(loc, log_variance)
    assert value.dtype == grad_loc.dtype == grad_log_variance.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    for m, v, got, slope in zip(loc, log_variance, value, grad_log_variance, strict=True):
        true, true_slope = exact(m, v)
        assert abs(mp.mpf(float(got)) - true) <= 4 * eps * true
        assert abs(mp.mpf(float(slope)) - true_slope) <= 4 * eps * abs(true_slope)
    assert np.array_equal(grad_loc, loc)


def test_float32_near_the_prior_is_not_zero():
    """The usual −½(1 + v − μ² − e^v) is exactly zero for half the cases here."""
    log_variance = np.full(100, 1e-4, dtype=np.float32)
    value, _, _ = kl_standard_normal(np.zeros_like(log_variance), log_variance)
    assert value == pytest.approx(np.full(100, 2.5000833e-9), rel=1e-6)
