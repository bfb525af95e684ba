"""KL of betas and Dirichlets where other libraries fail, and in every kind of array."""

import mpmath as mp
import numpy as np
import pytest
import torch
from kinds import KINDS

from klosed import Beta, Dirichlet, kl_divergence, kl_value_and_grad

# one part dwarfs the others; none does; all are large; p is far away
Q = np.array([[3.0, 1e-3, 2e-3], [0.4, 2.0, 1.1], [3e6, 8e7, 1e5], [1e5, 1e-6, 0.02]])
P = np.array([[3.1, 1e-3, 1e-2], [0.4, 2.2, 0.3], [3e6, 8.1e7, 1e5], [2.0, 3.0, 4.0]])


def exact(q, p):
    with mp.workdps(60):
        x, y = [mp.mpf(float(v)) for v in q], [mp.mpf(float(v)) for v in p]
        a, b = (sum(map(mp.loggamma, v)) - mp.loggamma(sum(v)) for v in (x, y))
        means = [mp.psi(0, v) - mp.psi(0, sum(x)) for v in x]
        return float(b - a - sum(m * (w - v) for m, v, w in zip(means, x, y, strict=True)))


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("size", [1.0, 1e4, 1e8])
def test_near_equal_betas_are_told_apart(size, step):
    """The usual difference of log Γ has no digit left here, and comes out negative in PyTorch."""
    q, p = np.array([size, 2 * size]), np.array([size * (1 + step), 2 * size])
    kl = float(kl_divergence(Beta(*q), Beta(*p)))
    assert kl == pytest.approx(exact(q, p), rel=64 * 2.0**-52, abs=0)
    theirs = [torch.distributions.Beta(*torch.from_numpy(x)) for x in (q, p)]
    if step <= 1e-9:
        lost = float(torch.distributions.kl_divergence(*theirs))
        assert abs(lost - kl) > 0.01 * kl


def test_a_common_factor_of_large_concentrations():
    """Here the mean proportions agree, and what is left is 1e8 times smaller than its terms."""
    q = 1e8 * np.array([1.0, 2.0, 0.5])
    assert float(kl_divergence(Dirichlet(q), Dirichlet(2 * q))) == pytest.approx(
        exact(q, 2 * q), rel=1e-14, abs=0
    )
    # (K − 1) halves of 2 − 1 − log 2, to which Stirling's remainder adds 1e-9
    assert exact(q, 2 * q) == pytest.approx(1 - np.log(2), rel=1e-8)


def test_values_and_gradients_agree_between_kinds():
    value, of_q, of_p = kl_value_and_grad(Dirichlet(Q), Dirichlet(P))
    assert value == pytest.approx([exact(q, p) for q, p in zip(Q, P, strict=True)], rel=1e-14)
    for kind in KINDS.values():
        arrays = kind.array(Q), kind.array(P)
        got = kl_value_and_grad(*map(Dirichlet, arrays))
        assert kind.numpy(got[0]) == pytest.approx(value, rel=1e-13)
        for wanted, given in zip((of_q, of_p), got[1:], strict=True):
            assert kind.numpy(given["concentration"]) == pytest.approx(
                wanted["concentration"], rel=1e-11, abs=1e-30
            )


def test_second_derivatives_exist_where_one_part_dwarfs_the_others():
    arrays = [torch.tensor(v[:2], requires_grad=True) for v in (Q, P)]

    def kl(q, p):
        return kl_divergence(Dirichlet(q), Dirichlet(p))

    assert torch.autograd.gradcheck(kl, arrays, eps=1e-9, rtol=1e-4)
    assert torch.autograd.gradgradcheck(kl, arrays, eps=1e-8, rtol=1e-3, atol=1e-3)


def test_a_beta_is_a_dirichlet_of_two_parts():
    q, p = Beta(Q[:, 0], Q[:, 1]), Beta(P[:, 0], P[:, 1])
    value, of_q, of_p = kl_value_and_grad(q, p)
    two, of_two_q, of_two_p = kl_value_and_grad(Dirichlet(Q[:, :2]), Dirichlet(P[:, :2]))
    assert np.array_equal(value, two)
    for of_beta, of_two in ((of_q, of_two_q), (of_p, of_two_p)):
        assert np.array_equal(np.stack(list(of_beta.values()), axis=-1), of_two["concentration"])
