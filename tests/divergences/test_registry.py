"""Looking pairs up, adding them, and saying so where there are none."""

import subprocess
import sys

import jax
import numpy as np
import pytest
import torch

import klosed
from klosed import Independent, Normal
from klosed.distributions import Distribution
from klosed.distributions._parameters import Positive
from klosed.distributions.supports import POSITIVE, Interval
from klosed.divergences import _registry, has_closed_form, register_kl
from klosed.errors import NoClosedFormError, ParameterError, ShapeError


class Half(Distribution):
    """A family on the half line that knows nothing of any other."""

    specification = (Positive("rate"),)
    support = POSITIVE

    def __init__(self, rate=None, *, log_rate=None):
        super().__init__(rate=rate, log_rate=log_rate)

    def _log_prob(self, x):
        return self.core.rate.log - self.core.rate.value * x

    def _sample(self, rng, shape):
        return self.array(rng.exponential(size=shape)) / self.core.rate.value


class Box(Half):
    """The same, cut to [0, rate]: its support has an array for an end."""

    @property
    def support(self):
        return Interval(0.0, self.core.rate.value)


@pytest.fixture
def rules(monkeypatch):
    """Let a test register pairs that are forgotten afterwards."""
    klosed.closed_form_pairs()  # or what is loaded meanwhile would be forgotten too
    monkeypatch.setattr(_registry, "_RULES", dict(_registry._RULES))


def test_a_missing_pair_names_families_neighbours_and_alternatives(rules):
    @register_kl(Half, Half)
    def _(q, p):
        return p.core.rate.value / q.core.rate.value

    message = (
        r"KL\(Half‖Normal\)\. Nearest pairs that have one: .*Half→Half.*"
        r"kl_monte_carlo\(q, p, n_samples, seed\).*@register_kl\(Half, Normal\)"
    )
    with pytest.raises(NoClosedFormError, match=message):
        klosed.kl_divergence(Half(1.0), Normal(0.0, 1.0))
    with pytest.raises(NotImplementedError):
        klosed.kl_value_and_grad(Half(1.0), Normal(0.0, 1.0))
    with pytest.raises(NoClosedFormError):
        klosed.cross_entropy(Half(1.0), Normal(0.0, 1.0))
    assert not has_closed_form(Half(1.0), Normal(0.0, 1.0))


@pytest.mark.parametrize("other", [3.0, torch.distributions.Normal(0.0, 1.0)])
def test_operands_that_are_no_distributions_of_ours_are_named(other):
    message = r"must be a klosed\.Distribution; got .*\.(float|Normal)\. Make it from"
    p = Normal(0.0, 1.0)
    for call in (
        lambda: klosed.kl_divergence(other, p),
        lambda: klosed.kl_value_and_grad(p, other),
        lambda: klosed.cross_entropy(other, p),
        lambda: klosed.kl_monte_carlo(other, p, 10, 0),
        lambda: klosed.kl_bounds(p, other),
        lambda: klosed.entropy(other),
        lambda: klosed.entropy_value_and_grad(other),
    ):
        with pytest.raises(ParameterError, match=message):
            call()


def test_estimates_need_a_whole_number_of_draws():
    for wrong in (1, 10.5, "10"):
        with pytest.raises(ParameterError, match=f"integer >= 2; got {wrong!r}"):
            klosed.kl_monte_carlo(Normal(0.0, 1.0), Normal(1.0, 1.0), wrong, seed=0)


def test_a_prior_of_numpy_scalars_fits_every_kind():
    p = Normal(np.float64(0.0), np.sqrt(2.0))
    assert klosed.kl_divergence(Normal(torch.zeros(2), 1.0), p).dtype == torch.float32
    assert klosed.kl_divergence(Normal(np.zeros(2, np.float32), 1.0), p).dtype == np.float32


