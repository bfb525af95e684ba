"""Bounds on the KL of mixtures: below and above quadrature, exact where they must be."""

import itertools

import jax
import mpmath
import numpy as np
import pytest
import torch
from kinds import KINDS
from scipy.special import rel_entr

import klosed
from klosed import (
    Categorical,
    Gamma,
    Independent,
    Laplace,
    LogNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Poisson,
    Uniform,
    kl_bounds,
)
from klosed.divergences import _mixture_pair
from klosed.errors import NoClosedFormError, ShapeError


def mix(probs, components):
    return MixtureSameFamily(Categorical(probs=probs), components)


def normal_mixtures(rng, n, sizes, spread, change):
    """Return n pairs of mixtures of normals; change says how far p is from q, None for anew."""
    k, m = sizes
    pi, loc = rng.dirichlet(np.ones(k), n), spread * rng.normal(size=(n, k))
    scale = np.exp(0.5 * rng.normal(size=(n, k)))
    if change is None:
        omega, loc_p = rng.dirichlet(np.ones(m), n), spread * rng.normal(size=(n, m))
        scale_p = np.exp(0.5 * rng.normal(size=(n, m)))
    else:
        factors = [np.exp(change * rng.normal(size=(n, k))) for _ in range(2)]
        omega, scale_p = pi * factors[0], scale * factors[1]
        loc_p = loc + change * rng.normal(size=(n, k))
    return mix(pi, Normal(loc, scale)), mix(omega, Normal(loc_p, scale_p))


def by_trapezoids(q, p):
    """Return KL of normal mixtures; for such functions the rule is exact to rounding.

    q log(q/p) + p − q, which nowhere cancels, has the same integral.
    """
    pieces = [d.component_distribution for d in (q, p)]
    x = np.linspace(
        min((c.loc - 30 * c.scale).min() for c in pieces),
        max((c.loc + 30 * c.scale).max() for c in pieces),
        20_001,
    )[:, None]
    log_q, log_p = q.log_prob(x), p.log_prob(x)
    r = log_p - log_q
    near = np.abs(r) < 1.0
    inner = np.where(near, r, 0.0)
    f = np.where(
        near, np.exp(log_q) * (np.expm1(inner) - inner), np.exp(log_p) - np.exp(log_q) * (1.0 + r)
    )
    return f.sum(axis=0) * (x[1, 0] - x[0, 0])


@pytest.mark.parametrize("spread", [0.3, 3.0, 10.0])
@pytest.mark.parametrize("change", [None, 1.0, 0.1, 1e-3])
def test_kl_lies_between_the_bounds(spread, change):
    rng = np.random.default_rng([int(10 * spread), int(1000 * (change or 0))])
    for sizes in ((3, 3),) if change else ((1, 3), (4, 1), (3, 4)):
        q, p = normal_mixtures(rng, 60, sizes, spread, change)
        lower, upper = kl_bounds(q, p)
        true = by_trapezoids(q, p)
        assert np.all(lower >= 0.0)
        assert np.all(lower <= true * (1 + 1e-11))
        assert np.all(true * (1 - 1e-11) <= upper)
        # and they are worth something
        assert np.median(upper / true) < 5.0
        if change is None and spread == 10.0:
            assert np.median(lower / true) > 0.5


def test_kl_lies_between_the_bounds_to_thirty_digits():
    """Where a bound is all but tight, rounding must not carry it across."""
    cases = [
        # far apart within each, the same up to small changes: the upper bound is the KL
        ([0.3, 0.7], [-40.0, 40.0], [1.0, 2.0], [0.3, 0.7], [-40.0, 40.0 + 1e-7], [1.0, 2.0]),
        ([0.3, 0.7], [-40.0, 40.0], [1.0, 2.0], [0.3 + 1e-9, 0.7], [-40.0, 40.0], [1.0, 2.0]),
        ([0.4, 0.6], [0.0, 0.5], [1.0, 2.0], [0.4, 0.6], [0.0, 0.5 + 1e-10], [1.0, 2.0]),
        ([0.4, 0.6], [0.0, 1e-9], [1.0, 1.0], [0.5, 0.5], [0.0, 1e-9], [1.0, 1.0]),
        ([1.0, 1e-9], [0.0, 9.0], [1.0, 1.0], [1.0, 2e-9], [0.0, 9.0], [1.0, 1.0]),
    ]
    for pi, loc, scale, omega, loc_p, scale_p in cases:
        lower, upper = kl_bounds(mix(pi, Normal(loc, scale)), mix(omega, Normal(loc_p, scale_p)))
        with mpmath.workdps(40):

            def density(x, w, m, s):
                each = (
                    mpmath.mpf(a) * mpmath.npdf(x, b, c) for a, b, c in zip(w, m, s, strict=True)
                )
                return mpmath.fsum(each) / mpmath.fsum(map(mpmath.mpf, w))

            def integrand(x, one=(pi, loc, scale), other=(omega, loc_p, scale_p)):
                f, g = density(x, *one), density(x, *other)
                return f * mpmath.log(f / g) + g - f

            ends = [c + t * s for c, s in zip(loc, scale, strict=True) for t in (-14, -5, 0, 5, 14)]
            true = mpmath.quad(integrand, sorted(ends))
        assert 0.0 <= float(lower) <= float(true) <= float(upper)
        assert float(upper) > 0.0


