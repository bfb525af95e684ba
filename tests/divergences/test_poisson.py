"""Poisson divergences where other libraries fail, and at rates of 0."""

import math

import numpy as np
import pytest

from klosed import Bernoulli, Poisson, kl_divergence, kl_value_and_grad

INF = math.inf


@pytest.mark.parametrize(
    ("q", "p", "nats", "slope_q", "slope_p"),
    [
        (0.0, 1.0, 1.0, -INF, 1.0),  # torch: NaN
        (0.0, 0.0, 0.0, 0.0, 1.0),
        (1.0, 0.0, INF, 0.0, 0.0),
        (2.0, 2.0, 0.0, 0.0, 0.0),
    ],
)
def test_no_events(q, p, nats, slope_q, slope_p):
    value, of_q, of_p = kl_value_and_grad(Poisson([q]), Poisson([p]))
    assert (value, of_q["rate"], of_p["rate"]) == ([nats], [slope_q], [slope_p])


def test_log_rates_beyond_the_range_of_rates():
    q = Poisson(log_rate=[-800.0, 0.0, 800.0, -800.0, 0.0])
    p = Poisson(log_rate=[0.0, -800.0, 800.0, -801.0, 800.0])
    assert kl_divergence(q, p).tolist() == [1.0, 799.0, 0.0, 0.0, INF]


def test_rates_against_log_rates_beyond_their_range():
    assert kl_divergence(Poisson([1.0]), Poisson(log_rate=[-800.0])) == pytest.approx([799.0])
    assert kl_divergence(Poisson([1e300]), Poisson(log_rate=[800.0])) == [INF]
    assert kl_divergence(Poisson(log_rate=[-1.0]), Poisson([0.0])) == [INF]
    assert kl_divergence(Poisson([0.0]), Poisson(log_rate=[-1.0])) == [np.exp(-1.0)]


@pytest.mark.parametrize(
    ("probs", "rate", "nats"),
    [(0.0, 0.0, 0.0), (0.0, 2.0, 2.0), (1.0, 1.0, 1.0), (1.0, 0.0, INF), (0.5, 0.0, INF)],
)
def test_bernoulli_against_poisson_at_the_ends(probs, rate, nats):
    assert kl_divergence(Bernoulli([probs]), Poisson([rate])) == [nats]


def test_poisson_against_bernoulli_is_infinite_unless_nothing_happens():
    assert kl_divergence(Poisson(1.0), Bernoulli(logits=0.0)) == INF
    assert kl_divergence(Poisson([1.0]), Bernoulli([0.5])) == [INF]
