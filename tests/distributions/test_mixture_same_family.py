"""Mixtures: their parts, their names, their edges, beside PyTorch's and beside sums by hand."""

import mpmath
import numpy as np
import pytest
import torch

import klosed
from klosed import (
    Bernoulli,
    Binomial,
    Categorical,
    Gamma,
    Independent,
    MixtureSameFamily,
    Multinomial,
    Normal,
    OneHotCategorical,
    Pareto,
    Uniform,
)
from klosed.errors import ArrayKindError, NoClosedFormError, ParameterError, ShapeError


def test_density_mean_variance_and_backward_are_those_of_torch():
    rng = np.random.default_rng(0)
    logits, loc, scale = (rng.normal(size=(4, 3)) for _ in range(3))
    scale, x = np.exp(scale), rng.normal(size=(5, 4)) * 3
    arrays = [torch.asarray(a).requires_grad_() for a in (logits, loc, scale, x)]
    t = torch.distributions
    theirs = t.MixtureSameFamily(t.Categorical(logits=arrays[0]), t.Normal(*arrays[1:3]))
    ours = MixtureSameFamily(Categorical(logits=arrays[0]), Normal(*arrays[1:3]))
    assert torch.allclose(ours.log_prob(arrays[3]), theirs.log_prob(arrays[3]), rtol=1e-13)
    assert torch.allclose(ours.mean, theirs.mean, rtol=1e-13)
    assert torch.allclose(ours.variance, theirs.variance, rtol=1e-13)
    got = torch.autograd.grad(ours.log_prob(arrays[3]).sum(), arrays)
    wanted = torch.autograd.grad(theirs.log_prob(arrays[3]).sum(), arrays)
    for g, w in zip(got, wanted, strict=True):
        assert torch.allclose(g, w, rtol=1e-11, atol=1e-13)


def test_far_out_the_density_keeps_its_digits():
    q = MixtureSameFamily(Categorical(probs=[0.25, 0.75]), Normal([0.0, 1.0], [1.0, 2.0]))
    x = np.array([-300.0, 60.0, 1e5])
    value, of_parameters, of_x = q.log_prob_value_and_grad(x)
    with mpmath.workdps(40):
        for i, at in enumerate(x):

            def log_p(at, w=0.25):
                each = (w * mpmath.npdf(at, 0, 1), (1 - mpmath.mpf(w)) * mpmath.npdf(at, 1, 2))
                return mpmath.log(sum(each))

            assert float(value[i]) == pytest.approx(float(log_p(mpmath.mpf(at))), rel=1e-15)
            slope = mpmath.diff(log_p, mpmath.mpf(at), h=mpmath.mpf(10) ** -12)
            assert float(of_x[i]) == pytest.approx(float(slope), rel=1e-11)
    assert of_parameters["loc"].shape == of_parameters["probs"].shape == (3, 2)
    assert np.all(np.isfinite(of_parameters["probs"]))


def test_equal_components_leave_the_weights_without_a_pull():
    """r − π is an exact 0 there, not the rounding of a difference."""
    q = MixtureSameFamily(Categorical(logits=[0.1, 0.7, -0.4]), Normal([1.0, 1.0, 1.0], 2.0))
    _, gradients, _ = q.log_prob_value_and_grad(3.0)
    assert np.all(np.abs(gradients["logits"]) < 1e-16)


def test_a_component_of_weight_zero_never_occurs():
    q = MixtureSameFamily(
        Categorical(probs=[0.0, 1.0, 1.0]), Uniform([0.0, 2.0, 5.0], [1.0, 3.0, 6.0])
    )
    value, gradients, _ = q.log_prob_value_and_grad([0.5, 2.5, 4.0])
    assert value.tolist() == [-np.inf, pytest.approx(np.log(0.5)), -np.inf]
    # adding weight to component 0 moves log p(2.5) by −1/Σw, and outside there is no gradient
    assert gradients["probs"][1].tolist() == [-0.5, 0.5, -0.5]
    assert not gradients["probs"][[0, 2]].any()
    draws = q.sample(0, (1000,))
    assert np.all(q.support.contains(draws))
    assert np.mean(draws > 4) == pytest.approx(0.5, abs=0.06)