@pytest.mark.parametrize("d", [2, 5])
def test_vectors_lie_between_the_bounds(d):
    rng, lowers = np.random.default_rng(d), []
    for _ in range(4):
        roots = rng.normal(size=(2, 3, d, 2 * d))
        cov = roots @ np.swapaxes(roots, -1, -2) / d
        loc = 2.0 * rng.normal(size=(2, 3, d))
        q, p = (
            mix(rng.dirichlet(np.ones(3)), MultivariateNormal(m, covariance_matrix=c))
            for m, c in zip(loc, cov, strict=True)
        )
        scale = np.sqrt(np.diagonal(cov[1], axis1=-2, axis2=-1))
        elements = mix([0.2, 0.3, 0.5], Independent(Normal(loc[1], scale), 1))
        for a, b in itertools.permutations((q, p, elements), 2):
            lower, upper = kl_bounds(a, b)
            estimate, error = klosed.kl_monte_carlo(a, b, n_samples=20_000, seed=0)
            assert lower <= estimate + 4 * error
            assert upper >= estimate - 4 * error
            lowers.append(float(lower))
    assert np.median(lowers) > 0.1


def test_other_components_lie_between_the_bounds():
    pairs = [
        (mix([0.3, 0.7], Gamma([2.0, 9.0], [1.0, 0.5])), mix([0.5, 0.5], Gamma([3.0, 5.0], 2.0))),
        (mix([0.3, 0.7], Poisson([2.0, 30.0])), Poisson(12.0)),
        (mix([0.3, 0.7], LogNormal([0.0, 4.0], 0.5)), mix([0.1, 0.9], LogNormal([1.0, 2.0], 1.0))),
        (mix([0.3, 0.7], Laplace([0.0, 4.0], 0.5)), Laplace(1.0, 3.0)),
        (mix([0.3, 0.7], Uniform([0.0, 4.0], [1.0, 5.0])), Uniform(0.0, 6.0)),
        (mix([0.4, 0.6], Gamma([2.0, 9.0], [1.0, 0.5])), Normal(3.0, 8.0)),
    ]
    for q, p in pairs:
        lower, upper = kl_bounds(q, p)
        estimate, error = klosed.kl_monte_carlo(q, p, n_samples=50_000, seed=1)
        assert 0.0 <= lower <= estimate + 4 * error
        assert estimate - 4 * error <= upper < 4 * estimate
        # what has no Chernoff divergence here has no lower bound but 0
        assert (lower == 0.0) == (isinstance(p, Laplace) or type(p) is Normal)


def test_the_bounds_are_as_published_where_they_are_simple():
    """One component against two: −log Σ ω exp(−D), Hershey and Olsen at A = 1."""
    p = mix([0.25, 0.75], Normal([0.0, 3.0], [1.0, 0.5]))
    q = Normal(1.0, 1.0)
    each = klosed.kl_divergence(q, p.component_distribution)
    upper = -np.log(np.sum([0.25, 0.75] * np.exp(-each)))
    assert float(kl_bounds(q, p).upper) == pytest.approx(upper, rel=1e-12)
    # Durrieu, Thiran and Kelly: ∫ q p_b in closed form
    product = Normal(1.0, np.sqrt(1.0 + np.array([1.0, 0.25]))).log_prob([0.0, 3.0])
    durrieu = -klosed.entropy(q) - np.log(np.sum([0.25, 0.75] * np.exp(product)))
    assert float(kl_bounds(q, p).lower) >= durrieu * (1 - 1e-12) > 0.0


