"""Geometric divergences at equal, certain and vanishing probabilities."""

import math

import numpy as np
import pytest

from klosed import Geometric, kl_divergence, kl_value_and_grad

INF = math.inf


def test_equal_distributions():
    """torch: not 0 for one in three."""
    p = Geometric(np.random.default_rng(0).uniform(size=1000))
    assert not kl_divergence(p, p).any()


@pytest.mark.parametrize(
    ("q", "p", "nats", "slope_q", "slope_p"),
    [(1.0, 0.5, math.log(2), INF, -2.0), (1.0, 1.0, 0.0, 0.0, -1.0), (0.5, 1.0, INF, 0.0, 0.0)],
)
def test_certain_success(q, p, nats, slope_q, slope_p):
    value, of_q, of_p = kl_value_and_grad(Geometric([q]), Geometric([p]))
    assert value == pytest.approx([nats], rel=1e-15, abs=0)
    assert (of_q["probs"], of_p["probs"]) == ([slope_q], [slope_p])


@pytest.mark.parametrize("step", [1.0, -1.0, 1e-9, 300.0, -300.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_vanishing_success_is_the_limit_of_exponential_distributions(step, dtype):
    """exp(−800) is no number, but the divergence is."""
    a, b = dtype(-8000), dtype(dtype(-8000) + dtype(step))
    step = float(b) - float(a)
    value, of_q, of_p = kl_value_and_grad(Geometric(logits=a), Geometric(logits=b))
    with np.errstate(over="ignore"):
        excess = dtype(math.expm1(step))
    size = step**2 / 2 if abs(step) < 1e-3 else excess - dtype(step)
    assert value == pytest.approx(size, rel=1e-6, abs=0)
    assert of_q["logits"] == pytest.approx(-excess, rel=1e-6, abs=0)
    assert of_p["logits"] == pytest.approx(excess, rel=1e-6, abs=0)
