"""Discrete families against scipy.stats, at their edges, and where their parameters end."""

import math

import mpmath as mp
import numpy as np
import pytest
from differences import slope
from scipy import stats

import klosed
from klosed import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OrderedLogistic,
    Poisson,
)
from klosed.distributions._categories import draw_class_numbers
from klosed.errors import ParameterError, ShapeError

PROBS = np.array([0.0, 2.0**-30, 0.3, 0.5, 0.999, 1.0])
COUNTS = np.arange(0.0, 40.0)[:, None]

RATES = np.array([0.0, 1e-9, 0.4, 7.0, 60.0])

SCIPY = {
    "bernoulli": (Bernoulli(PROBS), stats.bernoulli(PROBS)),
    "poisson": (Poisson(RATES), stats.poisson(RATES)),
    "geometric": (Geometric(PROBS[1:-1]), stats.geom(PROBS[1:-1], loc=-1)),
    "binomial": (Binomial(23, PROBS), stats.binom(23, PROBS)),
    "negative_binomial": (NegativeBinomial(2.5, PROBS[:-1]), stats.nbinom(2.5, 1 - PROBS[:-1])),
}


@pytest.mark.parametrize("name", SCIPY)
def test_densities_and_moments_are_those_of_scipy(name):
    ours, theirs = SCIPY[name]
    np.testing.assert_allclose(ours.log_prob(COUNTS), theirs.logpmf(COUNTS), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(ours.mean, theirs.mean(), rtol=1e-12)
    np.testing.assert_allclose(ours.variance, theirs.var(), rtol=1e-12)


def summed_entropy(weight, ratio):
    """Return −Σ p log p of p(0) = weight, p(k + 1)/p(k) = ratio(k), in 40 digits."""
    with mp.workdps(40):
        total, p, k, seen = mp.mpf(0), weight(), 0, mp.mpf(0)
        while p > 0 and (p > 1e-45 or seen < 0.5):
            total, seen = total - p * mp.log(p), seen + p
            p, k = p * ratio(k), k + 1
        return float(total)


@pytest.mark.parametrize("rate", [1e-12, 1e-3, 0.3, 1.0, 2.9, 3.1, 14.0, 100.0, 3000.0])
def test_entropy_of_poisson(rate):
    m = mp.mpf(rate)
    wanted = summed_entropy(lambda: mp.exp(-m), lambda k: m / (k + 1))
    for given in ({"rate": rate}, {"log_rate": np.log(rate)}):
        assert Poisson(**given).entropy() == pytest.approx(wanted, rel=2e-14, abs=0)
    single = Poisson(np.float32(rate)).entropy()
    assert single.dtype == np.float32
    assert single == pytest.approx(wanted, rel=1e-6, abs=0)


def test_entropy_of_poisson_has_its_limit():
    rate = 1e30
    assert Poisson(rate).entropy() == pytest.approx(
        np.log(2 * np.pi * np.e * rate) / 2, rel=1e-15, abs=0
    )
    assert Poisson(0.0).entropy() == 0.0
    single = Poisson(np.float32(rate)).entropy()
    assert single == pytest.approx(np.log(2 * np.pi * np.e * rate) / 2, rel=1e-6, abs=0)


@pytest.mark.parametrize(("dtype", "rel"), [(np.float64, 1e-13), (np.float32, 3e-6)])
@pytest.mark.parametrize("n", [1, 2, 17, 600])
@pytest.mark.parametrize("prob", [1e-30, 1e-5, 0.2, 0.5, 0.95, 1 - 1e-6])
def test_entropy_of_binomial(n, prob, dtype, rel):
    p = mp.mpf(float(dtype(prob)))
    wanted = summed_entropy(lambda: (1 - p) ** n, lambda k: (n - k) * p / ((k + 1) * (1 - p)))
    assert Binomial(n, dtype(prob)).entropy() == pytest.approx(wanted, rel=rel, abs=0)


@pytest.mark.parametrize("r", [1e-6, 0.05, 0.99, 1.0, 3.5, 400.0])
@pytest.mark.parametrize("prob", [1e-10, 0.1, 0.5, 0.97])
def test_entropy_of_negative_binomial(r, prob):
    p = mp.mpf(prob)
    wanted = summed_entropy(lambda: (1 - p) ** r, lambda k: (k + r) * p / (k + 1))
    assert NegativeBinomial(r, prob).entropy() == pytest.approx(wanted, rel=1e-13, abs=0)


@pytest.mark.parametrize("r", [0.3, 4.0])
@pytest.mark.parametrize("name", ["total_count", "log_total_count"])
def test_gradients_of_negative_binomial_in_its_total(r, name):
    """The laws do not move totals, which q and p must share."""
    given = r if name == "total_count" else np.log(r)
    x = np.array([0.0, 2.0, 9.0])

    def at(value):
        return NegativeBinomial(probs=0.4, **{name: value})

    _, of_density, _ = at(given).log_prob_value_and_grad(x)
    assert of_density[name] == pytest.approx(slope(lambda v: at(v).log_prob(x), given, 1.0))
    _, of_entropy = at(given).entropy_value_and_grad()
    assert of_entropy[name] == pytest.approx(slope(lambda v: at(v).entropy(), given, 1.0))


def test_densities_of_large_counts_keep_their_digits():
    """x log λ − λ − log x! in float32 is off by 0.01 here."""
    x, rate = 10_000.0, 10_100.0
    wanted = stats.poisson(rate).logpmf(x)
    assert Poisson(np.float32(rate)).log_prob(np.float32(x)) == pytest.approx(
        wanted, rel=2e-6, abs=0
    )
    wanted = stats.binom(20_000, 0.5).logpmf(x)
    assert Binomial(20_000, np.float32(0.5)).log_prob(np.float32(x)) == pytest.approx(
        wanted, rel=2e-6
    )


def test_densities_of_logits_beyond_the_range_of_probabilities():
    assert Binomial(3, logits=-800.0).log_prob(2.0) == pytest.approx(
        np.log(3) - 1600, rel=1e-15, abs=0
    )
    assert NegativeBinomial(1.0, logits=-800.0).log_prob(2.0) == pytest.approx(
        -1600, rel=1e-15, abs=0
    )
    assert Poisson(log_rate=-800.0).log_prob(2.0) == pytest.approx(
        -1600 - np.log(2), rel=1e-15, abs=0
    )
    assert Geometric(logits=-800.0).log_prob(1e9) == pytest.approx(-800.0, rel=1e-15, abs=0)
    assert Geometric(logits=-800.0).entropy() == pytest.approx(801.0, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bernoulli(1.1), r"probs must be in \[0, 1\]; got 1.1. Use logits"),
        (lambda: Bernoulli([0.2, -0.1]), r"probs must be in \[0, 1\]; got -0.1 at index \(1,\)"),
        (lambda: Bernoulli(logits=math.inf), "logits must be finite; got inf"),
        (lambda: Bernoulli(), "needs exactly one of probs or logits; got none"),
        (lambda: Bernoulli(0.5, logits=0.0), "got probs and logits"),
        (lambda: Poisson(-1.0), "rate must be >= 0 and finite; got -1. Use log_rate"),
        (lambda: Poisson(log_rate=math.inf), "log_rate must be finite; got inf"),
        (lambda: Geometric(0.0), r"probs must be in \(0, 1\]; got 0."),
        (lambda: NegativeBinomial(1.0, 1.0), r"probs must be in \[0, 1\); got 1."),
        (lambda: NegativeBinomial(0.0, 0.5), "total_count must be > 0 and finite; got 0."),
        (lambda: Binomial(2.5, 0.5), "total_count must be an integer >= 0; got 2.5."),
        (lambda: Categorical([0.5, -0.1]), "probs must be nonnegative and finite, with a positive"),
        (lambda: Categorical([0.0, 0.0]), "with a positive sum over the last axis; got"),
        (lambda: Categorical([math.nan, 1.0]), "probs must be nonnegative"),
        (lambda: Categorical(logits=[-math.inf, -math.inf]), "logits must be below inf, and not"),
        (lambda: Categorical(logits=[math.nan, 1.0]), "logits must be below inf"),
        (lambda: Multinomial(-1, [0.5, 0.5]), "total_count must be an integer >= 0; got -1."),
        (lambda: OrderedLogistic(0.0, [1.0, 1.0]), "cutpoints must be finite and strictly incr"),
        (lambda: OrderedLogistic(math.inf, [1.0]), "predictor must be finite; got inf"),
    ],
)
def test_parameters_outside_their_domain_are_named(build, message):
    with pytest.raises(ParameterError, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Categorical(0.5), r"last axis of at least one category; got shape \(\)"),
        (lambda: Categorical(logits=np.zeros((2, 0))), r"category; got shape \(2, 0\)"),
        (lambda: OrderedLogistic(0.0, 1.0), r"last axis of at least one cutpoint; got shape"),
    ],
)
def test_an_axis_of_categories_is_asked_for(build, message):
    with pytest.raises(ShapeError, match=message):
        build()


