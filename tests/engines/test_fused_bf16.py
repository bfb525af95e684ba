"""Products in bfloat16 terms: as exact as the terms allow, on all rows, widths and threads."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed import VAESpec, engine
from klosed.engines.fused import FusedEngine, _engine, _job, has_amx
from klosed.errors import SpecError
from klosed.models import Scaling
from klosed.training import TrainingConfig, TrainingData, fit

# binary digits of the terms together: an error of a product is below 2^-digits of its factors
DIGITS = {"bf16": 8, "bf16x3": 16, "bf16x6": 24}
needs_amx = pytest.mark.skipif(not has_amx(), reason="this processor has no AMX")
SPECS = {
    "deep, narrow": VAESpec(50, 7, (70, 33), activation="tanh"),
    "tiles exactly": VAESpec(64, 16, (32,), likelihood="gaussian"),
    "no hidden layer": VAESpec(3, 1, ()),
    "wide": VAESpec(130, 20, (200,), activation="gelu"),  # a ReLU's slope jumps when rounded
}


@pytest.fixture
def by_rows(monkeypatch):
    """Threads share the rows of any batch."""
    monkeypatch.setattr(_engine, "threads_for", lambda network, rows, most: most)
    monkeypatch.setattr(_job, "_ROWS_A_THREAD", 0)


@needs_amx
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [1, 64, 101])
@pytest.mark.parametrize("precision", DIGITS)
@pytest.mark.parametrize("name", SPECS)
def test_loss_and_gradient_are_as_exact_as_the_terms(name, precision, rows, threads, by_rows):
    spec, rng = SPECS[name], np.random.default_rng(0)
    reference = engine("reference", spec)
    params = reference.init(1)
    x = rng.random((rows, spec.n_features), np.float32)
    noise = rng.standard_normal((rows, spec.n_components), np.float32)
    exact = {key: value.astype(np.float64) for key, value in params.items()}
    expected, expected_grads = reference.loss_and_grad(
        exact, x.astype(np.float64), noise.astype(np.float64)
    )
    fused = FusedEngine(spec, threads=threads, precision=precision)
    loss, grads = fused.loss_and_grad(params, x, noise)
    # a few layers, each rounding both factors; float32's own sums add some units of 2^-24
    error = 8 * 2.0 ** -DIGITS[precision] + 40 * 2.0**-24
    assert abs(loss - expected) <= error * abs(expected)
    for key, grad in grads.items():
        scale = np.linalg.norm(expected_grads[key])
        assert np.linalg.norm(grad - expected_grads[key]) <= error * scale, key


@needs_amx
def test_one_term_is_rounded_and_three_are_not(by_rows):
    # if bf16 were float32, or bf16x6 were bf16, the test above would not notice both
    spec, rng = SPECS["wide"], np.random.default_rng(0)
    params = engine("reference", spec).init(1)
    x = rng.random((64, spec.n_features), np.float32)
    noise = rng.standard_normal((64, spec.n_components), np.float32)
    plain, coarse, middle, fine = (
        FusedEngine(spec, precision=p).loss_and_grad(params, x, noise)[1]["decoder.logits.weight"]
        for p in ("float32", "bf16", "bf16x3", "bf16x6")
    )
    far, near, nearest = (abs(g - plain).max() / abs(plain).max() for g in (coarse, middle, fine))
    assert far > 30 * near > 30 * nearest


@needs_amx
@pytest.mark.parametrize("rows", [200, 128])
def test_training_on_bytes_follows_float32(rows, by_rows):
    # bytes are one exact term, with their scale in the weight; the last batch is a smaller one
    spec = VAESpec(200, 5, (170,))  # too large for a core's first caches
    x = np.random.default_rng(0).integers(0, 256, (rows, 200), np.uint8)
    data = TrainingData(x, scaling=Scaling.bytes())
    config = TrainingConfig(epochs=3, batch_size=64, optimizer="sgd", learning_rate=1e-3)
    plain, fine, again = (
        fit(FusedEngine(spec, threads=2, precision=p), config, data).params
        for p in ("float32", "bf16x6", "bf16x6")
    )
    for key, value in plain.items():
        np.testing.assert_allclose(fine[key], value, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(fine[key], again[key])


@needs_amx
def test_a_few_rows_a_thread_and_float64_are_left_to_blas():
    spec, rng = SPECS["wide"], np.random.default_rng(0)
    for rows, dtype in ((20, np.float32), (64, np.float64)):
        params = engine("reference", spec).init(1, dtype)
        x = rng.random((rows, spec.n_features)).astype(dtype)
        noise = rng.standard_normal((rows, spec.n_components)).astype(dtype)
        plain, coarse = (
            FusedEngine(spec, threads=1, precision=p).loss_and_grad(params, x, noise)[1]
            for p in ("float32", "bf16")
        )
        for key, value in plain.items():
            np.testing.assert_array_equal(coarse[key], value)


def test_without_the_units_it_computes_in_float32_and_says_so(monkeypatch):
    for module in (_engine, _job):
        monkeypatch.setattr(module, "has_amx", lambda: False)
    spec, rng = SPECS["wide"], np.random.default_rng(0)
    params = engine("reference", spec).init(1)
    x = rng.random((64, spec.n_features), np.float32)
    noise = rng.standard_normal((64, spec.n_components), np.float32)
    plain, coarse = (FusedEngine(spec, precision=p) for p in ("float32", "bf16"))
    assert "bf16 needs a processor with AMX" in coarse.advice
    assert "AMX" not in (plain.advice or "")
    (_, expected), (_, grads) = (e.loss_and_grad(params, x, noise) for e in (plain, coarse))
    for key, value in expected.items():
        np.testing.assert_array_equal(grads[key], value)


def test_another_precision_is_refused():
    with pytest.raises(SpecError, match=r"one of float32, bf16x6, bf16x3, bf16; got 'half'"):
        engine("fused", SPECS["wide"], precision="half")
