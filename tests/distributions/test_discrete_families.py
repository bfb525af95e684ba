"""Discrete families against scipy.stats, at their edges, and where their parameters end."""

import math

import numpy as np
import pytest
from scipy import stats

import klosed
from klosed import Bernoulli
from klosed.errors import ParameterError

PROBS = np.array([0.0, 1e-12, 0.3, 0.5, 0.999, 1.0])
COUNTS = np.arange(0.0, 40.0)[:, None]

SCIPY = {
    "bernoulli": (Bernoulli(PROBS), stats.bernoulli(PROBS)),
}


@pytest.mark.parametrize("name", SCIPY)
def test_densities_and_moments_are_those_of_scipy(name):
    ours, theirs = SCIPY[name]
    np.testing.assert_allclose(ours.log_prob(COUNTS), theirs.logpmf(COUNTS), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(ours.mean, theirs.mean(), rtol=1e-14)
    np.testing.assert_allclose(ours.variance, theirs.var(), rtol=1e-13)


@pytest.mark.parametrize("name", SCIPY)
def test_entropies_are_those_of_scipy(name):
    ours, theirs = SCIPY[name]
    np.testing.assert_allclose(ours.entropy(), theirs.entropy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bernoulli(1.1), r"probs must be in \[0, 1\]; got 1.1. Use logits"),
        (lambda: Bernoulli([0.2, -0.1]), r"probs must be in \[0, 1\]; got -0.1 at index \(1,\)"),
        (lambda: Bernoulli(logits=math.inf), "logits must be finite; got inf"),
        (lambda: Bernoulli(), "needs exactly one of probs or logits; got none"),
        (lambda: Bernoulli(0.5, logits=0.0), "got probs and logits"),
    ],
)
def test_parameters_outside_their_domain_are_named(build, message):
    with pytest.raises(ParameterError, match=message):
        build()


def test_probs_and_logits_say_the_same():
    p = np.array([0.1, 0.5, 0.9])
    q = Bernoulli(logits=np.log(p) - np.log1p(-p))
    np.testing.assert_allclose(q.probs, p, rtol=1e-15)
    np.testing.assert_allclose(Bernoulli(p).logits, q.logits, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(klosed.entropy(q), klosed.entropy(Bernoulli(p)), rtol=1e-15)


def test_bernoulli_draws_of_certain_outcomes():
    assert not Bernoulli(np.zeros(100)).sample(0).any()
    assert Bernoulli(np.ones(100)).sample(0).all()
