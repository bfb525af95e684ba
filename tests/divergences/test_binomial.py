"""Binomial and negative binomial divergences: totals, certain outcomes, refusals."""

import math

import jax
import numpy as np
import pytest

from klosed import (
    Bernoulli,
    Binomial,
    Geometric,
    NegativeBinomial,
    NoClosedFormError,
    Poisson,
    kl_divergence,
    kl_value_and_grad,
)

INF = math.inf


def test_certain_success():
    """torch: −inf."""
    value, of_q, of_p = kl_value_and_grad(Binomial(5, [1.0]), Binomial(5, [0.3]))
    assert value == pytest.approx([-5 * math.log(0.3)], rel=1e-15, abs=0)
    assert (of_q["probs"], of_p["probs"]) == ([INF], pytest.approx([-5 / 0.3]))
    assert kl_divergence(Binomial(5, [0.3]), Binomial(5, [1.0])) == [INF]


def test_no_trials():
    value, of_q, of_p = kl_value_and_grad(Binomial(0, [0.0, 0.2]), Binomial(0, [1.0, 0.7]))
    assert not value.any()
    assert not of_q["probs"].any()
    assert not of_p["probs"].any()


def test_one_trial_is_a_bernoulli():
    q, p = np.array([0.2, 0.9]), np.array([0.7, 0.1])
    one = kl_divergence(Binomial(1, q), Binomial(1, p))
    assert np.array_equal(one, kl_divergence(Bernoulli(q), Bernoulli(p)))


def test_more_trials_are_outside_the_support():
    value, of_q, _ = kl_value_and_grad(Binomial([7, 5], 0.2), Binomial([5, 5], 0.4))
    assert value[0] == INF
    assert 0 < value[1] < INF
    assert (of_q["probs"] == 0).tolist() == [True, False]


@pytest.mark.parametrize("family", [Binomial, NegativeBinomial])
def test_fewer_trials_have_no_closed_form(family):
    with pytest.raises(NoClosedFormError, match=r"Binomial\) with these parameters\. Near"):
        kl_divergence(family([5.0, 3.0], probs=0.5), family([5.0, 4.0], probs=0.5))


@pytest.mark.parametrize("family", [Binomial, NegativeBinomial])
def test_while_tracing_different_totals_give_nan(family):
    @jax.jit
    def kl(n, m):
        return kl_divergence(family(n, probs=0.5), family(m, probs=0.25))

    assert kl(3.0, 3.0) > 0
    assert math.isnan(kl(3.0, 4.0))


def test_one_failure_is_a_geometric():
    q, p = np.array([0.2, 0.9]), np.array([0.7, 0.1])
    one = kl_divergence(NegativeBinomial(1.0, 1 - q), NegativeBinomial(1.0, 1 - p))
    assert one == pytest.approx(kl_divergence(Geometric(q), Geometric(p)), rel=1e-14, abs=0)


def test_no_success():
    q, p = NegativeBinomial(2.0, [0.0, 0.5, 0.0]), NegativeBinomial(2.0, [0.5, 0.0, 0.0])
    value, of_q, of_p = kl_value_and_grad(q, p)
    assert value == pytest.approx([2 * math.log(2), INF, 0.0], rel=1e-15, abs=0)
    assert of_q["probs"].tolist() == [-INF, 0.0, 0.0]
    assert of_p["probs"].tolist() == [4.0, 0.0, 2.0]


def test_many_failures_are_a_poisson():
    rates = np.array([0.5, 3.0]), np.array([0.7, 2.0])
    q, p = (NegativeBinomial(1e12, rate / (1e12 + rate)) for rate in rates)
    limit = kl_divergence(*(Poisson(rate) for rate in rates))
    assert kl_divergence(q, p) == pytest.approx(limit, rel=1e-11, abs=0)
