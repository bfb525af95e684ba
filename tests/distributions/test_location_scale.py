"""Densities and entropies of location-scale and bounded families against SciPy."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import klosed

M, S = np.array([0.3, -1.2, 2.0]), np.array([0.7, 1.9, 0.2])
ALPHA = np.array([2.5, 7.0, 0.8])

CASES = {
    "exponential": (klosed.Exponential(S), stats.expon(scale=1 / S)),
    "uniform": (klosed.Uniform(M, M + S), stats.uniform(M, S)),
    "laplace": (klosed.Laplace(M, S), stats.laplace(M, S)),
    "gumbel": (klosed.Gumbel(M, S), stats.gumbel_r(M, S)),
    "half_normal": (klosed.HalfNormal(S), stats.halfnorm(scale=S)),
    "log_normal": (klosed.LogNormal(M, S), stats.lognorm(S, scale=np.exp(M))),
    "cauchy": (klosed.Cauchy(M, S), stats.cauchy(M, S)),
    "half_cauchy": (klosed.HalfCauchy(S), stats.halfcauchy(scale=S)),
    "moyal": (klosed.Moyal(M, S), stats.moyal(M, S)),
    "pareto": (klosed.Pareto(S, ALPHA), stats.pareto(ALPHA, scale=S)),
}
cases = pytest.mark.parametrize(("ours", "theirs"), CASES.values(), ids=CASES)
POINTS = np.array([-7.0, -0.4, 0.0, 0.2, 0.71, 2.05, 30.0])[:, None]


@cases
def test_log_prob(ours, theirs):
    wanted, got = theirs.logpdf(POINTS), ours.log_prob(POINTS)
    # SciPy's Moyal takes the logarithm of a density that underflows
    seen = np.isfinite(wanted) | (~ours.support.contains(POINTS))
    assert seen.mean() > 0.3
    np.testing.assert_allclose(got[seen], wanted[seen], rtol=1e-12, atol=1e-12)


@cases
def test_entropy(ours, theirs):
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-7)


@cases
def test_samples_follow_the_distribution(ours, theirs):
    mass = theirs.cdf(ours.sample(11, (4000,)))
    for column in mass.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("family", [klosed.Cauchy, klosed.HalfCauchy])
def test_a_mean_that_does_not_exist_is_refused(family):
    d = family(scale=1.0) if family is klosed.HalfCauchy else family(0.0, 1.0)
    with pytest.raises(klosed.NoClosedFormError, match="no closed form for its mean"):
        _ = d.mean


def test_infinite_moments_of_the_pareto_distribution():
    q = klosed.Pareto(2.0, [0.5, 1.0, 2.0, 3.0])
    assert q.mean.tolist() == [np.inf, np.inf, 4.0, 3.0]
    assert q.variance.tolist() == [np.inf, np.inf, np.inf, 3.0]


def test_low_must_be_below_high():
    with pytest.raises(klosed.KlosedError, match=r"high must be > low; got 1 at index \(1,\)"):
        klosed.Uniform([0.0, 1.0], [1.0, 1.0])


def test_draws_of_a_narrow_interval_stay_inside():
    low, high = np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0))
    x = klosed.Uniform(low, high).sample(0, (1000,))
    assert x.dtype == np.float32
    assert np.all((low <= x) & (x <= high))


def test_far_tails_do_not_underflow():
    with mp.workdps(40):
        z = (mp.mpf(-7.0) - mp.mpf(0.3)) / mp.mpf(0.7)
        true = -(z + mp.exp(-z)) / 2 - mp.log(mp.mpf(0.7)) - mp.log(2 * mp.pi) / 2
    assert klosed.Moyal(0.3, 0.7).log_prob(-7.0) == pytest.approx(float(true), rel=1e-15)


def test_far_tails_do_not_overflow():
    value, gradients, of_x = klosed.Cauchy(0.0, 1.0).log_prob_value_and_grad(1e200)
    assert value == pytest.approx(-400 * np.log(10) - np.log(np.pi), rel=1e-14)
    assert gradients["scale"] == 1.0
    assert of_x == pytest.approx(-2e-200, rel=1e-14)