def test_densities_over_categories():
    pi = np.array([0.2, 0.5, 0.3])
    k = np.arange(3.0)
    for q in (Categorical(7 * pi), Categorical(logits=np.log(pi) + 5)):
        np.testing.assert_allclose(q.log_prob(k), np.log(pi), rtol=1e-14)
        assert q.log_prob([3.0, -1.0, 0.5]).tolist() == [-math.inf] * 3
        assert q.entropy() == pytest.approx(stats.entropy(pi), rel=1e-14, abs=0)
        assert q.mean == pytest.approx(1.1, rel=1e-15, abs=0)
        assert q.variance == pytest.approx(0.49, rel=1e-14, abs=0)
    q = OneHotCategorical(pi)
    np.testing.assert_allclose(q.log_prob(np.eye(3)), np.log(pi), rtol=1e-15)
    assert q.log_prob([1.0, 1.0, 0.0]) == -math.inf
    ours, theirs = Multinomial(12, pi), stats.multinomial(12, pi)
    x = theirs.rvs(20, random_state=0).astype(float)
    np.testing.assert_allclose(ours.log_prob(x), theirs.logpmf(x), rtol=1e-12)
    assert ours.log_prob([3.0, 3.0, 3.0]) == -math.inf
    assert ours.entropy() == pytest.approx(theirs.entropy(), rel=1e-13, abs=0)


