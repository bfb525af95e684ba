"""The normal distribution where scales leave the range of floating point."""

import numpy as np
import pytest

from klosed import Normal


def test_log_scales_of_a_thousand():
    q = Normal(0.0, log_scale=[1000.0, -1000.0])
    assert q.entropy().tolist() == [1001.4189385332047, -998.5810614667953]
    log_p, gradients, of_x = q.log_prob_value_and_grad(0.0)
    assert log_p.tolist() == [-1000.9189385332047, 999.0810614667953]
    assert gradients["log_scale"].tolist() == [-1.0, -1.0]
    assert gradients["loc"].tolist() == of_x.tolist() == [0.0, 0.0]


def test_parameters_are_read_under_every_name():
    q = Normal(1.0, log_variance=np.log(4.0))
    assert [float(x) for x in (q.scale, q.variance, q.log_scale)] == pytest.approx(
        [2.0, 4.0, np.log(2.0)]
    )


def test_a_given_variance_is_the_variance_to_the_last_bit():
    variance = np.array([0.1, 0.7, 3.3])
    assert Normal(0.0, variance=variance).variance.tolist() == variance.tolist()