def test_one_trial_and_one_hot_have_the_same_support():
    hot = klosed.OneHotCategorical([0.5, 0.5])
    trials = klosed.Multinomial
    for n in (1, 2):
        for probs in ([0.2, 0.8], [1.0, 0.0]):
            known = n == 2 or probs == [1.0, 0.0]
            assert has_closed_form(hot, trials(n, probs)) == known
            assert not known or klosed.kl_divergence(hot, trials(n, probs)) == np.inf
    assert not has_closed_form(trials(1, [0.2, 0.8]), hot)
    assert klosed.kl_divergence(trials(2, [0.2, 0.8]), hot) == np.inf
    mixture = klosed.MixtureSameFamily(
        klosed.Categorical([0.5, 0.5]), trials(1, [[0.2, 0.8], [0.6, 0.4]])
    )
    assert not has_closed_form(hot, mixture)


def test_a_registered_pair_is_found_by_subclasses_and_the_nearest_wins(rules):
    @register_kl(Half, Half)
    def _(q, p):
        return q.core.rate.value * 0 + 1.0

    assert float(klosed.kl_divergence(Box(1.0), Half(1.0))) == 1.0

    @register_kl(Box, Half)
    def _(q, p):
        return q.core.rate.value * 0 + 2.0

    assert float(klosed.kl_divergence(Box(1.0), Half(1.0))) == 2.0
    assert (Box, Half) in klosed.closed_form_pairs()


def test_a_rule_may_hold_for_some_members_only(rules):
    @register_kl(Half, Half, when=lambda q, p: q.parameters.keys() == p.parameters.keys())
    def _(q, p):
        return q.core.rate.value * 0 + 1.0

    assert has_closed_form(Half(1.0), Half(2.0))
    assert not has_closed_form(Half(1.0), Half(log_rate=0.0))


def test_a_pair_without_a_gradient_is_differentiated_by_the_array_library(rules):
    @register_kl(Half, Half)
    def _(q, p):
        return (q.core.rate.value - p.core.rate.value) ** 2

    with pytest.raises(NoClosedFormError, match=r"registered without a gradient.*\.gradient"):
        klosed.kl_value_and_grad(Half(1.0), Half(2.0))
    rate = torch.tensor(3.0, requires_grad=True)
    klosed.kl_divergence(Half(rate), Half(1.0)).backward()
    assert float(rate.grad) == 4.0
    assert float(jax.grad(lambda r: klosed.kl_divergence(Half(r), Half(1.0)))(3.0)) == 4.0


def test_supports_decide_infinity_without_a_formula():
    value, of_q, of_p = klosed.kl_value_and_grad(Normal([0.0, 1.0], 1.0), Half(1.0))
    assert value.tolist() == [np.inf, np.inf]
    assert all(g.tolist() == [0.0, 0.0] for g in (*of_q.values(), *of_p.values()))
    assert has_closed_form(Normal(0.0, 1.0), Half(1.0))
    # an end that is an array: inside nowhere, somewhere, everywhere
    assert float(klosed.kl_divergence(Box(2.0), Box(1.0))) == np.inf
    with pytest.raises(NoClosedFormError):
        klosed.kl_divergence(Box([0.5, 2.0]), Box(1.0))
    rate = torch.tensor(2.0, requires_grad=True)
    klosed.kl_divergence(Normal(rate, 1.0), Half(1.0)).backward()
    assert float(rate.grad) == 0.0
    assert float(jax.jit(lambda m: klosed.kl_divergence(Normal(m, 1.0), Half(1.0)))(0.0)) == np.inf


def test_supports_mask_a_formula_element_by_element(rules):
    @register_kl(Box, Box)
    def log_ratio(q, p):
        return (p.core.rate / q.core.rate).log

    @log_ratio.gradient
    def _(q, p):
        return {"log_rate": -1.0}, {"log_rate": 1.0}

    q, p = Box(np.array([0.5, 2.0])), Box(1.0)
    value, of_q, of_p = klosed.kl_value_and_grad(q, p)
    assert value.tolist() == [pytest.approx(np.log(2)), np.inf]
    assert of_q["rate"].tolist() == [-2.0, 0.0]
    assert of_p["rate"].tolist() == [1.0, 0.0]
    products = Independent(q, 1), Independent(Box(np.ones(2)), 1)
    assert float(klosed.kl_divergence(*products)) == np.inf