def test_impossible_categories_never_occur():
    for q in (
        Categorical(probs=[0.0, 1.0, 0.0, 3.0, 0.0]),
        Categorical(logits=[-math.inf, 0.0, -math.inf, np.log(3.0), -math.inf]),
    ):
        assert set(q.sample(0, (1000,)).tolist()) == {1.0, 3.0}
        value, slopes, _ = q.log_prob_value_and_grad([0.0, 1.0])
        assert value[0] == -math.inf
        assert value[1] == pytest.approx(math.log(0.25), rel=1e-15, abs=0)
        assert not any(np.isnan(g).any() for g in slopes.values())
        entropy, slopes = q.entropy_value_and_grad()
        assert entropy == pytest.approx(stats.entropy([0.25, 0.75]), rel=1e-15, abs=0)
        assert not any(np.isnan(g).any() for g in slopes.values())
    x = Multinomial(5, [0.0, 1.0]).sample(0, (10,))
    assert np.all(x == [0.0, 5.0])
    assert Multinomial(5, [0.0, 1.0]).log_prob([[0.0, 5.0], [1.0, 4.0]]).tolist() == [
        0.0,
        -math.inf,
    ]


def test_the_smallest_random_number_draws_no_impossible_category():
    class Smallest:
        def random(self, shape):
            return np.zeros(shape)

    pi = Categorical([0.0, 0.0, 1.0]).core.probs
    assert draw_class_numbers(Smallest(), pi, (2,)).tolist() == [2, 2]


def test_ordered_classes_keep_the_digits_of_their_tails():
    q = OrderedLogistic(0.0, [-800.0, 700.0, 700.0 + 1e-9])
    wanted = [-800.0, -np.exp(-700.0), -700.0 + math.log(1e-9), -700.0]
    # the gap between 700 and its neighbour is rounded, the rest is not
    assert q.log_prob([0.0, 1.0, 2.0, 3.0]) == pytest.approx(wanted, rel=1e-7, abs=0)
    p = np.exp(OrderedLogistic(0.4, [-1.0, 0.3, 2.0]).log_prob(np.arange(4.0)))
    wanted = np.diff([0.0, *(1 / (1 + np.exp(0.4 - np.array([-1.0, 0.3, 2.0])))), 1.0])
    np.testing.assert_allclose(p, wanted, rtol=1e-14)


def test_probs_and_logits_say_the_same():
    p = np.array([0.1, 0.5, 0.9])
    q = Bernoulli(logits=np.log(p) - np.log1p(-p))
    np.testing.assert_allclose(q.probs, p, rtol=1e-15)
    np.testing.assert_allclose(Bernoulli(p).logits, q.logits, rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(klosed.entropy(q), klosed.entropy(Bernoulli(p)), rtol=1e-15)


@pytest.mark.parametrize(
    ("sure", "count"),
    [
        (Bernoulli(0.0), 0),
        (Bernoulli(1.0), 1),
        (Poisson(0.0), 0),
        (Geometric(1.0), 0),
        (Binomial(4, 1.0), 4),
        (Binomial(4, 0.0), 0),
        (NegativeBinomial(3.0, 0.0), 0),
    ],
    ids=repr,
)
def test_certain_outcomes(sure, count):
    assert np.all(sure.sample(0, (100,)) == count)
    assert sure.log_prob([count, count + 1.0]).tolist() == [0.0, -math.inf]
    assert (float(sure.mean), float(sure.variance), float(sure.entropy())) == (count, 0.0, 0.0)