def test_the_support_is_the_union_of_those_of_the_components():
    def mix(components, *weights):
        return MixtureSameFamily(Categorical(probs=weights), components).support

    gap = mix(Uniform([0.0, 2.0], [1.0, 3.0]), 0.5, 0.5)
    assert gap.contains(np.array([0.5, 1.5, 2.5])).tolist() == [True, False, True]
    filled = mix(Uniform([0.0, 2.0, 1.0], [1.0, 3.0, 2.0]), 0.2, 0.3, 0.5)
    whole, hole = Uniform(0.0, 3.0).support, Uniform(1.2, 1.8).support
    assert whole.covers(gap)
    assert filled.covers(whole)
    assert filled.covers(gap)
    assert not gap.covers(filled)
    assert not gap.covers(whole)
    assert not gap.covers(hole)
    assert filled.covers(hole)
    assert not gap.covers(Normal(0.0, 1.0).support)
    assert Normal(0.0, 1.0).support.covers(gap)
    assert mix(Gamma([1.0, 2.0], 1.0), 0.5, 0.5) == Gamma(1.0, 1.0).support
    heavy = mix(Pareto([1.0, 2.0], 3.0), 0.5, 0.5)
    assert heavy.covers(Pareto(1.5, 2.0).support)
    assert not heavy.covers(Pareto(0.5, 2.0).support)
    counts = mix(Binomial([2, 5], probs=[0.5, 1.0]), 0.5, 0.5)
    assert counts.contains(np.arange(6.0)).tolist() == [True, True, True, False, False, True]
    assert not counts.covers(Binomial(3, probs=0.5).support)
    assert mix(Binomial([2, 3], probs=[0.5, 1.0]), 0.5, 0.5).covers(Binomial(3, probs=0.5).support)
    one = mix(Categorical(probs=[[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]), 0.5, 0.5)
    assert one.contains(np.arange(3.0)).tolist() == [False, True, True]
    hot = mix(OneHotCategorical(probs=[[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]), 1.0, 0.0)
    assert hot.contains(np.eye(3)).tolist() == [False, True, False]
    box = mix(Independent(Uniform([[0.0, 0.0], [2.0, 2.0]], [[1.0, 1.0], [3.0, 3.0]]), 1), 0.5, 0.5)
    assert not box.covers(Independent(Uniform([0.0, 2.5], [1.0, 3.5]), 1).support)
    totals = mix(Multinomial([2, 3], probs=[[0.5, 0.5], [0.5, 0.5]]), 0.5, 0.5)
    assert totals.contains(np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0]])).tolist() == [1, 1, 0]
    assert totals.covers(Multinomial(2, probs=[0.5, 0.5]).support)
    assert not totals.covers(Multinomial(4, probs=[0.5, 0.5]).support)


def test_parameters_keep_their_names_and_the_weights_give_way():
    plain = MixtureSameFamily(Categorical(logits=[0.0, 1.0]), Normal([0.0, 1.0], log_scale=0.0))
    assert list(plain.parameters) == ["logits", "loc", "log_scale"]
    assert plain.parameter_shapes == {"logits": (2,), "loc": (2,), "log_scale": (2,)}
    clash = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Bernoulli(logits=[0.0, 1.0]))
    assert list(clash.parameters) == ["mixture_probs", "logits"]
    nested = MixtureSameFamily(
        Categorical(probs=[0.4, 0.6]),
        MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal([[0.0, 1.0], [2.0, 3.0]], 1.0)),
    )
    assert list(nested.parameters) == ["mixture_probs", "probs", "loc", "scale"]
    flat = MixtureSameFamily(
        Categorical(probs=[0.2, 0.2, 0.3, 0.3]), Normal([0.0, 1.0, 2.0, 3.0], 1.0)
    )
    assert float(nested.log_prob(0.3)) == pytest.approx(float(flat.log_prob(0.3)), rel=1e-15)
    _, of_nested, _ = nested.log_prob_value_and_grad(0.3)
    _, of_flat, _ = flat.log_prob_value_and_grad(0.3)
    assert of_nested["loc"].ravel() == pytest.approx(of_flat["loc"], rel=1e-14)
    assert of_nested["mixture_probs"] == pytest.approx(
        of_flat["probs"].reshape(2, 2).mean(axis=1), rel=1e-14
    )


