"""The logistic functions at the logits where probabilities saturate."""

import math

import numpy as np
import pytest

from klosed.special import (
    log_sigmoid,
    sigmoid,
    sigmoid_difference,
    softplus,
    softplus_bregman,
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
