"""The logarithm's mean over an interval against mpmath, in every array kind."""

import mpmath as mp
import numpy as np
import pytest
from kinds import KINDS

from klosed.special import log_mean_gap

RNG = np.random.default_rng(8)
POINTS = np.concatenate([RNG.uniform(0, 1, 1000), 10.0 ** RNG.uniform(-15, 0, 500), [0.4, 1.0]])


def exact(h):
    h = mp.mpf(h)
    low = (1 - h) * mp.log(1 - h) if h < 1 else 0
    return 1 - ((1 + h) * mp.log(1 + h) - low) / (2 * h)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("xp", KINDS.values(), ids=KINDS)
def test_values_are_within_six_units_of_the_last_place(xp, dtype):
    h = POINTS.astype(dtype)
    got = log_mean_gap(xp.array(h, dtype))
    assert xp.dtype(got) == dtype
    with mp.workdps(80):
        for at, value in zip(h.tolist(), xp.numpy(got).tolist(), strict=True):
            true = exact(at)
            assert abs(value - true) <= 6 * np.finfo(dtype).eps * true, at


def test_an_interval_without_width_has_no_gap():
    assert log_mean_gap(0.0) == 0.0


def test_derivative():
    import torch

    h = torch.tensor([1e-9, 0.2, 0.399, 0.41, 0.97], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(log_mean_gap(h).sum(), h)
    with mp.workdps(60):
        wanted = [float((mp.atanh(v) / v - 1) / v) for v in map(mp.mpf, h.tolist())]
    assert slope.numpy() == pytest.approx(np.array(wanted), rel=1e-13)
