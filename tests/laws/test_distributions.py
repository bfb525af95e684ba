"""What every family must obey: densities, entropies, moments, samples and their gradients."""

import numpy as np
import pytest
from differences import direction, kept_on, slope
from families import FAMILIES, known
from quadrature import nodes

import klosed

pytestmark = pytest.mark.parametrize("name", FAMILIES)


def parts(d):
    """Return the distributions that a wrapper wraps; of any other, itself."""
    inner = ("base", "mixture_distribution", "component_distribution")
    return [p for n in inner if hasattr(d, n) for p in parts(getattr(d, n))] or [d]


def test_density_integrates_to_one_and_gives_entropy_mean_and_variance(name):
    d = FAMILIES[name](np.asarray)
    x, w = nodes(d.support, 3, d.loc if isinstance(d, klosed.Laplace) else None)
    log_p = d.log_prob(x)
    mass = w * np.exp(log_p)
    assert mass.sum(axis=0) == pytest.approx(np.ones(3), abs=1e-8)
    inner = np.where(mass > 0, mass * np.maximum(log_p, -1e4), 0.0)
    entropy, claimed, variance = (
        known(of) for of in (d.entropy, lambda: d.mean, lambda: d.variance)
    )
    assert entropy is None or entropy == pytest.approx(-inner.sum(axis=0), abs=1e-7)
    if claimed is None:
        return
    weighted = mass.reshape(mass.shape + (1,) * (x.ndim - 2))
    mean = np.sum(weighted * x, axis=0)
    assert claimed == pytest.approx(mean, abs=1e-7)
    assert variance == pytest.approx(np.sum(weighted * (x - mean) ** 2, axis=0), rel=1e-6)


def test_samples_have_the_mean_and_lie_in_the_support(name):
    d = FAMILIES[name](np.asarray)
    x = d.sample(5, (20_000,))
    assert x.shape == (20_000, 3, *d.event_shape)
    assert np.all(d.support.contains(x))
    mean = known(lambda: d.mean)
    if mean is not None:
        assert np.all(np.abs(x.mean(axis=0) - mean) <= 4.5 * np.sqrt(d.variance / 20_000))
    assert np.array_equal(x, d.sample(5, (20_000,)))
    assert not np.array_equal(x, d.sample(6, (20_000,)))


def test_gradients_of_density_and_entropy_agree_with_differences(name):
    instance = FAMILIES[name]
    d = instance(np.asarray)
    x = d.sample(1)
    rng = np.random.default_rng(4)
    log_p, of_density, of_x = d.log_prob_value_and_grad(x)
    gradients = [(of_density, lambda d: d.log_prob(x))]
    if known(d.entropy) is not None:
        entropy, of_entropy = d.entropy_value_and_grad()
        assert np.array_equal(entropy, d.entropy())
        gradients.append((of_entropy, lambda d: d.entropy()))
    assert np.array_equal(log_p, d.log_prob(x))
    for parameter, given in instance.parameters.items():
        along = direction(parameter, np.asarray(given), rng)

        def moved(values, parameter=parameter):
            return instance.family(**{**instance.parameters, parameter: values})

        for gradient, function in gradients:
            got = np.sum((gradient[parameter] * along).reshape(3, -1), axis=1)
            true = slope(lambda v, of=function, moved=moved: of(moved(v)), given, along)
            assert got == pytest.approx(true, rel=1e-8, abs=1e-9), parameter
    if not of_x.any():
        return  # a discrete family: nothing to differentiate
    along = direction("x", x, rng)
    got = np.sum((of_x * along).reshape(3, -1), axis=1)
    true = slope(lambda x: d.log_prob(kept_on(d.support, x)), x, along)
    assert got == pytest.approx(true, rel=1e-8, abs=1e-9)


def test_outside_the_support_the_density_is_zero(name):
    d = FAMILIES[name](np.asarray)
    if d.support.unbounded:
        pytest.skip("nothing lies outside")
    x = np.full((3, *d.event_shape), -1.5)
    log_p, gradients, of_x = d.log_prob_value_and_grad(x)
    outside = ~d.support.contains(x)
    assert np.all(log_p[outside] == -np.inf)
    assert all(np.all(g[outside] == 0) for g in (*gradients.values(), of_x))


def test_nothing_lies_at_infinity(name):
    d = FAMILIES[name](np.asarray)
    if d.event_shape == ():
        assert np.all(d.log_prob([[-np.inf], [np.inf]]) == -np.inf)


def test_parameters_are_kept_as_given(name):
    instance = FAMILIES[name]
    d = instance(np.asarray)
    assert list(d.parameters) == list(instance.parameters)
    for parameter, given in instance.parameters.items():
        assert np.array_equal(d.parameters[parameter], given)
        name_there = parameter.removeprefix("mixture_")
        read = [getattr(part, name_there) for part in parts(d) if hasattr(part, name_there)]
        assert any(np.array_equal(array, given) for array in read)
    assert d.batch_shape == (3,)
    assert isinstance(d, klosed.Distribution)
