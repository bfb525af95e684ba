"""Draws from given noise: their distribution, and how they move with the parameters."""

import jax
import numpy as np
import pytest
import torch
from differences import direction, slope
from families import FAMILIES, known
from kinds import KINDS

import klosed
from klosed.distributions.transforms import AffineTransform
from klosed.special import bessel_ratio, bessel_slope

QUANTILE = (
    "Gamma",
    "Chi2",
    "Chi",
    "InverseGamma",
    "ExpGamma",
    "Beta",
    "Dirichlet",
    "Wishart",
    "PowerSpherical",
    "InverseGaussian",
    "VonMises",
    "VonMisesFisher",
)
NORMAL = (klosed.InverseGaussian, klosed.VonMises, klosed.VonMisesFisher)


def noise_of(d, n, rng):
    """Return noise for n draws: of families not in QUANTILE some that fits, no matter which."""
    shape = (n, *d.batch_shape, *d.noise_shape)
    noise = rng.standard_normal(shape) if isinstance(d, NORMAL) else rng.random(shape)
    if isinstance(d, klosed.PowerSpherical):
        noise[..., 2:] = rng.standard_normal((*shape[:-1], *d.event_shape))
    if isinstance(d, klosed.Wishart):
        on_diagonal = np.eye(shape[-1], dtype=bool)
        noise = np.where(on_diagonal, noise, rng.standard_normal(shape))
    return noise


def can(name):
    d = FAMILIES[name](np.asarray)
    return known(lambda: d.rsample(noise_of(d, 1, np.random.default_rng(0)))) is not None


REPARAMETERISED = [name for name in FAMILIES if can(name)]
ours = [n for n in REPARAMETERISED if type(FAMILIES[n]()).__name__ in QUANTILE]


def test_every_family_that_has_a_quantile_is_among_them():
    assert {type(FAMILIES[n]()).__name__ for n in ours} == set(QUANTILE)


@pytest.mark.parametrize("name", ours)
def test_draws_from_noise_have_the_moments_and_lie_in_the_support(name):
    d = FAMILIES[name](np.asarray)
    n = 1_000
    x = d.rsample(noise_of(d, n, np.random.default_rng(7)))
    assert x.shape == (n, 3, *d.event_shape)
    assert np.all(d.support.contains(x))
    if not isinstance(d, klosed.VonMises):  # a circle has no mean
        assert np.all(np.abs(x.mean(axis=0) - d.mean) <= 4.5 * np.sqrt(d.variance / n))
    entropy = -d.log_prob(x)
    error = entropy.std(axis=0) / n**0.5
    assert np.all(np.abs(entropy.mean(axis=0) - d.entropy()) <= 4.5 * error + 1e-12)


@pytest.mark.parametrize("name", REPARAMETERISED)
def test_gradients_of_draws_agree_with_differences(name):
    instance = FAMILIES[name]
    rng = np.random.default_rng(3)
    noise = noise_of(instance(np.asarray), 1, rng)[0]

    def draws(parameters):
        return np.sum(np.reshape(instance.family(**parameters).rsample(noise), (3, -1)), axis=-1)

    arrays = {n: torch.as_tensor(np.asarray(v)) for n, v in instance.parameters.items()}
    moving = [n for n, a in arrays.items() if a.is_floating_point()]
    for n in moving:
        arrays[n].requires_grad_()
    x = instance.family(**arrays).rsample(torch.as_tensor(noise))
    if not x.requires_grad:
        return  # of no parameter that draws depend on
    found = torch.autograd.grad(x.sum(), [arrays[n] for n in moving], allow_unused=True)
    for n, gradient in zip(moving, found, strict=True):
        given = np.asarray(instance.parameters[n])
        along = direction(n, given, rng)
        got = 0.0 if gradient is None else float((gradient.numpy() * along).sum())
        true = slope(lambda v, n=n: draws({**instance.parameters, n: v}), given, along)
        assert got == pytest.approx(np.sum(true), rel=1e-7, abs=1e-8), n


def even_noise(n):
    """Return standard normal numbers, one for each of n equal parts of the mass."""
    return torch.special.ndtri((torch.arange(n, dtype=torch.float64) + 0.5) / n)


def scalars(*values):
    return [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]


@pytest.mark.parametrize("kappa", [0.4, 3.0, 50.0])
def test_gradients_of_the_mean_direction_are_those_of_bessel_functions(kappa):
    mu, k = scalars(2.9, kappa)
    x = klosed.VonMises(mu, k).rsample(even_noise(2000))
    along, aside = torch.cos(x - 2.9).mean(), torch.sin(x - 2.4).mean()
    # E exp(i(x − μ)) = I₁/I₀
    (by_kappa,) = torch.autograd.grad(along, k, retain_graph=True)
    (by_mu,) = torch.autograd.grad(aside, mu)
    assert along.item() == pytest.approx(bessel_ratio(kappa, 0.0), rel=1e-4)
    assert by_kappa.item() == pytest.approx(bessel_slope(kappa, 0.0), rel=2e-3)
    assert aside.item() == pytest.approx(along.item() * np.sin(0.5), rel=1e-4)
    assert by_mu.item() == pytest.approx(along.item() * np.cos(0.5), rel=1e-4)

    noise = torch.ones((2000, 6), dtype=torch.float64) * torch.tensor([0.0, 1, 2, 0, -1, 1])
    noise[:, 0] = even_noise(2000)
    axis = torch.tensor([0.0, 0.0, 0.6, 0.0, 0.8], dtype=torch.float64)
    x = klosed.VonMisesFisher(axis, k).rsample(noise)
    along = (x @ axis).mean()
    assert along.item() == pytest.approx(bessel_ratio(kappa, 1.5), rel=1e-4)
    (by_kappa,) = torch.autograd.grad(along, k)
    assert by_kappa.item() == pytest.approx(bessel_slope(kappa, 1.5), rel=2e-3)


