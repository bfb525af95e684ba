"""Bessel functions of directions where they have a closed form, at the ends, and bad orders."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import torch

from accuracy import fresh_rng
from klosed.errors import ParameterError
from klosed.special import (
    bessel_complement,
    bessel_ratio,
    bessel_ratio_difference,
    bessel_slope,
    log_bessel,
    log_bessel_bregman,
    log_bessel_scaled,
)

ORDERS = [0.0, 0.5, 7.0, 15.0, 40.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ORDERS)
def test_ends(order, dtype):
    x = np.array([0.0, np.inf, np.nan], dtype=dtype)
    assert log_bessel(x[:1], order).tolist() == [0.0]
    assert bessel_ratio(x[:1], order).tolist() == [0.0]
    assert bessel_complement(x[:1], order).tolist() == [1.0]
    assert bessel_slope(x[:1], order).tolist() == pytest.approx([0.5 / (order + 1)], rel=1e-6)
    assert np.isnan(log_bessel(x[2:], order)).all()
    assert log_bessel_bregman(x[:1], x[:1], order).tolist() == [0.0]


@pytest.mark.parametrize("x", [1e-3, 1.0, 30.0])
def test_order_one_half_is_elementary(x):
    # I_½(x) = √(2/(πx)) sinh(x)
    assert float(log_bessel(x, 0.5)) == pytest.approx(math.log(math.sinh(x) / x), rel=1e-9)
    assert float(bessel_ratio(x, 0.5)) == pytest.approx(1 / math.tanh(x) - 1 / x, rel=1e-9)


def test_every_half_integer_order_keeps_its_digits_at_large_x():
    # Hankel's series may have a term of 0: for 5/2, which directions in R⁷ have, the fourth
    for order in np.arange(0.0, 12.5, 0.5).tolist():
        x = 22.5 + order * order / 4.0
        with mp.workdps(30):
            scaled = mp.hyp0f1(order + 1, mp.mpf(x) ** 2 / 4) * mp.exp(-x)
            ratio = mp.besseli(order + 1, x) / mp.besseli(order, x)
            expected = float(mp.log(scaled)), float(1 - ratio)
        got = float(log_bessel_scaled(x, order)), float(bessel_complement(x, order))
        assert got == pytest.approx(expected, rel=8e-15, abs=0), order


@pytest.mark.parametrize("order", ORDERS)
def test_series_at_zero(order):
    # G = x²/(4(ν + 1)) − x⁴/(32(ν + 1)²(ν + 2)) + …
    x = 1e-4
    assert float(log_bessel(x, order)) == pytest.approx(
        x**2 / (4 * (order + 1)) * (1 - x**2 / (8 * (order + 1) * (order + 2))), rel=1e-15, abs=0
    )
    assert float(log_bessel_bregman(x, 0.0, order)) == pytest.approx(
        float(log_bessel(x, order)), rel=1e-15, abs=0
    )


@pytest.mark.parametrize("order", ORDERS)
def test_never_negative_and_zero_where_equal(order):
    rng = fresh_rng()
    x = 10.0 ** rng.uniform(-6, 8, 2000)
    y = x * (1 + rng.choice([-0.9, 1], x.size) * 10.0 ** rng.uniform(-15, 0, x.size))
    assert np.all(log_bessel_bregman(y, x, order) >= 0)
    assert not np.any(log_bessel_bregman(x, x, order))
    assert not np.any(bessel_ratio_difference(x, x, order))


def test_a_given_difference_keeps_what_subtraction_loses():
    slope = float(bessel_slope(3.0, 1.0))
    assert float(bessel_ratio_difference(3.0, 3.0, 1.0, 1e-20)) == pytest.approx(
        1e-20 * slope, rel=1e-14, abs=0
    )
    assert float(log_bessel_bregman(3.0, 3.0, 1.0, 1e-20)) == pytest.approx(
        0.5e-40 * slope, rel=1e-14, abs=0
    )


@pytest.mark.parametrize("order", [-0.5, math.nan, math.inf])
def test_bad_orders(order):
    with pytest.raises(ParameterError, match=r"order must be a finite number >= 0; got"):
        log_bessel(1.0, order)


def test_derivatives_are_each_other():
    x = torch.tensor([0.0, 0.5, 20.0, 40.0], dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(log_bessel(x, 2.0).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(grad.sum(), x)
    assert grad.tolist() == bessel_ratio(x.detach(), 2.0).tolist()
    assert curvature.tolist() == bessel_slope(x.detach(), 2.0).tolist()
    (pull,) = torch.autograd.grad(log_bessel_scaled(x, 2.0).sum(), x)
    assert pull.tolist() == (-bessel_complement(x.detach(), 2.0)).tolist()
    third = jax.grad(lambda x: bessel_slope(x, 2.0))
    assert float(third(0.0)) == 0.0
    assert jnp.isfinite(third(50.0))
