"""The beta and the Dirichlet beside SciPy, at their edges and at extreme concentrations."""

import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from klosed import Beta, Dirichlet
from klosed.errors import ParameterError, ShapeError

ALPHA = np.array([0.3, 1.0, 2.5, 40.0, 700.0])
BETA = np.array([0.4, 3.0, 1.0, 25.0, 900.0])
PARTS = [0.5, 2.0, 7.5]


def test_beta_agrees_with_scipy():
    ours, theirs = Beta(ALPHA, BETA), scipy.stats.beta(ALPHA, BETA)
    x = np.array([1e-9, 0.01, 0.3, 0.5, 0.999])[:, None]
    assert ours.log_prob(x) == pytest.approx(theirs.logpdf(x), rel=1e-11, abs=1e-12)
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-11, abs=1e-12)
    assert ours.mean == pytest.approx(theirs.mean(), rel=1e-14)
    assert ours.variance == pytest.approx(theirs.var(), rel=1e-14)


def test_dirichlet_agrees_with_scipy():
    ours, theirs = Dirichlet(PARTS), scipy.stats.dirichlet(PARTS)
    x = theirs.rvs(20, random_state=0)
    assert ours.log_prob(x) == pytest.approx(theirs.logpdf(x.T), rel=1e-12)
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-13)
    assert ours.variance == pytest.approx(theirs.var(), rel=1e-13)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("size", [1e-8, 1e-3, 1e4, 1e8])
def test_entropy_and_density_keep_their_digits_at_extreme_concentrations(size, n):
    """lgamma(1e8) is 1.7e9: differences of such numbers have seven digits left."""
    d = Dirichlet(size * np.arange(1.0, n + 1))
    x = d.mean
    with mp.workdps(50):
        alpha = [mp.mpf(a) for a in d.concentration.tolist()]
        whole = sum(alpha)
        log_b = sum(mp.loggamma(a) for a in alpha) - mp.loggamma(whole)
        entropy = log_b - sum((a - 1) * (mp.psi(0, a) - mp.psi(0, whole)) for a in alpha)
        rest = 1 - sum(mp.mpf(v) for v in x.tolist()[1:])
        points = [rest, *(mp.mpf(v) for v in x.tolist()[1:])]
        density = sum((a - 1) * mp.log(v) for a, v in zip(alpha, points, strict=True)) - log_b
    assert float(d.entropy()) == pytest.approx(float(entropy), rel=1e-13)
    assert float(d.log_prob(x)) == pytest.approx(float(density), rel=1e-13)


def test_density_at_the_edge_of_the_simplex():
    x = [0.0, 0.25, 0.75]
    d = Dirichlet([[1.0, 2.0, 3.0], [1.5, 2.0, 3.0], [0.5, 2.0, 3.0]])
    wanted = scipy.stats.dirichlet([1.0, 2.0, 3.0]).logpdf([1e-300, 0.25, 0.75])
    assert d.log_prob(x).tolist() == pytest.approx([wanted, -np.inf, np.inf])
    assert Dirichlet([1.0, 2.0]).log_prob([0.5, 0.6]) == -np.inf


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tiny_concentrations_still_draw_points_of_the_support(dtype):
    """Gamma draws at 1e-8 underflow, and 0/0 is what their ratio would be."""
    q = Beta(np.full(200, 1e-8, dtype=dtype), dtype(3e-8))
    x = q.sample(0, (50,))
    assert np.all((x > 0) & (x < 1))
    assert 0.2 < np.mean(x > 0.5) < 0.3
    parts = Dirichlet(np.asarray([1e-8, 2e-8, 1e-8], dtype=dtype)).sample(0, (1000,))
    assert parts.sum(axis=-1) == pytest.approx(np.ones(1000), rel=1e-6)
    assert parts.mean(axis=0) == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def test_domains_and_shapes_are_checked():
    with pytest.raises(ParameterError, match=r"concentration0 must be > 0 and finite; got 0"):
        Beta(1.0, [1.0, 0.0])
    with pytest.raises(ParameterError, match=r"concentration must be > 0 and finite; got -2"):
        Dirichlet([1.0, -2.0])
    with pytest.raises(ShapeError, match=r"concentration must hold at least 2 numbers .* \(3, 1\)"):
        Dirichlet(np.ones((3, 1)))
    with pytest.raises(ShapeError, match=r"at least 2 numbers .* got shape \(\)"):
        Dirichlet(log_concentration=0.0)
    with pytest.raises(ShapeError, match=r"x must end in the event shape \(2,\)"):
        Dirichlet([1.0, 2.0]).log_prob([0.2, 0.3, 0.5])
