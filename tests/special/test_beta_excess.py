"""How far betas are from gammas, normals and tilted uniforms, against mpmath."""

import mpmath as mp
import pytest

from accuracy import fresh_rng
from klosed.special.beta_excess import (
    beta_gamma_excess,
    beta_negentropy,
    grad_beta_gamma_excess,
    grad_beta_negentropy,
)
from klosed.special.beta_tilt import beta_tilt_divergence


def excess(a, b):
    whole = a + b
    means = (b - 1) * (mp.psi(0, whole) - mp.psi(0, b))
    return mp.loggamma(whole) - mp.loggamma(b) - means + a - a * mp.log(whole)


def negentropy(a, b):
    whole = a + b
    log_b = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(whole)
    means = [(x - 1) * (mp.psi(0, x) - mp.psi(0, whole)) for x in (a, b)]
    variance = a * b / whole**2 / (whole + 1)
    return mp.log(2 * mp.pi * mp.e * variance) / 2 - log_b + sum(means)


def drawn(limit):
    a, b = 10.0 ** fresh_rng().uniform(-limit, limit, (2, 100))
    b[:20] = a[:20] * 1.001
    return a, b


def slope(f, a, b, side):
    h = (a, b)[side] * mp.mpf(10) ** -25
    step = (h, 0) if side == 0 else (0, h)
    return (f(a + step[0], b + step[1]) - f(a - step[0], b - step[1])) / (2 * h)


@pytest.mark.parametrize("limit", [2, 8])
@pytest.mark.parametrize(
    ("function", "truth", "ulps"),
    [(beta_gamma_excess, excess, 64), (beta_negentropy, negentropy, 256)],
)
def test_values(function, truth, ulps, limit):
    a, b = drawn(limit)
    with mp.workdps(80):
        for x, y, got in zip(a.tolist(), b.tolist(), function(a, b).tolist(), strict=True):
            true = truth(mp.mpf(x), mp.mpf(y))
            assert abs(got - true) <= ulps * 2.0**-52 * true, (x, y)


@pytest.mark.parametrize("limit", [2, 8])
def test_gradient_of_the_excess(limit):
    a, b = drawn(limit)
    gradients = grad_beta_gamma_excess(a, b)
    with mp.workdps(80):
        for side, gradient in enumerate(gradients):
            for x, y, got in zip(a.tolist(), b.tolist(), gradient.tolist(), strict=True):
                true = slope(excess, mp.mpf(x), mp.mpf(y), side)
                assert abs(got - true) <= 1e-12 * abs(true), (x, y, side)


def test_gradient_of_the_negentropy_is_accurate_beside_its_terms():
    a, b = drawn(8)
    with mp.workdps(80):
        for side, gradient in enumerate(grad_beta_negentropy(a, b)):
            for x, y, got in zip(a.tolist(), b.tolist(), gradient.tolist(), strict=True):
                true = slope(negentropy, mp.mpf(x), mp.mpf(y), side)
                size = 1 / mp.mpf((x, y)[side]) ** 2
                assert abs(got - true) <= 1e-14 * size, (x, y, side)


@pytest.mark.parametrize("t", [-40.0, -2.0, -0.3, 0.7, 30.0])
def test_divergence_from_a_tilted_uniform(t):
    size = 2 * abs(t)
    near = [(1.0 + size, 1.0), (1.2 + size, 0.9), (0.7 + size, 1.4)]
    for likely, other in near:
        a, b = (likely, other) if t > 0 else (other, likely)
        with mp.workdps(60):
            x, y, u = mp.mpf(a), mp.mpf(b), mp.mpf(t)
            log_b = mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y)
            means = [(v - 1) * (mp.psi(0, v) - mp.psi(0, x + y)) for v in (x, y)]
            normaliser = mp.log(mp.expm1(2 * u) / (2 * u))
            true = sum(means) - log_b - 2 * u * x / (x + y) + normaliser
        got = float(beta_tilt_divergence(a, b, t))
        assert abs(got - true) <= 1e-13 * true + 1e-40, (a, b)
