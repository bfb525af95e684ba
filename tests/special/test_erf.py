"""The error function against mpmath, in every array kind."""

import mpmath as mp
import numpy as np
import pytest
from kinds import KINDS

from klosed.special import erf

RNG = np.random.default_rng(7)
POINTS = np.concatenate([
    RNG.uniform(-7, 7, 1000),
    RNG.choice([-1.0, 1.0], 300) * 10.0 ** RNG.uniform(-30, 3, 300),
    [1.0, np.nextafter(1.0, 2.0), 6.25, -1.0],
])  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("xp", KINDS.values(), ids=KINDS)
def test_values_are_within_two_units_of_the_last_place(xp, dtype):
    x = POINTS.astype(dtype)
    got = erf(xp.array(x, dtype))
    assert xp.dtype(got) == dtype
    for at, value in zip(x.tolist(), xp.numpy(got).tolist(), strict=True):
        true = mp.erf(mp.mpf(at))
        assert abs(value - true) <= 2 * np.finfo(dtype).eps * abs(true), at


def test_ends():
    assert np.array_equal(erf(np.array([0.0, np.inf, -np.inf])), [0.0, 1.0, -1.0])
    assert np.isnan(erf(np.array(np.nan)))


def test_derivative_is_the_gaussian():
    import torch

    x = torch.tensor([0.0, 0.3, -1.7, 30.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(erf(x).sum(), x)
    wanted = [float(2 / mp.sqrt(mp.pi) * mp.exp(-(mp.mpf(v) ** 2))) for v in x.tolist()]
    assert slope.numpy() == pytest.approx(np.array(wanted), rel=1e-14)
