"""The logistic functions at the logits where probabilities saturate."""

import math

import mpmath as mp
import numpy as np
import pytest

from klosed.special import (
    log_sigmoid,
    sigmoid,
    sigmoid_difference,
    softplus,
    softplus_bregman,
    softplus_difference,
)

INF = math.inf


def test_ends():
    ends = np.array([-INF, 0.0, INF])
    np.testing.assert_array_equal(sigmoid(ends), [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(softplus(ends), [0.0, math.log(2), INF])
    np.testing.assert_array_equal(log_sigmoid(ends), [-INF, -math.log(2), 0.0])


@pytest.mark.parametrize(
    ("a", "b", "nats"),
    [
        # the values torch.distributions gets wrong, worked out by hand
        (0.0, 40.0, 20 - math.log(2) + math.log1p(math.exp(-40))),
        (0.0, -690.7755278982137, 345.3877639491069 - math.log(2)),
        (-500.0, 500.0, 500.0),
        (500.0, -500.0, 500.0),
        (3.0, 3.0, 0.0),
    ],
)
def test_bernoulli(a, b, nats):
    assert float(softplus_bregman(b, a)) == pytest.approx(nats, rel=1e-15, abs=0)
    assert float(softplus_bregman(-b, -a)) == pytest.approx(nats, rel=1e-15, abs=0)


def test_difference_is_odd_and_saturates():
    assert float(sigmoid_difference(800.0, -800.0)) == 1.0
    assert float(sigmoid_difference(-800.0, 800.0)) == -1.0
    assert float(sigmoid_difference(1.0, 2.0)) == -float(sigmoid_difference(2.0, 1.0))
    assert float(sigmoid_difference(40.0, 39.0)) == pytest.approx(
        math.exp(-40) * (math.e - 1), rel=1e-14
    )


@pytest.mark.parametrize("scale", [1.0, 30.0, 500.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softplus_difference_keeps_its_digits(scale, dtype):
    rng = np.random.default_rng(0)
    a = rng.uniform(-scale, scale, 300).astype(dtype)
    step = rng.choice([-1.0, 1.0], 300) * 10 ** rng.uniform(-12, 1, 300)
    b = (a + step).astype(dtype)
    got = softplus_difference(b, a)
    assert got.dtype == dtype
    tiny = float(np.finfo(dtype).smallest_normal)
    with mp.workdps(400):
        for x, y, z in zip(b.tolist(), a.tolist(), got.tolist(), strict=True):
            true = mp.log1p(mp.exp(mp.mpf(x))) - mp.log1p(mp.exp(mp.mpf(y)))
            assert abs(z - true) <= 8 * float(np.finfo(dtype).eps) * max(abs(true), tiny)
