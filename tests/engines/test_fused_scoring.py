"""Importance weights of the fused engine: every sample's, however tiles and vectors fall."""

import numpy as np
import pytest
from processors import VECTOR_BYTES, run_on

pytest.importorskip("numba")

from klosed import VAESpec
from klosed.engines.fused import FusedEngine
from klosed.engines.fused._folding import pays, samples_to_fold
from klosed.engines.fused._products import ROWS, in_panels
from klosed.engines.fused._scoring import _TILES
from klosed.engines.reference import ReferenceEngine
from klosed.evaluation import importance


def case(spec, rows, samples, dtype, *, shared=False):
    rng = np.random.default_rng(0)
    params = FusedEngine(spec).init(0, dtype)
    x = (rng.random((rows, spec.n_features)) < 0.5).astype(dtype)
    loc, log_variance = rng.normal(size=(2, rows, spec.n_components))
    noise = rng.normal(size=(1 if shared else rows, samples, spec.n_components))
    return params, x, loc, log_variance, noise


def both(spec, params, *args):
    expected = importance._weigh(ReferenceEngine(spec), params, *args)
    return FusedEngine(spec).scorer(params)(*args), expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("widths", "n_features", "rows", "samples"),
    [
        ((), 3, 1, 1),  # less than a vector, less than a tile
        ((64, 49), 48, 2, ROWS),  # whole tiles
        ((17,), 131, 3, _TILES * ROWS // 2 + 1),  # tiles and blocks that span rows of x
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_weights_are_those_of_the_reference(dtype, widths, n_features, rows, samples, shared):
    spec = VAESpec(n_features, 3, widths)
    args = case(spec, rows, samples, dtype, shared=shared)
    (nll, log_ratio), (expected, expected_ratio) = both(spec, *args)
    np.testing.assert_allclose(log_ratio, expected_ratio, rtol=0, atol=1e-12)
    np.testing.assert_allclose(nll, expected, rtol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("logit", [-1e4, -90.0, 0.0, 30.0, 1e4])
def test_a_thousand_logits_leave_no_range(dtype, logit):
    """Products of 1 + exp(−|l|) are flushed before they overflow, and unseen values skipped."""
    n = 3000
    spec = VAESpec(n, 1, ())
    params, x, *rest = case(spec, 1, 2, dtype)
    params["decoder.logits.weight"][:] = 0
    params["decoder.logits.bias"][:] = logit
    x[0, ::3] = np.nan
    nll, _ = FusedEngine(spec).scorer(params)(x, *rest)
    ones, seen = np.nansum(x), n - np.isnan(x).sum()
    exact = seen * np.logaddexp(0, logit) - ones * logit
    np.testing.assert_allclose(nll, exact, rtol=20 * np.finfo(dtype).eps, atol=1e-6)


def test_units_that_are_off_are_left_out_and_no_others():
    """Some units on for one sample of a tile only, some for none, some for all."""
    spec = VAESpec(5, 1, (40,))
    params, x, loc, log_variance, noise = case(spec, 1, 3 * ROWS, np.float64)
    params["decoder.hidden.0.weight"][:] = 1
    params["decoder.hidden.0.bias"][:] = np.linspace(-6, 3, 40)
    args = (params, x, loc, log_variance, noise)
    (nll, _), (expected, _) = both(spec, *args)
    np.testing.assert_allclose(nll, expected, rtol=1e-13)
    params["decoder.hidden.0.bias"][:] = -1e3  # none at all
    (nll, _), (expected, _) = both(spec, *args)
    np.testing.assert_allclose(nll, expected, rtol=1e-13)
    nothing = params["decoder.hidden.0.weight"].copy()
    nothing[:20] = np.nan  # not a number is not off
    (nll, _), _ = both(spec, params | {"decoder.hidden.0.weight": nothing}, *args[1:])
    assert np.isnan(nll).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("bias", "k", "widths"),
    [
        (-1e3, 3, (64,)),  # none on at the mean: one stands for all
        (1e3, 3, (64,)),  # all on at the mean
        (0.0, 3, (20, 64)),  # what was folded is not the last product
        (0.0, 8, (40,)),  # z and 1 take a second tile of lines
    ],
)
def test_rows_share_what_is_on_at_their_mean(dtype, bias, k, widths):
    """More samples a row than blocks have, of rows that differ in which units are on."""
    spec, samples = VAESpec(37, k, widths), _TILES * ROWS + ROWS + 3
    assert pays(k, widths[-1])
    assert samples >= samples_to_fold(k)
    params = FusedEngine(spec).init(0, dtype)
    rng = np.random.default_rng(0)
    params["decoder.hidden.0.bias"][:] = bias + rng.normal(size=widths[-1])
    x = (rng.random((3, 37)) < 0.5).astype(dtype)
    loc, log_variance = 3 * rng.normal(size=(3, k)), rng.normal(size=(3, k)) - 1
    args = (x, loc, log_variance, rng.normal(size=(3, samples, k)))
    (nll, _), (expected, _) = both(spec, params, *args)
    np.testing.assert_allclose(nll, expected, rtol=100 * np.finfo(dtype).eps)
    alone = FusedEngine(spec).scorer(params)(*(each[1:2] for each in args))
    np.testing.assert_array_equal(alone[0][0], nll[1])  # other rows do not matter


def test_panels_hold_each_weight_once():
    weight = np.arange(1.0, 53 * 7 + 1).reshape(53, 7)
    panels = in_panels(weight)
    assert panels.ctypes.data % 64 == 0
    assert sorted(panels[panels != 0]) == sorted(weight.ravel())


@pytest.mark.parametrize("processor", VECTOR_BYTES)
def test_on_other_processors(processor, tmp_path_factory):
    """Code for vectors of another length."""
    code = """
import numpy as np
from klosed import VAESpec
from klosed.engines.fused import FusedEngine
from klosed.engines.reference import ReferenceEngine
from klosed.evaluation.importance import _weigh
from klosed.engines.fused import _products
spec = VAESpec(131, 3, (17,))
params, rng = FusedEngine(spec).init(0), np.random.default_rng(0)
args = (rng.random((2, 131), np.float32), *rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 60, 3)))
for got, wanted in zip(FusedEngine(spec).scorer(params)(*args),
                       _weigh(ReferenceEngine(spec), params, *args), strict=True):
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
print(_products.VECTOR_BYTES)
"""
    assert int(run_on(processor, code, tmp_path_factory)) == VECTOR_BYTES[processor]
