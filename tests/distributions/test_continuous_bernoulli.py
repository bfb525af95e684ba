"""The continuous Bernoulli beside PyTorch's, at its uniform middle and at its ends."""

import numpy as np
import pytest
import torch

from klosed import ContinuousBernoulli
from klosed.errors import ParameterError

LOGITS = np.array([-8.0, -2.0, -0.9, 1.3, 6.0])


def test_density_entropy_and_moments_agree_with_torch():
    x = np.linspace(0.0, 1.0, 21)[:, None]
    ours = ContinuousBernoulli(logits=LOGITS)
    theirs = torch.distributions.ContinuousBernoulli(logits=torch.from_numpy(LOGITS))
    assert ours.log_prob(x) == pytest.approx(
        theirs.log_prob(torch.from_numpy(x)).numpy(), rel=1e-12, abs=1e-13
    )
    assert ours.entropy() == pytest.approx(theirs.entropy().numpy(), rel=1e-12, abs=1e-13)
    assert ours.mean == pytest.approx(theirs.mean.numpy(), rel=1e-13)
    assert ours.variance == pytest.approx(theirs.variance.numpy(), rel=1e-12)
    noise = np.random.default_rng(0).random((50, 5))
    assert ours.rsample(noise) == pytest.approx(theirs.icdf(torch.from_numpy(noise)).numpy())


def test_near_the_uniform_distribution_nothing_cancels():
    """PyTorch replaces logits within 4e-3 of 0 by a Taylor series; here they keep their digits."""
    q = ContinuousBernoulli(logits=np.array([1e-9, -1e-9]))
    assert q.entropy() == pytest.approx(-np.array([1e-18, 1e-18]) / 24, rel=1e-13, abs=0)
    assert q.mean - 0.5 == pytest.approx(np.array([1e-9, -1e-9]) / 12, rel=1e-6)
    half = ContinuousBernoulli(probs=0.5 - 2.0**-40)
    assert float(half.entropy()) == pytest.approx(-(2.0**-76) / 24, rel=1e-13, abs=0)


def test_steep_tilts_have_finite_densities_at_both_ends():
    q = ContinuousBernoulli(logits=np.array([500.0, -500.0]))
    top = np.log(500.0)
    assert q.log_prob(1.0) == pytest.approx([top, top - 500], rel=1e-14)
    assert q.log_prob(0.0) == pytest.approx([top - 500, top], rel=1e-14)
    assert q.mean == pytest.approx([1 - 1 / 500, 1 / 500], rel=1e-14)


@pytest.mark.parametrize("logits", [-700.0, -3.0, -1e-7, 0.0, 1e-7, 3.0, 700.0])
def test_rsample_inverts_the_distribution_function_and_has_its_derivative(logits):
    u = torch.tensor([0.01, 0.3, 0.5, 0.99], dtype=torch.float64)
    eta = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    x = ContinuousBernoulli(logits=eta).rsample(u)
    t = abs(logits) or 1e-300
    tail, end = (1 - u, 1 - x) if logits > 0 else (u, x)
    mass = torch.expm1(-t * end.detach()) / np.expm1(-t)
    torch.testing.assert_close(mass, tail, rtol=1e-12, atol=1e-13)
    (slope,) = torch.autograd.grad(x.sum(), eta)
    h = 1e-4 * max(1.0, abs(logits))
    ends = [float(ContinuousBernoulli(logits=logits + s).rsample(u.numpy()).sum()) for s in (h, -h)]
    assert float(slope) == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("probs", [0.0, 1.0, -0.1, float("nan")])
def test_a_probability_at_or_beyond_the_ends_is_refused(probs):
    with pytest.raises(ParameterError, match=r"probs must be in \(0, 1\); got .* Use logits"):
        ContinuousBernoulli(probs=[0.5, probs])
