"""Densities, entropies and moments of the gamma and its relatives against SciPy and mpmath."""

import mpmath as mp
import numpy as np
import pytest
import scipy.stats as st
from families_gamma import GAMMA_RELATIVES

from klosed import Chi, Chi2, ExpGamma, Gamma, InverseGamma, InverseGaussian, Weibull
from klosed.errors import ParameterError

SCIPY = {
    Gamma: lambda d: st.gamma(d.concentration, scale=1 / d.rate),
    InverseGamma: lambda d: st.invgamma(d.concentration, scale=d.rate),
    ExpGamma: lambda d: st.loggamma(d.concentration, loc=-d.log_rate),
    Chi2: lambda d: st.chi2(d.df),
    Chi: lambda d: st.chi(d.df),
    InverseGaussian: lambda d: st.invgauss(d.loc / d.concentration, scale=d.concentration),
    Weibull: lambda d: st.weibull_min(d.concentration, scale=d.scale),
}


@pytest.mark.parametrize("name", GAMMA_RELATIVES)
def test_agrees_with_scipy(name):
    family, parameters = GAMMA_RELATIVES[name]
    d = family(**parameters)
    other = SCIPY[family](d)
    x = d.sample(3, (50,))
    assert d.log_prob(x) == pytest.approx(other.logpdf(x), rel=1e-11, abs=1e-12)
    assert d.entropy() == pytest.approx(other.entropy(), rel=1e-7)
    assert d.mean == pytest.approx(other.mean(), rel=1e-7)
    assert d.variance == pytest.approx(other.var(), rel=1e-7)
    for i, quantiles in enumerate(other.cdf(d.sample(4, (4000,))).T):
        assert st.kstest(quantiles, "uniform").pvalue > 1e-5, i


def test_density_and_entropy_of_huge_concentrations():
    """α log y − y − log Γ(α) written so loses eight digits here; it is −10 of terms of 2e9."""
    a, b, x = 1.1e8, 3.0, 1.1e8 / 3.0 + 2000.0
    log_p, of, of_x = Gamma(a, b).log_prob_value_and_grad(x)
    entropy, of_entropy = Gamma(a, b).entropy_value_and_grad()
    with mp.workdps(50):
        ma, mx = mp.mpf(a), mp.mpf(x)
        assert float(log_p) == pytest.approx(
            float(ma * mp.log(b * mx) - b * mx - mp.log(mx) - mp.loggamma(ma)), rel=1e-11
        )
        assert float(of["concentration"]) == pytest.approx(
            float(mp.log(b * mx) - mp.digamma(ma)), rel=1e-10
        )
        assert float(of_x) == pytest.approx(float((ma - 1) / mx - b), rel=1e-9)
        assert float(entropy) == pytest.approx(
            float(mp.loggamma(ma) + ma + (1 - ma) * mp.digamma(ma) - mp.log(b)), rel=1e-14
        )
        assert float(of_entropy["concentration"]) == pytest.approx(
            float(1 + (1 - ma) * mp.psi(1, ma)), rel=1e-14
        )


def test_exp_gamma_reaches_where_gamma_underflows():
    d = ExpGamma(1e-8, 1.0)
    x = d.sample(0, (1000,))
    assert np.all(np.isfinite(d.log_prob(x)))
    assert abs(np.mean(x) * 1e-8 + 1.0) < 0.15
    assert float(d.log_prob(-1e9)) == pytest.approx(np.log(1e-8) - 10.0, rel=1e-7)


def test_draws_that_underflow_stay_in_the_support():
    for d in (Gamma(1e-8, 1.0), Chi2(1e-8), Chi(1e-8), InverseGamma(1e-8, 1.0)):
        x = d.sample(0, (100,))
        assert np.all(x > 0)
        assert not np.any(np.isnan(d.log_prob(x)))


def test_densities_beyond_the_range_of_numbers_are_zero():
    for d, x in ((Gamma(2.0, 1e10), 1e300), (Chi(3.0), 1e300), (InverseGamma(2.0, 3.0), 1e-310)):
        assert d.log_prob(x) == -np.inf


def test_moments_keep_their_digits():
    with mp.workdps(40):
        alpha = mp.mpf("0.5e8")
        mean = mp.sqrt(2) * mp.gammaprod([alpha + 0.5], [alpha])
        assert float(Chi(1e8).variance) == pytest.approx(float(2 * alpha - mean**2), rel=1e-13)
        k = mp.mpf(2) ** 20
        one, two = mp.gamma(1 + 1 / k), mp.gamma(1 + 2 / k)
        assert float(Weibull(1.0, 2.0**20).variance) == pytest.approx(
            float(two - one**2), rel=1e-13
        )
    assert InverseGamma([1.0, 2.0, 3.0], 1.0).variance.tolist() == [np.inf, np.inf, 0.25]


def test_parameters_must_be_positive():
    with pytest.raises(ParameterError, match=r"concentration must be > 0 .*; got -1 at index"):
        Gamma([1.0, -1.0], 1.0)
    with pytest.raises(ParameterError, match="Gamma needs exactly one of rate or scale"):
        Gamma(1.0, 2.0, scale=0.5)
    with pytest.raises(ParameterError, match="InverseGaussian needs exactly one of loc or log_loc"):
        InverseGaussian(concentration=1.0)
