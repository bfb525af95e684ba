"""Bernoulli divergences where other libraries fail, and at probabilities of exactly 0 and 1."""

import math

import numpy as np
import pytest

from klosed import Bernoulli, kl_divergence, kl_value_and_grad

INF = math.inf


@pytest.mark.parametrize("kind", [{"logits": 0.0}, {"probs": 0.5}])
@pytest.mark.parametrize("logit", [40.0, -40.0, 500.0, -690.0, -800.0, 3000.0])
def test_far_logits_are_finite(kind, logit):
    """torch: inf from logit 40 on, where the true value is 19.31."""
    value, of_q, of_p = kl_value_and_grad(Bernoulli(**kind), Bernoulli(logits=logit))
    assert value == pytest.approx(abs(logit) / 2 - math.log(2), rel=1e-15, abs=0)
    slope = -logit / 4 if "logits" in kind else -logit
    assert next(iter(of_q.values())) == pytest.approx(slope, rel=1e-15, abs=0)
    assert of_p["logits"] == pytest.approx(math.copysign(0.5, logit), rel=1e-15, abs=0)


def test_tiny_probabilities_count():
    """torch clips them: 17.3 instead of 344.7."""
    value = kl_divergence(Bernoulli(0.5), Bernoulli(1e-300))
    assert value == pytest.approx(-math.log(2) + 150 * math.log(10), rel=1e-15, abs=0)


def test_gradient_of_saturated_logits_has_the_right_sign():
    """torch: the wrong sign in 21 of 80 extreme cases."""
    a, b = (x.ravel() for x in np.meshgrid(np.linspace(-500, 500, 21), np.linspace(-499, 499, 21)))
    _, of_q, of_p = kl_value_and_grad(Bernoulli(logits=a), Bernoulli(logits=b))
    assert np.all(np.sign(of_q["logits"]) == np.sign(a - b))
    assert np.all(np.sign(of_p["logits"]) == np.sign(b - a))


@pytest.mark.parametrize(
    ("q", "p", "nats", "slope_q", "slope_p"),
    [
        (0.0, 0.0, 0.0, 0.0, 1.0),
        (1.0, 1.0, 0.0, 0.0, -1.0),
        (0.0, 1.0, INF, 0.0, 0.0),
        (1.0, 0.0, INF, 0.0, 0.0),
        (0.5, 0.0, INF, 0.0, 0.0),
        (0.5, 1.0, INF, 0.0, 0.0),
        (0.0, 0.5, math.log(2), -INF, 2.0),
        (1.0, 0.5, math.log(2), INF, -2.0),
    ],
)
def test_certain_outcomes(q, p, nats, slope_q, slope_p):
    value, of_q, of_p = kl_value_and_grad(Bernoulli([q]), Bernoulli([p]))
    assert value == pytest.approx([nats], rel=1e-15, abs=0)
    assert (of_q["probs"], of_p["probs"]) == ([slope_q], [slope_p])


def test_a_certain_outcome_against_logits():
    value = kl_divergence(Bernoulli([0.0, 1.0]), Bernoulli(logits=[-800.0, -800.0]))
    assert value.tolist() == [0.0, 800.0]
    assert kl_divergence(Bernoulli(logits=[-800.0]), Bernoulli([0.0])) == [INF]
