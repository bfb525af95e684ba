"""Families of directions: the angle between vectors, densities in three dimensions, draws."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from klosed import PowerSpherical, SphericalUniform, VonMises, VonMisesFisher, kl_divergence
from klosed.distributions._directions import Angle
from klosed.errors import ParameterError, ShapeError


def true_angle(a, b):
    """Return 1 − cos θ, 1 + cos θ and the gradients of cos θ with 60 digits."""
    a, b = ([mp.mpf(x) for x in v] for v in (a.tolist(), b.tolist()))
    length_a, length_b = mp.norm(a), mp.norm(b)
    cos = mp.fdot(a, b) / length_a / length_b
    slope_a = [(y / length_b - cos * x / length_a) / length_a for x, y in zip(a, b, strict=True)]
    slope_b = [(x / length_a - cos * y / length_b) / length_b for x, y in zip(a, b, strict=True)]
    return 1 - cos, 1 + cos, slope_a, slope_b


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("turn", [1.0, 1e-3, 1e-8, 1e-12])
def test_the_angle_keeps_its_digits_near_zero_and_near_pi(sign, turn):
    rng = np.random.default_rng(0)
    for d in (2, 3, 10):
        a = rng.standard_normal(d)
        a /= np.linalg.norm(a)
        b = sign * (a + turn * rng.uniform(-0.3, 0.3, d))
        angle = Angle(a, b)
        with mp.workdps(60):
            near, far, slope_a, slope_b = true_angle(a, b)
        assert angle.one_minus_cos == pytest.approx(float(near), rel=2e-15, abs=0)
        assert angle.one_plus_cos == pytest.approx(float(far), rel=2e-15, abs=0)
        for got, true in ((angle.slope_a, slope_a), (angle.slope_b, slope_b)):
            true = np.array(true, dtype=float)
            assert np.linalg.norm(got - true) <= 2e-15 * np.linalg.norm(true)


def test_only_the_direction_of_a_vector_counts():
    x = np.array([0.0, 0.6, 0.8])
    short, long = (PowerSpherical(s * np.array([1.0, 2.0, -2.0]), 3.0) for s in (1e-100, 1e100))
    assert short.log_prob(x) == pytest.approx(long.log_prob(x), rel=1e-14)
    assert short.mean == pytest.approx(long.mean, rel=1e-15)


def sphere_nodes(n=60):
    """Gauss–Legendre in the height, equal angles around it: points (n·2n, 3) and weights."""
    z, w = np.polynomial.legendre.leggauss(n)
    around = np.linspace(0.0, 2 * np.pi, 2 * n, endpoint=False)
    z, around = (a.ravel() for a in np.meshgrid(z, around, indexing="ij"))
    radius = np.sqrt(1 - z * z)
    x = np.stack([radius * np.cos(around), radius * np.sin(around), z], axis=-1)
    return x, np.repeat(w, 2 * n) * np.pi / n


INSTANCES = {
    "von_mises_fisher": VonMisesFisher([0.0, 3.0, 4.0], 6.0),
    "power_spherical": PowerSpherical([0.0, 3.0, 4.0], 6.0),
    "spherical_uniform": SphericalUniform(3),
}


@pytest.mark.parametrize("d", INSTANCES.values(), ids=INSTANCES)
def test_density_entropy_and_moments_in_three_dimensions(d):
    x, w = sphere_nodes()
    log_p = d.log_prob(x)
    mass = w * np.exp(log_p)
    assert mass.sum() == pytest.approx(1.0, abs=1e-9)
    assert d.entropy() == pytest.approx(-np.sum(mass * log_p), abs=1e-7)
    mean = mass @ x
    assert d.mean == pytest.approx(mean, abs=1e-9)
    assert d.variance == pytest.approx(mass @ (x - mean) ** 2, abs=1e-9)


def test_cosines_of_draws_follow_their_beta_distribution():
    axis = np.array([3.0, 0.0, 0.0, 4.0]) / 5
    x = PowerSpherical(axis, 2.5).sample(1, (5000,))
    assert np.linalg.norm(x, axis=-1) == pytest.approx(np.ones(5000), rel=1e-15)
    assert stats.kstest((1 + x @ axis) / 2, stats.beta(4.0, 1.5).cdf).pvalue > 1e-3
    # around the axis nothing is preferred
    assert (
        stats.kstest(np.arctan2(x[:, 1], x[:, 2]), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue
        > 1e-3
    )


def test_concentrated_draws_keep_the_digits_of_their_distance():
    """As 1 − cos θ from a beta draw near 1, half of these would be exactly zero."""
    x = PowerSpherical([0.0, 1.0], 1e15).sample(0, (1000,))
    assert np.mean(x[:, 0] ** 2) == pytest.approx(1e-15, rel=0.3)
    assert np.all(x[:, 0] != 0)


@pytest.mark.parametrize("d", [2, 3, 8])
def test_fisher_density_entropy_and_draws_are_those_of_scipy(d):
    mu = np.arange(1.0, d + 1.0)
    mu /= np.linalg.norm(mu)
    ours, theirs = VonMisesFisher(mu, 3.7), stats.vonmises_fisher(mu, 3.7)
    x = ours.sample(0, (4000,))
    assert np.linalg.norm(x, axis=-1) == pytest.approx(np.ones(4000), rel=1e-15)
    assert ours.log_prob(x[:5]) == pytest.approx(theirs.logpdf(x[:5]), rel=1e-12)
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-12)
    other = theirs.rvs(4000, random_state=1)
    assert stats.ks_2samp(x @ mu, other @ mu).pvalue > 1e-3
    assert stats.ks_2samp(x[:, 0], other[:, 0]).pvalue > 1e-3


def test_very_concentrated_and_very_flat_fishers_can_be_drawn():
    x = VonMisesFisher([0.0, 0.0, 1.0], [1e15, 1e-15]).sample(0, (2000,))
    assert np.mean(x[:, 0, :2] ** 2) == pytest.approx(1e-15, rel=0.2)
    assert np.all(np.abs(x[:, 1].mean(axis=0)) < 4.5 / np.sqrt(3 * 2000))


@pytest.mark.parametrize("kappa", [0.3, 4.0, 60.0])
def test_von_mises_is_that_of_scipy_and_of_the_circle(kappa):
    q, theirs = VonMises(0.7, kappa), stats.vonmises(kappa, loc=0.7)
    x = np.linspace(-3.0, 3.0, 7)
    assert q.log_prob(x) == pytest.approx(theirs.logpdf(x), rel=1e-11)
    assert q.log_prob(x + 8 * np.pi) == pytest.approx(q.log_prob(x), rel=1e-11)
    assert q.entropy() == pytest.approx(theirs.entropy(), rel=1e-11)
    on_circle = VonMisesFisher([math.cos(0.7), math.sin(0.7)], kappa)
    points = np.stack([np.cos(x), np.sin(x)], axis=-1)
    assert on_circle.log_prob(points) == pytest.approx(q.log_prob(x), rel=1e-11)
    draws = q.sample(0, (4000,))
    assert np.all(np.abs(draws) <= np.pi)
    resultant = np.mean(np.exp(1j * draws))
    assert np.angle(resultant) == pytest.approx(float(q.circular_mean), abs=0.2)
    assert 1 - abs(resultant) == pytest.approx(float(q.circular_variance), abs=0.05)


def test_angles_a_full_turn_apart_are_the_same():
    """With cos(Δ) − 1 instead of the sine of half the angle, half of the digits would be gone."""
    q, p = VonMises(np.pi, 2.0), VonMises(-np.pi, 2.0)
    # −π and π as floats are 2.4e-16 short of a full turn
    assert kl_divergence(q, p) == pytest.approx(
        2 * 0.69777465 * 0.5 * (2.4492936e-16) ** 2, rel=1e-7
    )


def test_the_rounding_of_a_difference_of_angles_is_put_back():
    """The difference rounds by up to 4e-16: next to a full turn less 1e-9, a relative 4e-7."""
    for loc_q in (7.0, 7.1, 7.3):
        loc_p = loc_q - 2 * np.pi - 1e-9
        with mp.workdps(40):
            half = (mp.mpf(loc_q) - mp.mpf(loc_p)) / 2
            true = float(4 * mp.sin(half) ** 2 * mp.besseli(1, 2) / mp.besseli(0, 2))
        got = kl_divergence(VonMises(loc_q, 2.0), VonMises(loc_p, 2.0))
        assert got == pytest.approx(true, rel=1e-13, abs=0)


def test_uniform_draws_are_those_of_scipy_in_distribution():
    x = SphericalUniform(3).sample(0, (5000,))
    assert stats.kstest(x[:, 2], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    reference = stats.vonmises_fisher([0.0, 0.0, 1.0], 1e-12)
    assert SphericalUniform(3).log_prob(x[:4]) == pytest.approx(reference.logpdf(x[:4]), rel=1e-9)


def test_at_the_far_pole_the_power_spherical_density_vanishes():
    q = PowerSpherical([0.0, 1.0], 2.0)
    assert q.log_prob(np.array([0.0, -1.0])) == -math.inf


def test_vectors_off_the_sphere_have_no_density_but_rounded_ones_do():
    q = PowerSpherical([0.0, 1.0], 2.0)
    rounded = np.array([0.6, 0.8], dtype=np.float32).astype(np.float64)
    assert q.log_prob(rounded) == pytest.approx(q.log_prob([0.6, 0.8]), rel=1e-6)
    assert q.log_prob([0.6, 0.81]) == -math.inf


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: PowerSpherical([0.0, 0.0], 1.0), ParameterError, "whose squared length is > 0"),
        (lambda: PowerSpherical([math.inf, 0.0], 1.0), ParameterError, "Only its direction counts"),
        (lambda: PowerSpherical([1.0], 1.0), ShapeError, r"must end in \(d,\) with d >= 2; got"),
        (lambda: PowerSpherical(1.0, 1.0), ShapeError, r"got shape \(\)"),
        (lambda: PowerSpherical([1.0, 0.0], 0.0), ParameterError, "concentration must be > 0"),
        (lambda: SphericalUniform(1), ParameterError, "dimension must be an integer >= 2; got 1"),
        (lambda: SphericalUniform(2.5), ParameterError, "dimension must be an integer"),
    ],
)
def test_what_is_no_direction_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_spheres_of_different_dimensions_do_not_meet():
    with pytest.raises(ShapeError, match="share an event shape"):
        kl_divergence(SphericalUniform(2), SphericalUniform(3))