def test_the_variational_bound_improves_on_the_convex_one_step_by_step(monkeypatch):
    q, p = normal_mixtures(np.random.default_rng(5), 20, (4, 5), 2.0, None)
    bounds = []
    for n in (0, 1, 10, 100):
        monkeypatch.setattr(_mixture_pair, "_ITERATIONS", n)
        bounds.append(kl_bounds(q, p).upper)
    each = klosed.kl_divergence(
        Normal(*(a[..., :, None] for a in q.component_distribution.parameters.values())),
        Normal(*(a[..., None, :] for a in p.component_distribution.parameters.values())),
    )
    pi, omega = q.mixture_distribution.probs, p.mixture_distribution.probs
    convex = np.einsum("na,nb,nab->n", pi, omega, each)
    assert np.all(bounds[0] < convex)
    assert all(np.all(b <= a) for a, b in itertools.pairwise(bounds))
    assert np.min(bounds[-1] / bounds[0]) < 0.9


def test_the_variational_bound_is_the_least_of_its_kind():
    """Two components each leave two free shares: every one of a fine grid is tried."""
    q, p = normal_mixtures(np.random.default_rng(6), 25, (2, 2), 0.7, None)
    pair = _mixture_pair.MixturePair(q, p, (25,))
    share = np.linspace(0.0, 1.0, 401)
    pi, omega = q.mixture_distribution.probs, p.mixture_distribution.probs
    to_first = pi[:, 0, None, None] * share[:, None] + pi[:, 1, None, None] * share
    m = np.stack([to_first, 1.0 - to_first])
    weights = np.sum(rel_entr(np.clip(m, 0.0, 1.0), omega.T[:, :, None, None]), axis=0)
    paid = [
        pi[:, a, None, None]
        * (s * pair.kl[:, a, 0, None, None] + (1 - s) * pair.kl[:, a, 1, None, None])
        for a, s in enumerate((share[:, None], share[None, :]))
    ]
    least = np.min(sum(paid) + weights, axis=(1, 2))
    assert np.all(pair.variational() <= least * (1 + 1e-3))
    assert pair.variational() == pytest.approx(least, rel=2e-2)


def test_the_same_mixture_is_at_distance_zero():
    q = mix([0.2, 0.5, 0.3], Normal([0.0, 1.0, 1.0], [1.0, 0.7, 0.7]))
    assert kl_bounds(q, q) == (0.0, 0.0)
    turned = mix([0.3, 0.2, 0.5], Normal([1.0, 0.0, 1.0], [0.7, 1.0, 0.7]))
    lower, upper = kl_bounds(q, turned)
    assert float(lower) == 0.0
    assert float(upper) < 1e-28


def test_single_components_give_the_closed_form_itself():
    q, p = Normal([0.3, 2.0], [1.5, 0.1]), Normal(0.1, 1.2)
    exact = klosed.kl_divergence(q, p)
    lifted = [mix([1.0], Normal(d.loc[..., None], d.scale[..., None])) for d in (q, p)]
    for pair in ((q, p), (lifted[0], p), (q, lifted[1]), lifted):
        assert all(np.array_equal(bound, exact) for bound in kl_bounds(*pair))


def test_supports_decide_infinity():
    q = mix([0.5, 0.5], Uniform([0.0, 2.0], [1.0, 3.0]))
    for p in (Uniform(1.1, 1.9), Uniform(0.5, 1.5), Gamma(1.0, 1.0)):
        expected = (np.inf, np.inf) if not isinstance(p, Gamma) else None
        back = kl_bounds(p, q)
        assert expected is None or back == expected
    assert kl_bounds(q, Uniform(0.0, 2.9)) == (np.inf, np.inf)
    assert kl_bounds(mix([0.5, 0.5], Normal([0.0, 1.0], 1.0)), Gamma(1.0, 1.0)) == (np.inf, np.inf)
    # covered by two components together only: no upper bound is known, the lower one stays finite
    lower, upper = kl_bounds(Uniform(0.5, 2.5), mix([0.5, 0.5], Uniform([0.0, 1.5], [1.5, 3.0])))
    assert float(upper) == np.inf
    assert 0.0 <= float(lower) < np.log(1.5) + 1e-12
    # a component that never occurs decides nothing
    never = mix([1.0, 0.0], Uniform([0.0, 2.0], [1.0, 3.0]))
    lower, upper = kl_bounds(never, Uniform(0.0, 2.0))
    assert float(upper) == pytest.approx(np.log(2.0), rel=1e-12)
    assert float(lower) > 0.5 * np.log(2.0)
    assert kl_bounds(q, never) == (np.inf, np.inf)


