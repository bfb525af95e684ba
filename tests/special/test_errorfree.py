"""Rounding errors are exact rationals, also after jit and compile may have rewritten the sums."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from klosed.special import difference_of_products, two_product, two_sum

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


def test_an_infinite_product_stays_infinite():
    assert float(difference_of_products(1e300, 1e300, 1.0, 1.0)) == np.inf
    assert float(difference_of_products(1.0, 1.0, 1e200, 1e200)) == -np.inf
    assert float(difference_of_products(0.0, 1.0, 0.0, 5.0)) == 0.0
