"""Where other libraries go wrong between normal distributions; each case has a name."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import torch
from kinds import KINDS

import klosed
from klosed import Normal

kinds = pytest.mark.parametrize("xp", KINDS.values(), ids=KINDS)


@kinds
def test_a_scale_of_1e_minus_200_is_finite(xp):
    """torch: KL(N(0, 1e-200)‖N(0, 1)) = inf."""
    value = klosed.kl_divergence(Normal(0.0, xp.array(1e-200)), Normal(0.0, 1.0))
    assert float(value) == pytest.approx(200 * np.log(10) - 0.5, rel=1e-15)


@kinds
@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-8, 1e-10, 1e-12])
def test_near_equal_scales_are_neither_negative_nor_zero(xp, size):
    """torch: 1556 of 6300 cases negative, all digits lost in 5119."""
    scale = 0.7 * (1 + size * np.linspace(0.5, 1.5, 50))
    value = klosed.kl_divergence(Normal(0.0, xp.array(scale)), Normal(0.0, xp.array(0.7)))
    with mp.workdps(60):
        ratios = [mp.mpf(float(s)) / mp.mpf(0.7) for s in scale]
        true = [float((r**2 - 1) / 2 - mp.log(r)) for r in ratios]
    np.testing.assert_allclose(xp.numpy(value), true, rtol=16 * 2.0**-52)


@kinds
def test_collapsed_posteriors_keep_their_digits_in_float32(xp):
    """The usual −½Σ(1 + logvar − μ² − e^logvar) is zero for half the cases at 1e-4."""
    log_variance = xp.array(np.full(100, 1e-4), "float32")
    value = klosed.kl_divergence(Normal(0.0, log_variance=log_variance), Normal(0.0, 1.0))
    assert xp.dtype(value) == "float32"
    np.testing.assert_allclose(xp.numpy(value), 2.500083e-9, rtol=1e-6)


@kinds
def test_log_scales_beyond_floating_point_meet(xp):
    for shift in (1000.0, -1000.0):
        q = Normal(0.0, log_scale=xp.array([shift, shift + 1e-3]))
        p = Normal(0.0, log_scale=xp.array(shift))
        value, of_q, of_p = klosed.kl_value_and_grad(q, p)
        # the spacing of numbers near 1000 is what limits the digits of the difference
        np.testing.assert_allclose(xp.numpy(value), [0.0, 1.000667e-6], rtol=1e-6)
        np.testing.assert_allclose(xp.numpy(of_q["log_scale"]), [0.0, 2.002001e-3], rtol=1e-6)
        assert not np.isnan(xp.numpy(of_p["loc"])).any()
        assert not np.isnan(xp.numpy(of_p["log_scale"])).any()


def test_gradients_in_scale_survive_where_the_value_overflows():
    value, of_q, _ = klosed.kl_value_and_grad(Normal(0.0, 1e100), Normal(0.0, 1e-100))
    assert float(value) == np.inf
    assert float(of_q["scale"]) == pytest.approx(1e300)


def test_backward_through_extremes_has_no_nan():
    log_scale = torch.tensor([1000.0, -1000.0, 0.0], dtype=torch.float64, requires_grad=True)
    value = klosed.kl_divergence(Normal(0.0, log_scale=log_scale), Normal(0.0, 1.0))
    value[1:].sum().backward()
    assert log_scale.grad.tolist()[1:] == [-1.0, 0.0]
    assert not np.isnan(klosed.kl_divergence(Normal(0.0, log_scale=jnp.array(-1e3)), Normal(0, 1)))
