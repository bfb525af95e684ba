"""What Hankel's leading term leaves of log I_ν, against mpmath."""

import mpmath as mp
import numpy as np
import pytest
import torch

from accuracy import fresh_rng
from klosed.errors import ParameterError
from klosed.special.bessel_remainder import log_bessel_remainder


def exact(x, order):
    with mp.workdps(40):
        x = mp.mpf(float(x))
        return mp.log(mp.sqrt(2 * mp.pi * x) * mp.exp(-x) * mp.besseli(order, x))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [0.0, 0.5, 1.0, 1.5, 7.5, 30.0])
def test_the_remainder_keeps_its_digits_for_large_arguments(order, dtype):
    rng, eps = fresh_rng(), float(np.finfo(dtype).eps)
    far = 22 + order * order / 4
    x = np.concatenate([10.0 ** rng.uniform(-2, 1.3, 30), far * 10.0 ** rng.uniform(0, 6, 30)])
    x = x.astype(dtype)
    got = log_bessel_remainder(x, order)
    assert got.dtype == dtype
    for at, value in zip(x, got, strict=True):
        true = exact(at, order)
        # order ½ has no powers of 1/x, only exp(−2x), which is left out
        off = abs(mp.mpf(float(value)) - true)
        budget = 40 * abs(true) + 1e-2 / at if at >= far else 16 * (1 + order) + abs(true)
        assert off <= eps * budget, (at, value)


def test_its_derivative_is_the_closed_form():
    x = torch.tensor([0.3, 5.0, 40.0, 1e5], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(log_bessel_remainder(x, 1.0).sum(), x)
    true = []
    for at in x.tolist():
        above, below = exact(at * (1 + 2.0**-20), 1), exact(at * (1 - 2.0**-20), 1)
        true.append(float((above - below) / (at * 2.0**-19)))
    assert slope.numpy() == pytest.approx(np.array(true), rel=1e-7)


def test_a_negative_order_is_refused():
    with pytest.raises(ParameterError, match="order must be a finite number >= 0; got -1"):
        log_bessel_remainder(1.0, -1.0)