def test_event_shapes_must_agree():
    vector = Independent(Normal(np.zeros(3), 1.0), 1)
    with pytest.raises(ShapeError, match=r"Normal has \(\), Independent has \(3,\)\. Independent"):
        klosed.kl_divergence(Normal(0.0, 1.0), vector)
    with pytest.raises(ShapeError, match=r"q has \(2,\), p has \(3,\)"):
        klosed.kl_divergence(Normal(np.zeros(2), 1.0), Normal(np.zeros(3), 1.0))
    assert not has_closed_form(Normal(0.0, 1.0), vector)


def test_pairs_are_listed():
    pairs = klosed.closed_form_pairs()
    assert (Normal, Normal) in pairs
    assert list(pairs) == sorted(pairs, key=lambda pair: (pair[0].__name__, pair[1].__name__))


def in_a_new_process(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_formulas_are_loaded_when_a_pair_is_asked_for():
    code = """
import sys, klosed
klosed.kl_divergence(klosed.LogNormal(0.0, 1.0), klosed.LogNormal(0.0, 2.0))
print(*(m.removeprefix("klosed.divergences.") for m in sys.modules if ".divergences." in m))
"""
    public = [name for name in in_a_new_process(code) if not name.startswith("_")]
    assert sorted(public) == ["normal", "transformed"]


def test_every_pair_stands_in_the_file_of_one_of_its_ancestors():
    # or it would be found only after another pair had been asked for
    for q, p in klosed.closed_form_pairs():
        if q.__module__.startswith("klosed."):
            file = _registry._RULES[q, p].value.__module__.rpartition(".")[2]
            ancestors = (*q.__mro__, *p.__mro__)
            assert file in [family.__module__.rpartition(".")[2] for family in ancestors]


def test_a_formula_registered_first_is_not_replaced_by_ours():
    code = """
import klosed
@klosed.register_kl(klosed.Gamma, klosed.Gamma)
def _(q, p):
    return q.core.rate.value + 41.0
print(klosed.kl_divergence(klosed.Gamma(1.0, 1.0), klosed.Gamma(1.0, 1.0)))
"""
    assert in_a_new_process(code) == ["42.0"]


@pytest.mark.slow
def test_torch_compile_may_be_the_first_to_ask():
    code = """
import torch
from klosed import Normal, kl_divergence
one = torch.ones(2)
@torch.compile(fullgraph=True, backend="eager")
def kl(x):
    return kl_divergence(Normal(x, x), Normal(one, one))
print(*kl(one).tolist())
"""
    assert in_a_new_process(code) == ["0.0", "0.0"]


def test_monte_carlo_serves_pairs_without_a_formula():
    q, p = Half([0.5, 2.0]), Normal([[0.0], [1.0], [2.0]], 1.0)
    estimate, error = klosed.kl_monte_carlo(q, p, n_samples=50_000, seed=1)
    # −1 + log λ + ½ log 2π + ½ E(x − μ)², with E x = 1/λ and E x² = 2/λ²
    rate, loc = np.array([0.5, 2.0]), np.array([[0.0], [1.0], [2.0]])
    square = 2 / rate**2 - 2 * loc / rate + loc**2
    true = np.log(rate) - 1 + 0.5 * np.log(2 * np.pi) + 0.5 * square
    assert estimate.shape == error.shape == (3, 2)
    assert np.all(np.abs(estimate - true) <= 4 * error)
    assert np.all(error > 0)
    repeated, _ = klosed.kl_monte_carlo(q, p, n_samples=50_000, seed=1)
    assert np.array_equal(estimate, repeated)


def test_monte_carlo_at_its_edges():
    estimate, error = klosed.kl_monte_carlo(Normal(0.0, 1.0), Half(1.0), n_samples=100, seed=0)
    assert (float(estimate), float(error)) == (np.inf, 0.0)
    with pytest.raises(ParameterError, match="n_samples must be an integer >= 2; got 1"):
        klosed.kl_monte_carlo(Normal(0.0, 1.0), Normal(0.0, 1.0), n_samples=1, seed=0)
