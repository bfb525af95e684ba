"""The fused engine computes what the reference engine computes: any spec, type, thread count."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec, engine
from klosed.engines.fused import FusedEngine, _engine, _job, _network
from klosed.engines.reference import ReferenceEngine
from klosed.errors import ShapeError, SpecError
from klosed.models import likelihood_of
from klosed.networks import ACTIVATIONS

from ..gradients.cases import SPECS, batch  # noqa: TID252

CASES = SPECS | {
    activation: dataclasses.replace(SPECS["bernoulli deep"], activation=activation)
    for activation in ACTIVATIONS
}
CASES["heteroscedastic with floors"] = VAESpec(
    3, 2, (5,), likelihood="heteroscedastic_gaussian", min_variance=(0.3, 0.0, 2.0)
)
CASES["blocks"] = VAESpec(
    7,
    2,
    (5,),
    likelihood=(("gaussian", 2), ("bernoulli", 1), ("gaussian", 4)),
    variance="per_feature",
    min_variance=0.2,
)


@pytest.fixture(params=["1", "3 by rows", "3 by columns"])
def threads(request, monkeypatch):
    """Small batches on several threads, although one would be faster."""
    monkeypatch.setattr(_engine, "threads_for", lambda network, rows, most: most)
    monkeypatch.setattr(_job, "_ROWS_A_THREAD", 0 if "rows" in request.param else 10**6)
    return int(request.param[0])


def typed(arrays, dtype):
    return {name: array.astype(dtype) for name, array in arrays.items()}


@pytest.mark.parametrize("rows", [1, 41])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_everything_agrees_with_the_reference_to_rounding(name, dtype, rows, threads):
    fused, reference = FusedEngine(CASES[name], threads=threads), ReferenceEngine(CASES[name])
    params, x, noise = (
        part if isinstance(part, dict) else part[:rows] for part in batch(CASES[name], rows + 1)
    )
    params, x, noise = typed(params, dtype), x.astype(dtype), noise.astype(dtype)
    eps = 200 * float(np.finfo(dtype).eps)
    loss, grads = fused.loss_and_grad(params, x, noise, beta=0.7)
    expected, expected_grads = reference.loss_and_grad(params, x, noise, beta=0.7)
    for got in (loss, fused.loss(params, x, noise, beta=0.7)):
        assert got == pytest.approx(expected, rel=eps)
        assert got.reconstruction == pytest.approx(expected.reconstruction, rel=eps)
        assert got.kl == pytest.approx(expected.kl, rel=eps)
    assert list(grads) == list(params)
    for key, grad in expected_grads.items():
        assert grads[key].dtype == dtype
        # a sum of terms of order 1 that nearly cancel keeps their rounding
        largest = max(np.abs(grad).max(), 0.1)
        np.testing.assert_allclose(grads[key], grad, rtol=0, atol=eps * largest)
    for got, wanted in zip(fused.encode(params, x), reference.encode(params, x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=eps, atol=eps)
    wanted = reference.decode(params, noise)
    np.testing.assert_allclose(fused.decode(params, noise), wanted, rtol=eps, atol=eps)
    z = np.stack([noise, noise[::-1]], axis=1)
    nll, _ = fused.scorer(params)(x, np.zeros_like(noise), np.zeros_like(noise), z)
    for sample in (0, 1):
        output = reference.decode(params, np.ascontiguousarray(z[:, sample]))
        wanted = likelihood_of(CASES[name]).negative_log_prob(params, output, x)
        np.testing.assert_allclose(nll[:, sample], wanted, rtol=eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layers_of_which_all_threads_have_columns(dtype, threads):
    # they share them in whole cache lines, of which those above have one or two
    spec, rng = VAESpec(50, 20, (70, 33), activation="tanh"), np.random.default_rng(0)
    params = ReferenceEngine(spec).init(0, dtype)
    x, noise = (part.astype(dtype) for part in (rng.random((41, 50)), rng.normal(size=(41, 20))))
    loss, grads = FusedEngine(spec, threads=threads).loss_and_grad(params, x, noise)
    expected, expected_grads = ReferenceEngine(spec).loss_and_grad(params, x, noise)
    eps = 50 * float(np.finfo(dtype).eps)
    assert loss == pytest.approx(expected, rel=eps)
    for key, grad in expected_grads.items():
        np.testing.assert_allclose(grads[key], grad, rtol=0, atol=eps * np.abs(grad).max())


def test_the_kl_keeps_its_digits_near_zero():
    spec = VAESpec(3, 2, ())
    params = {k: np.zeros_like(a) for k, a in ReferenceEngine(spec).init(0, np.float64).items()}
    params["encoder.log_variance.bias"][:] = 1e-9
    x, noise = np.zeros((1, 3)), np.zeros((1, 2))
    # Σ ½ (exp ℓ − 1 − ℓ) = 2 · ½ · ℓ²/2 (1 + ℓ/3 + …)
    assert FusedEngine(spec).loss(params, x, noise).kl == pytest.approx(5e-19, rel=1e-8)


def test_far_out_nothing_overflows_that_the_reference_keeps():
    spec = VAESpec(3, 2, (4,), activation="softplus")
    params = ReferenceEngine(spec).init(0)
    params["decoder.logits.bias"][:] = [-800, 90, 800]
    x, noise = np.full((2, 3), 0.5, np.float32), np.ones((2, 2), np.float32)
    loss, grads = FusedEngine(spec).loss_and_grad(params, x, noise)
    expected, expected_grads = ReferenceEngine(spec).loss_and_grad(params, x, noise)
    assert loss == pytest.approx(expected, rel=1e-6)
    for name, grad in expected_grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-4, atol=1e-6)


def test_arguments_are_left_as_they_were_and_need_not_be_contiguous():
    spec = SPECS["gaussian per feature"]
    params, x, noise = batch(spec, 6)
    odd = {name: np.asfortranarray(array) for name, array in params.items()}
    odd["encoder.hidden.0.weight"].setflags(write=False)
    copies = {name: array.copy() for name, array in odd.items()}
    fused = FusedEngine(spec)
    loss, _ = fused.loss_and_grad(odd, np.asfortranarray(x), noise[::-1])
    assert loss == fused.loss(params, x, noise[::-1].copy())
    assert all(np.array_equal(odd[name], copies[name]) for name in odd)


@pytest.fixture
def without_poisson(monkeypatch):
    monkeypatch.delitem(_network.KINDS, "poisson")


def test_what_is_refused_is_named(without_poisson):
    fused = FusedEngine(VAESpec(5, 2, (4,)))
    with pytest.raises(ShapeError, match=r"x must have shape \(batch >= 1, 5\); got \(3, 4\)"):
        fused.loss_and_grad(fused.init(0), np.ones((3, 4)), np.ones((3, 2)))
    with pytest.raises(SpecError, match="categorical; got 'poisson'"):
        FusedEngine(VAESpec(5, likelihood="poisson"))


def test_auto_takes_the_fast_engine_where_it_can(without_poisson):
    assert engine("auto", VAESpec(5)).name == "fused"
    assert engine("auto", VAESpec(5, likelihood="poisson")).name == "reference"
    assert engine("auto", VAESpec(5), threads=1).threads == 1