def test_shapes_follow_from_the_parts():
    q = MixtureSameFamily(
        Categorical(logits=np.zeros((5, 1, 3))), Independent(Normal(np.zeros((2, 3, 4)), 1.0), 1)
    )
    assert (q.batch_shape, q.event_shape) == ((5, 2), (4,))
    assert q.sample(0, (7,)).shape == (7, 5, 2, 4)
    assert q.log_prob(np.zeros((7, 5, 2, 4))).shape == (7, 5, 2)
    assert q.mean.shape == q.variance.shape == (5, 2, 4)


def test_infinite_moments_stay_infinite():
    q = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Pareto(1.0, [1.0, 5.0]))
    assert float(q.mean) == float(q.variance) == np.inf
    never = MixtureSameFamily(Categorical(probs=[0.0, 1.0]), Pareto(1.0, [1.0, 5.0]))
    assert float(never.mean) == 1.25


def test_plain_numbers_follow_arrays_and_two_kinds_are_refused():
    q = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal(torch.zeros(2), 1.0))
    assert all(isinstance(array, torch.Tensor) for array in q.parameters.values())
    with pytest.raises(ArrayKindError, match="mixture_distribution is NumPy"):
        MixtureSameFamily(Categorical(probs=np.array([0.5, 0.5])), Normal(torch.zeros(2), 1.0))


def test_mistakes_are_named():
    weights = Categorical(probs=[0.5, 0.5])
    with pytest.raises(ParameterError, match="mixture_distribution must be a Categorical; got No"):
        MixtureSameFamily(Normal(0.0, 1.0), Normal([0.0, 1.0], 1.0))
    with pytest.raises(ParameterError, match="component_distribution must be a Distribution; got"):
        MixtureSameFamily(weights, [Normal(0.0, 1.0), Normal(1.0, 1.0)])
    with pytest.raises(ShapeError, match=r"each of the 2 categories .* got batch shape \(3,\)"):
        MixtureSameFamily(weights, Normal([0.0, 1.0, 2.0], 1.0))
    with pytest.raises(ShapeError, match=r"got batch shape \(\)"):
        MixtureSameFamily(weights, Normal(0.0, 1.0))
    with pytest.raises(ShapeError, match=r"mixture_distribution has \(3,\), component_.* \(4,\)"):
        MixtureSameFamily(Categorical(probs=np.ones((3, 2))), Normal(np.zeros((4, 2)), 1.0))


def test_what_has_no_closed_form_says_what_to_do():
    q = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal([0.0, 1.0], 1.0))
    with pytest.raises(NoClosedFormError, match=r"for its entropy. Estimate it as -mean\(log_prob"):
        klosed.entropy(q)
    with pytest.raises(NoClosedFormError, match="no reparameterised sampling: which component"):
        q.rsample(0.0)
    for pair in ((q, Normal(0.0, 1.0)), (Normal(0.0, 1.0), q), (q, q)):
        with pytest.raises(NoClosedFormError, match=r"kl_bounds\(q, p\) for .*, kl_monte_carlo"):
            klosed.kl_divergence(*pair)
    assert float(klosed.kl_divergence(q, Gamma(1.0, 1.0))) == np.inf
    estimate, error = klosed.kl_monte_carlo(q, Normal(0.5, 1.25**0.5), n_samples=20_000, seed=0)
    with mpmath.workdps(20):

        def integrand(x):
            d = (mpmath.npdf(x, 0, 1) + mpmath.npdf(x, 1, 1)) / 2
            return d * mpmath.log(d / mpmath.npdf(x, 0.5, mpmath.sqrt(1.25)))

        true = mpmath.quad(integrand, mpmath.linspace(-12, 13, 11))
    assert abs(float(estimate) - float(true)) <= 4 * float(error)


def test_it_is_written_as_it_was_made():
    q = MixtureSameFamily(Categorical(probs=[0.5, 0.5]), Normal([0.0, 1.0], 1.0))
    assert repr(q).startswith("MixtureSameFamily(Categorical(probs=<float64 (2,)>), Normal(loc=")