def test_batches_broadcast():
    q = mix(np.full((4, 1, 2), 0.5), Normal([0.0, 1.0], 1.0))
    p = Normal([0.0, 1.0, 2.0], 1.0)
    lower, upper = kl_bounds(q, p)
    assert lower.shape == upper.shape == (4, 3)
    one = kl_bounds(mix([0.5, 0.5], Normal([0.0, 1.0], 1.0)), Normal(2.0, 1.0))
    assert upper[0, 2] == pytest.approx(float(one.upper), rel=1e-14)
    assert lower[0, 2] == pytest.approx(float(one.lower), rel=1e-14)


@pytest.mark.parametrize(
    ("kind", "dtype", "rel"),
    [("numpy", "float32", 1e-3), ("strict", "float64", 1e-10), ("torch", "float32", 1e-3)],
)
def test_every_kind_of_array(kind, dtype, rel):
    def made(array):
        q = MixtureSameFamily(
            Categorical(logits=array([[0.1, 0.9, -0.3]])),
            Independent(Normal(array([[0.0, 1.0], [4.0, 2.0], [-3.0, 0.5]]), array([1.0, 0.7])), 1),
        )
        return q, Independent(Normal(array([0.5, 0.0]), log_scale=array([0.7, 0.1])), 1)

    xp = KINDS[kind]
    wanted = kl_bounds(*made(np.asarray))
    got = kl_bounds(*made(lambda values: xp.array(values, dtype)))
    for g, w in zip(got, wanted, strict=True):
        assert xp.dtype(g) == dtype
        np.testing.assert_allclose(xp.numpy(g), w, rtol=rel)


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    logits, loc = rng.normal(size=(2, 3)), 2.0 * rng.normal(size=(2, 3))
    given = [*logits, *loc, *np.exp(0.3 * rng.normal(size=(2, 3)))]
    return given, [rng.normal(size=a.shape) for a in given]


def bounds_of(logits_q, logits_p, loc_q, loc_p, scale_q, scale_p):
    q = MixtureSameFamily(Categorical(logits=logits_q), Normal(loc_q, scale_q))
    return kl_bounds(q, MixtureSameFamily(Categorical(logits=logits_p), Normal(loc_p, scale_p)))


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_torch_differentiates_through_the_bounds(side):
    given, along = random_parameters(3)
    h = 1e-5
    ahead, back = (
        getattr(bounds_of(*(a + s * h * v for a, v in zip(given, along, strict=True))), side)
        for s in (1, -1)
    )
    tensors = [torch.asarray(a).requires_grad_() for a in given]
    gradients = torch.autograd.grad(getattr(bounds_of(*tensors), side), tensors)
    slope = sum(float((g * torch.asarray(v)).sum()) for g, v in zip(gradients, along, strict=True))
    # φ after a hundred steps is not quite the best
    assert slope == pytest.approx(float(ahead - back) / (2 * h), rel=1e-7, abs=1e-3)


def test_jax_compiles_and_differentiates_them():
    given, _ = random_parameters(4)

    def of_upper(*arrays):
        lower, upper = bounds_of(*arrays)
        return upper, lower

    of_every = jax.value_and_grad(of_upper, tuple(range(len(given))), has_aux=True)
    (upper, lower), gradients = jax.jit(of_every)(*given)
    wanted = bounds_of(*given)
    assert float(lower) == pytest.approx(float(wanted.lower), rel=1e-9)
    assert float(upper) == pytest.approx(float(wanted.upper), rel=1e-6)
    tensors = [torch.asarray(a).requires_grad_() for a in given]
    by_torch = torch.autograd.grad(bounds_of(*tensors).upper, tensors)
    for g, w in zip(gradients, by_torch, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-6)


def test_mistakes_are_named():
    with pytest.raises(NoClosedFormError, match=r"KL\(Gamma‖Laplace\)"):
        kl_bounds(mix([0.5, 0.5], Gamma([1.0, 2.0], 1.0)), Laplace(0.0, 1.0))
    with pytest.raises(ShapeError, match="q and p must share an event shape"):
        kl_bounds(mix([0.5, 0.5], Normal([0.0, 1.0], 1.0)), MultivariateNormal([0.0], [[1.0]]))
