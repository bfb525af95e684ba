"""Every function against mpmath on freshly drawn points, on every kind of array."""

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from draws import draws

from accuracy import fresh_seed

from .cases import CASES
from .truth import arguments, errors_in_ulp

DTYPES = [np.float64, np.float32]


def check(case, dtype, drawn, returned, seed, slack=0.0):
    assert returned.dtype == dtype
    bound = case.ulp[dtype is np.float32]
    worst = max(errors_in_ulp(case, drawn, returned))
    assert worst[0] <= bound + slack, f"{case} {dtype.__name__}, seed {seed}: {worst}"


def draw(case, dtype, share=1):
    if case.ulp[dtype is np.float32] is None:
        pytest.skip("not meant for float32")
    seed = fresh_seed()
    return arguments(
        case, dtype, np.random.default_rng(seed), max(2, draws(case.points) // share)
    ), seed


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_numpy(case, dtype):
    drawn, seed = draw(case, dtype)
    check(case, dtype, drawn, case.function(*drawn), seed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_other_kinds(case, dtype):
    # The same body, but each library's own log, exp, log1p and expm1: an ulp more of slack.
    drawn, seed = draw(case, dtype, share=4)
    check(case, dtype, drawn, case.function(*map(torch.from_numpy, drawn)).numpy(), seed, 3)
    strict = case.function(*map(array_api_strict.asarray, drawn))
    check(case, dtype, drawn, np.asarray(strict), seed)
    with jax.enable_x64(dtype is np.float64):
        got = case.function(*map(jnp.asarray, drawn))
        check(case, dtype, drawn, np.asarray(got), seed, 3)
