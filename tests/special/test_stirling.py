"""Stirling's remainder, the gamma's negentropy and exp(x) E₁(x) against mpmath, and at the ends."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import torch

from accuracy import fresh_seed
from klosed.special.exponential_integral import exp1e
from klosed.special.stirling import gamma_negentropy, grad_gamma_negentropy, stirling_remainder

from .truth import arguments, cases, errors_in_ulp, logarithmic


def remainder(x):
    return mp.loggamma(x) - (x - mp.mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2


def negentropy(x):
    entropy = mp.loggamma(x) + x + (1 - x) * mp.digamma(x)
    return mp.log(2 * mp.pi * mp.e * x) / 2 - entropy


def negentropy_slope(x):
    return -1 / (2 * x) - (1 - x) * (mp.psi(1, x) - 1 / x)


def scaled_integral(x):
    if x < 200:
        return mp.exp(x) * mp.e1(x)
    return mp.fsum((-1) ** k * mp.factorial(k) / x ** (k + 1) for k in range(60))


SMALL, BIG = ("1e-8 … 3", logarithmic(-8, 0.47)), ("3 … 1e8", logarithmic(0.48, 8))
CASES = [
    *cases(stirling_remainder, remainder, (*SMALL, 400, 600), (*BIG, 30, 20)),
    *cases(gamma_negentropy, negentropy, (*SMALL, 90, 120), (*BIG, 64, 64)),
    *cases(grad_gamma_negentropy, negentropy_slope, (*SMALL, 30, 30), (*BIG, 100, 64)),
    *cases(
        exp1e,
        scaled_integral,
        ("1e-30 … 1", logarithmic(-30, 0.3), 6, 6),
        ("1 … 1e30", logarithmic(0, 30), 6, 6),
    ),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_mpmath(case, dtype):
    seed = fresh_seed()
    drawn = arguments(case, dtype, np.random.default_rng(seed), 120)
    worst = max(errors_in_ulp(case, drawn, case.function(*drawn)))
    assert worst[0] <= case.ulp[dtype is np.float32], f"{case} {dtype.__name__}, seed {seed}"


@pytest.mark.parametrize("function", [stirling_remainder, gamma_negentropy, exp1e])
def test_derivatives_are_carried(function):
    x = np.array([0.01, 0.4, 1.0, 2.9, 3.0, 7.0, 400.0])
    moved = 1e-5 * x
    slope = (function(x + moved) - function(x - moved)) / (2 * moved)
    t = torch.tensor(x, requires_grad=True)
    function(t).sum().backward()
    assert t.grad.numpy() == pytest.approx(slope, rel=1e-6)
    with jax.enable_x64(True):
        got = jax.vmap(jax.grad(function))(jnp.asarray(x))
    assert np.asarray(got) == pytest.approx(slope, rel=1e-6)


def test_ends():
    assert [float(exp1e(x)) for x in (0.0, math.inf)] == [math.inf, 0.0]
    assert math.isnan(float(exp1e(-1.0)))
    for function in (stirling_remainder, gamma_negentropy):
        assert 0 < float(function(1e300)) < 1e-300
        assert float(function(math.inf)) == 0
    assert float(grad_gamma_negentropy(math.inf)) == 0
