"""Rounding errors are exact rationals, also after jit and compile may have rewritten the sums."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import torch

from klosed.special import difference_of_products, two_log, two_product, two_sum

RUN = {
    "numpy": (np.asarray, lambda f: f),
    "torch": (torch.from_numpy, lambda f: f),
    "jax.jit": (jnp.asarray, jax.jit),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("run", RUN)
@pytest.mark.parametrize("operation", [two_sum, two_product])
def test_value_and_error_are_the_exact_result(operation, run, dtype):
    convert, wrap = RUN[run]
    a, b = np.random.default_rng(0).normal(size=(2, 500)).astype(dtype)
    b[:250] *= dtype(1e-7)
    with jax.enable_x64(dtype is np.float64):
        value, error = (np.asarray(v) for v in wrap(operation)(convert(a), convert(b)))
    assert value.dtype == dtype
    assert np.any(error != 0)
    for x, y, v, e in zip(*(map(Fraction, z.tolist()) for z in (a, b, value, error)), strict=True):
        assert v + e == (x + y if operation is two_sum else x * y)


@pytest.mark.parametrize(("dtype", "far"), [(np.float64, 307), (np.float32, 37)])
@pytest.mark.parametrize("run", RUN)
def test_a_logarithm_beside_its_error_keeps_its_absolute_digits(run, dtype, far):
    convert, wrap = RUN[run]
    x = (10.0 ** np.random.default_rng(0).uniform(-far, far, 500)).astype(dtype)
    with jax.enable_x64(dtype is np.float64):
        value, error = (np.asarray(v) for v in wrap(two_log)(convert(x)))
    assert value.dtype == error.dtype == dtype
    with mp.workdps(40):
        for a, b, c in zip(x.tolist(), value.tolist(), error.tolist(), strict=True):
            assert abs(mp.log(a) - b - c) <= 3 * float(np.finfo(dtype).eps), a


def test_the_logarithm_of_zero():
    log, rest = two_log(np.array([0.0, 1.0]))
    assert log.tolist() == [-np.inf, 0.0]
    assert rest.tolist() == [0.0, 0.0]


def test_an_infinite_product_stays_infinite():
    assert float(difference_of_products(1e300, 1e300, 1.0, 1.0)) == np.inf
    assert float(difference_of_products(1.0, 1.0, 1e200, 1e200)) == -np.inf
    assert float(difference_of_products(0.0, 1.0, 0.0, 5.0)) == 0.0
