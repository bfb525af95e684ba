"""The Wishart distribution beside scipy.stats and PyTorch, and where their digits end."""

import mpmath as mp
import numpy as np
import pytest
import torch
from scipy import stats

from klosed import Gamma, Wishart, kl_divergence
from klosed.errors import ParameterError, ShapeError

SIGMA = np.array([[2.0, 0.3, -0.2], [0.3, 0.8, 0.1], [-0.2, 0.1, 1.1]])


@pytest.mark.parametrize("df", [2.4, 3.0, 7.5, 200.0])
def test_density_and_entropy_are_those_of_scipy(df):
    q, theirs = Wishart(df, covariance_matrix=SIGMA), stats.wishart(df, SIGMA)
    x = q.sample(0, (5,))
    got = np.array([theirs.logpdf(one) for one in x])
    assert q.log_prob(x) == pytest.approx(got, rel=1e-11)
    assert q.entropy() == pytest.approx(theirs.entropy(), rel=1e-11)
    assert q.mean == pytest.approx(theirs.mean())
    assert q.variance == pytest.approx(theirs.var())


def test_kl_is_that_of_torch():
    q, p = (3.7, SIGMA), (6.0, SIGMA @ SIGMA)
    ours = kl_divergence(*(Wishart(df, covariance_matrix=sigma) for df, sigma in (q, p)))
    theirs = torch.distributions.kl_divergence(
        *(
            torch.distributions.Wishart(
                torch.tensor(df, dtype=torch.float64), torch.from_numpy(sigma)
            )
            for df, sigma in (q, p)
        )
    )
    assert ours == pytest.approx(theirs.item(), rel=1e-10)


def true_log_prob(df, sigma, x):
    with mp.workdps(60):
        df, sigma, x = mp.mpf(df), mp.matrix(sigma.tolist()), mp.matrix(x.tolist())
        d = sigma.rows
        trace = sum((sigma**-1 * x)[i, i] for i in range(d))
        log_gamma = d * (d - 1) / mp.mpf(4) * mp.log(mp.pi) + mp.fsum(
            mp.loggamma((df - i) / 2) for i in range(d)
        )
        logs = (df - d - 1) / 2 * mp.log(mp.det(x)) - df / 2 * mp.log(mp.det(2 * sigma))
        return float(logs - trace / 2 - log_gamma)


def test_density_keeps_its_digits_at_many_degrees_of_freedom():
    """As a difference of log Γ and log|X| it would keep none: the parts are of size 1e10."""
    df = 1e9
    x = Wishart(df, covariance_matrix=SIGMA).sample(0)
    got = Wishart(df, covariance_matrix=SIGMA).log_prob(x)
    # a relative 1e-16 in X moves the density by the root of df times that
    assert got == pytest.approx(true_log_prob(df, SIGMA, x), rel=1e-11)


def test_draws_have_the_marginals_of_bartlett():
    q = Wishart(3.5, covariance_matrix=SIGMA)
    x = q.sample(1, (5000,))
    assert np.array_equal(x, np.swapaxes(x, -1, -2))
    whitened = np.linalg.det(x) / np.linalg.det(SIGMA)
    product = np.prod([stats.chi2(3.5 - i).rvs(5000, random_state=i) for i in range(3)], axis=0)
    assert stats.ks_2samp(whitened, product).pvalue > 1e-3
    assert stats.kstest(x[:, 2, 2] / SIGMA[2, 2], stats.chi2(3.5).cdf).pvalue > 1e-3


def test_one_dimension_is_a_gamma():
    q, p = (Wishart(df, covariance_matrix=[[v]]) for df, v in ((0.6, 2.0), (3.0, 0.7)))
    gammas = [Gamma(df / 2, rate=0.5 / v) for df, v in ((0.6, 2.0), (3.0, 0.7))]
    assert kl_divergence(q, p) == pytest.approx(kl_divergence(*gammas), rel=1e-14)
    assert q.entropy() == pytest.approx(gammas[0].entropy(), rel=1e-14)


def test_what_is_not_positive_definite_has_no_density():
    q = Wishart(4.0, covariance_matrix=SIGMA)
    assert q.log_prob(-SIGMA) == -np.inf
    assert np.isnan(q.log_prob(np.full((3, 3), np.nan)))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: Wishart([4.0, 2.0], covariance_matrix=SIGMA),
            ParameterError,
            r"df must be > 2, one less than the size of covariance_matrix; got 2 at index \(1,\)",
        ),
        (lambda: Wishart(np.nan, scale_tril=np.eye(2)), ParameterError, "df must be"),
        (lambda: Wishart(np.inf, scale_tril=np.eye(2)), ParameterError, "df must be"),
        (
            lambda: Wishart(4.0, scale_tril=np.ones((2, 3))),
            ShapeError,
            r"scale_tril must end in \(d, d\); got shape \(2, 3\)",
        ),
        (
            lambda: Wishart(4.0, covariance_matrix=-SIGMA),
            ParameterError,
            "covariance_matrix must be symmetric positive definite",
        ),
    ],
)
def test_parameters_outside_their_domain_are_named(build, error, message):
    with pytest.raises(error, match=message):
        build()
