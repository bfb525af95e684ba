"""The Kumaraswamy distribution beside PyTorch's, and where its moments nearly cancel."""

import mpmath as mp
import numpy as np
import pytest
import torch

from klosed import Beta, Kumaraswamy
from klosed.errors import ParameterError

A = np.array([0.4, 1.0, 2.5, 30.0])
B = np.array([0.3, 4.0, 1.0, 200.0])


def test_density_entropy_and_moments_agree_with_torch():
    x = np.array([1e-6, 0.1, 0.5, 0.9, 0.9999])[:, None]
    ours = Kumaraswamy(A, B)
    theirs = torch.distributions.Kumaraswamy(torch.from_numpy(A), torch.from_numpy(B))
    log_p = theirs.log_prob(torch.from_numpy(x)).numpy()
    finite = np.isfinite(log_p)  # PyTorch's overflows to −inf at a = 30
    assert ours.log_prob(x)[finite] == pytest.approx(log_p[finite], rel=1e-9)
    assert np.all(np.isfinite(ours.log_prob(x)))
    assert ours.entropy() == pytest.approx(theirs.entropy().numpy(), rel=1e-11)
    assert ours.mean == pytest.approx(theirs.mean.numpy(), rel=1e-12)
    assert ours.variance == pytest.approx(theirs.variance.numpy(), rel=1e-10)


@pytest.mark.parametrize(("a", "b"), [(1e6, 3.0), (1e-3, 5.0), (2.0, 1e7), (300.0, 1e-4)])
def test_moments_keep_their_digits(a, b):
    """E[X²] − E[X]² loses twelve digits at a = 1e6."""
    with mp.workdps(60):
        first, second = (mp.mpf(b) * mp.beta(1 + n / mp.mpf(a), b) for n in (1, 2))
        variance = second - first**2
    q = Kumaraswamy(a, b)
    assert float(q.mean) == pytest.approx(float(first), rel=1e-11, abs=0)
    assert float(q.variance) == pytest.approx(float(variance), rel=1e-11, abs=0)


def test_it_is_a_beta_distribution_where_either_concentration_is_one():
    x = np.array([0.01, 0.4, 0.99])
    for a, b in ((1.0, 2.7), (3.3, 1.0)):
        assert Kumaraswamy(a, b).log_prob(x) == pytest.approx(Beta(a, b).log_prob(x), rel=1e-13)
        assert float(Kumaraswamy(a, b).entropy()) == pytest.approx(float(Beta(a, b).entropy()))


def test_density_of_points_near_one_keeps_its_digits():
    q, gap = Kumaraswamy(1e3, 5.0), 2.0**-40
    log_p, _, slope = q.log_prob_value_and_grad(1.0 - gap)
    with mp.workdps(50):
        x = 1 - mp.mpf(gap)
        true = mp.log(5000) + 999 * mp.log(x) + 4 * mp.log(1 - x**1000)
        true_slope = 999 / x - 4 * 1000 * x**999 / (1 - x**1000)
    assert float(log_p) == pytest.approx(float(true), rel=1e-14)
    assert float(slope) == pytest.approx(float(true_slope), rel=1e-12)


def test_draws_stay_inside_and_follow_the_noise():
    x = Kumaraswamy(np.full(500, 1e-3), 0.01).sample(0, (20,))
    assert np.all((x > 0) & (x < 1))
    noise = np.array([0.2, 1.0, 5.0])
    draws = Kumaraswamy(2.0, 3.0).rsample(noise)
    assert (1 - draws**2) ** 3 == pytest.approx(np.exp(-noise), rel=1e-13)


def test_domains_are_checked():
    with pytest.raises(ParameterError, match=r"concentration1 must be > 0 and finite; got 0"):
        Kumaraswamy(0.0, 1.0)
    with pytest.raises(ParameterError, match=r"needs exactly one of concentration0 or log_"):
        Kumaraswamy(1.0)