def test_gradients_of_inverse_gaussian_moments_are_exact():
    mu, lam = scalars(2.0, 3.0)
    x = klosed.InverseGaussian(mu, lam).rsample(even_noise(2000))
    # E x = μ, E 1/x = 1/μ + 1/λ
    for moment, true in ((x, (1.0, 0.0)), (1.0 / x, (-1.0 / 4.0, -1.0 / 9.0))):
        found = torch.autograd.grad(moment.mean(), (mu, lam), retain_graph=True)
        assert [g.item() for g in found] == pytest.approx(true, abs=2e-3)


def test_second_derivatives_of_draws_are_those_of_their_gradients():
    for draw in (
        lambda p: klosed.InverseGaussian(1.3, p).rsample([0.7, -1.1]),
        lambda p: klosed.VonMises(0.0, p).rsample([0.3, -1.1]),
        lambda p: klosed.VonMisesFisher([0.0, 0.6, 0.8], p).rsample([0.7, 1.0, 0.2, 0.3]),
    ):
        ends = []
        for at in (0.8 - 1e-5, 0.8, 0.8 + 1e-5):
            (p,) = scalars(at)
            (first,) = torch.autograd.grad(draw(p).sum(), p, create_graph=True)
            (second,) = torch.autograd.grad(first, p)
            ends.append((first.item(), second.item()))
        assert ends[1][1] == pytest.approx((ends[2][0] - ends[0][0]) / 2e-5, rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("family", [klosed.Gamma, klosed.Beta, *NORMAL])
def test_jax_compiles_gradients_of_draws(family):
    noise = [[0.3, 0.8], [0.01, 0.5]]
    noise = noise if family is klosed.Beta else [0.3, 0.01]
    if family is klosed.VonMisesFisher:
        noise = [[0.3, 1.0, -1.0], [-0.2, 0.1, 0.7]]

    def total(a, b):
        return family(a, b).rsample(noise).sum()

    given = np.array([0.4, 3.0]), np.array([2.0, 0.7])
    of_torch = [torch.as_tensor(g).requires_grad_() for g in given]
    family(*of_torch).rsample(noise).sum().backward()
    found = jax.jit(jax.grad(total, (0, 1)))(*map(KINDS["jax"].array, given))
    for got, true in zip(found, of_torch, strict=True):
        np.testing.assert_allclose(got, true.grad, rtol=1e-11)


def test_draws_of_small_concentrations_keep_their_gradient():
    """A gamma draw of 1e-4 underflows; the parts of a beta draw do not."""
    a = torch.tensor([1e-4, 2e-4], dtype=torch.float64, requires_grad=True)
    x = klosed.Beta(a, 1.0).rsample([[0.999, 0.5], [0.9999, 0.1]])
    assert torch.all((x > 0) & (x < 1))
    (gradient,) = torch.autograd.grad(torch.log(x).sum(), a)
    h = 1e-9

    def log_draws(at):
        return np.log(klosed.Beta(at, 1.0).rsample([[0.999, 0.5], [0.9999, 0.1]]))

    at = a.detach().numpy()
    np.testing.assert_allclose(
        gradient, (log_draws(at + h) - log_draws(at - h)) / (2 * h), rtol=1e-5
    )


def test_float32_stays_float32():
    noise = np.array([0.2, 0.7], dtype=np.float32)
    x = klosed.Gamma(np.array([0.5, 1e6], dtype=np.float32), np.float32(2.0)).rsample(noise)
    assert x.dtype == np.float32
    exact = klosed.Gamma([0.5, 1e6], 2.0).rsample(noise.astype(float))
    np.testing.assert_allclose(x, exact, rtol=1e-5)


@pytest.mark.parametrize("family", NORMAL)
def test_normal_noise_and_parameters_in_float32_stay_so(family):
    first = np.float32([[0.6, 0.8]] if family is klosed.VonMisesFisher else [1.5])
    noise = np.random.default_rng(0).standard_normal((50, 1, 3)).astype(np.float32)
    noise = noise if family is klosed.VonMisesFisher else noise[..., 0]
    x = family(first, np.float32([2.0])).rsample(noise)
    assert x.dtype == np.float32
    exact = family(first.astype(float), [2.0]).rsample(noise.astype(float))
    np.testing.assert_allclose(x, exact, rtol=2e-6, atol=2e-6)


def test_directions_take_a_number_for_the_angle_and_a_vector_across():
    with pytest.raises(klosed.errors.ShapeError, match=r"noise must end in \(3,\)"):
        klosed.VonMisesFisher([0.0, 1.0], 2.0).rsample(np.zeros(2))


def test_wrappers_take_the_noise_of_what_they_wrap():
    beta = klosed.Beta(np.array([2.0, 3.0]), 4.0)
    noise = np.array([[0.2, 0.3], [0.7, 0.4]])
    shifted = klosed.TransformedDistribution(beta, AffineTransform(1.0, 2.0))
    np.testing.assert_allclose(shifted.rsample(noise), 1.0 + 2.0 * beta.rsample(noise))
    assert klosed.Independent(beta, 1).rsample(noise).shape == (2,)


def test_sampling_while_jax_traces_says_what_to_do():
    with pytest.raises(klosed.errors.ArrayKindError, match="or use rsample inside"):
        jax.jit(lambda a: klosed.Gamma(a, 1.0).sample(0))(2.0)
