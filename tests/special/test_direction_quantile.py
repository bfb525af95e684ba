"""Quantiles of the angle to a mean direction, and their gradients, against mpmath."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from klosed.errors import ParameterError
from klosed.special import fisher_quantile, von_mises_quantile
from klosed.special.direction_quantile import _form

CONCENTRATIONS = [1e-8, 0.3, 2.0, 15.0, 300.0, 1e8]
NOISE = [-4.0, -0.8, 0.1, 1.0, 5.0]


def integrals(n, kappa, t, mean, right):
    """Return the mass on one side of t over the density there, and with it that of cos − mean."""
    width = 1 / mp.sqrt(kappa + n + 1)
    width = width if right else -width
    ends = [max(min(t + k * width, mp.pi), mp.mpf(0)) for k in (0, 2, 6, 16)]

    def density(s):
        return (mp.sin(s) / mp.sin(t)) ** n * mp.exp(kappa * (mp.cos(s) - mp.cos(t)))

    sign = 1 if right else -1
    return sign * mp.quad(density, ends), sign * mp.quad(
        lambda s: density(s) * (mp.cos(s) - mean), ends
    )


def check(n, kappa, z, circle):
    value, (by_kappa, by_z) = _form(n, circle=circle).value_and_grad(np.array(kappa), np.array(z))
    turned = circle and z < 0
    with mp.workdps(30):
        k, t, noise = mp.mpf(kappa), abs(mp.mpf(float(value))), mp.mpf(z)
        order, tail = mp.mpf(n) / 2, mp.ncdf(-abs(noise))
        if circle:
            right = tail < 0.25
            target, slope = 2 * tail if right else 1 - 2 * tail, 2 * mp.npdf(noise)
        else:
            right = noise > 0
            target, slope = tail, mp.npdf(noise)
        total = mp.beta(0.5, order + 0.5) * mp.hyp0f1(order + 1, k * k / 4) * mp.exp(-k)
        density = mp.sin(t) ** n * mp.exp(-2 * k * mp.sin(t / 2) ** 2) / total
        mean = mp.besseli(order + 1, k) / mp.besseli(order, k)
        mass, moved = integrals(n, k, t, mean, right)
        assert abs(mass - target / density) <= 3e-14 * t
        true = float(moved if right else -moved)
        # what is left to π has the rounding of t
        far = 2e-15 * (1.0 + abs(z)) if t > 3 else 0.0
        assert by_kappa == pytest.approx(-true if turned else true, rel=2e-13, abs=far)
        assert by_z == pytest.approx(float(slope / density), rel=2e-13, abs=far)


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
def test_von_mises_quantiles_and_gradients_agree_with_mpmath(kappa):
    for z in NOISE:
        check(0, kappa, z, circle=True)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 30])
def test_fisher_quantiles_and_gradients_agree_with_mpmath(n):
    for kappa in CONCENTRATIONS:
        for z in NOISE[::2] if kappa > 1.0 else NOISE[1::3]:
            check(n, kappa, z, circle=False)


@pytest.mark.parametrize(
    ("n", "kappa", "z", "circle"),
    [(0, 15.8, -7.6, True), (0, 19.6, 8.0, False), (1, 47.9, 9.0, False), (2, 23.9, 8.0, False)],
)
def test_where_most_steps_are_needed(n, kappa, z, circle):
    check(n, kappa, z, circle)


def test_directions_in_space_have_a_closed_form():
    # exp(−κ(1 − cos t)) is uniform on (exp(−2κ), 1)
    kappa, z = np.array([0.5, 3.0, 40.0])[:, None], np.linspace(-3.0, 3.0, 7)
    rest = np.exp(-2.0 * kappa)
    one_minus_cos = -np.log(1.0 - stats.norm.cdf(z) * (1.0 - rest)) / kappa
    t = fisher_quantile(kappa, z, 3)
    np.testing.assert_allclose(2.0 * np.sin(0.5 * t) ** 2, one_minus_cos, rtol=1e-11)


def test_angles_are_odd_uniform_at_zero_and_normal_where_concentrated():
    z = np.array([-37.0, -1.5, -1e-200, 0.0, 1e-200, 1.5, 37.0])
    t = von_mises_quantile(0.0, z)
    np.testing.assert_allclose(t, 2.0 * np.pi * (stats.norm.cdf(z) - 0.5), rtol=1e-14, atol=1e-16)
    np.testing.assert_array_equal(t, -t[::-1])
    np.testing.assert_allclose(von_mises_quantile(1e18, z), 1e-9 * z, rtol=1e-14)
    assert np.all(np.isfinite(von_mises_quantile([[1e-300], [1.0], [1e300]], z)))


def test_float32_stays_float32():
    rng = np.random.default_rng(4)
    kappa = np.float32(10.0) ** rng.uniform(-8, 8, 500).astype(np.float32)
    z = (1.5 * rng.standard_normal(500)).astype(np.float32)
    for n, circle, loss in ((0, True, 3e-6), (1, False, 3e-6), (30, False, 3e-5)):
        form = _form(n, circle=circle)
        t, (by_kappa, by_z) = form.value_and_grad(kappa, z)
        assert t.dtype == by_kappa.dtype == by_z.dtype == np.float32
        exact, (exact_by_kappa, _) = form.value_and_grad(kappa.astype(float), z.astype(float))
        np.testing.assert_allclose(t, exact, rtol=loss)
        inside = np.abs(exact) < 3.0
        np.testing.assert_allclose(by_kappa[inside], exact_by_kappa[inside], rtol=3 * loss)


@pytest.mark.parametrize("dimension", [1, 2.5, -3])
def test_dimensions_are_integers_from_two_on(dimension):
    with pytest.raises(ParameterError, match=r"dimension must be an integer >= 2; got"):
        fisher_quantile(1.0, 0.0, dimension)
