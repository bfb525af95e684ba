"""Derivatives of every function against mpmath's, through PyTorch and JAX and what they wrap."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import torch

from accuracy import fresh_seed
from klosed import special

from .cases import CASES
from .truth import arguments

# the first range of each function; of the Bessel functions, an order with steps and one without
FIRST = [
    case
    for case in {case.name: case for case in reversed(CASES)}.values()
    if "of order" not in case.name or case.name.endswith(("order 3", "order 31"))
]


def partials(case, drawn):
    """Return mpmath's partial derivatives, one array an argument."""
    arity = len(drawn)
    rows = []
    with mp.workdps(case.digits + 40):
        for point in zip(*(a.tolist() for a in drawn), strict=True):
            at = tuple(mp.mpf(p) for p in point)
            step = min(abs(p) for p in at) * mp.mpf(10) ** -(case.digits // 3)
            orders = [tuple(int(i == j) for j in range(arity)) for i in range(arity)]
            rows.append([float(mp.diff(case.truth, at, order, h=step)) for order in orders])
    return np.array(rows).T


def close(got, expected, case, seed):
    np.testing.assert_allclose(
        np.asarray(got), expected, rtol=2e-12, atol=0, err_msg=f"{case}, seed {seed}"
    )


@pytest.mark.parametrize("case", FIRST, ids=lambda case: case.name)
def test_first_derivatives(case):
    seed = fresh_seed()
    drawn = arguments(case, np.float64, np.random.default_rng(seed), 5)
    expected = partials(case, drawn)
    tensors = [torch.tensor(a, requires_grad=True) for a in drawn]
    for got, true in zip(
        torch.autograd.grad(case.function(*tensors).sum(), tensors), expected, strict=True
    ):
        close(got, true, case, seed)
    with jax.enable_x64(True):
        gradient = jax.grad(lambda *a: jnp.sum(case.function(*a)), range(len(drawn)))
        for got, true in zip(gradient(*map(jnp.asarray, drawn)), expected, strict=True):
            close(got, true, case, seed)


@pytest.mark.parametrize("case", FIRST, ids=lambda case: case.name)
def test_vmap_and_jit_change_nothing(case):
    drawn = arguments(case, np.float64, np.random.default_rng(7), 4)
    tensors = [torch.from_numpy(a) for a in drawn]
    plain = case.function(*drawn)
    close(torch.func.vmap(case.function)(*tensors), plain, case, 7)
    with jax.enable_x64(True):
        close(jax.jit(jax.vmap(case.function))(*map(jnp.asarray, drawn)), plain, case, 7)


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (special.phi, [[-0.99, 0.0, 1e-300, 2.0, 1e30]]),
        (special.psi, [[-1000.0, 0.0, 1e-300, 2.0, 500.0]]),
        (special.log1mexp, [[1e-8, 0.6931471805599453, 300.0]]),
        (special.softplus, [[-1000.0, 0.0, 1000.0]]),
        (special.bd0, [[1.0, 3.0, 1e-8, 1e8], [1.0, 1e-3, 1e8, 1e-8]]),
        (special.phi_ratio, [[1.0, 3.0, 1e-8, 1e8], [1.0, 1e-3, 1e8, 1e-8]]),
        (special.log_ratio, [[1.0, 3.0, 1e-8, 1e8], [1.0, 1e-3, 1e8, 1e-8]]),
        (special.softplus_bregman, [[0.0, 3.0, -500.0, 500.0], [0.0, -3.0, 500.0, -500.0]]),
        (special.sigmoid_difference, [[0.0, 3.0, -500.0, 500.0], [0.0, -3.0, 500.0, -500.0]]),
        (special.lgamma, [[1e-8, 1.0, 2.0, 3.0, 1e8]]),
        (special.lgamma1p, [[-0.999, 0.0, 1.0, 2.0, 1e8]]),
        (special.digamma, [[1e-8, 1.0, 2.0, 3.0, 1e8]]),
        (special.lgamma_bregman, [[1.0, 1.25, 1e-8, 1e8], [1.0, 1.25, 1e8, 1e-8]]),
        (special.gamma_shape_bregman, [[1.0, 1.25, 1e-8, 1e8], [1.0, 1.25, 1e8, 1e-8]]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_second_derivatives_are_finite(function, points):
    # where a branch that is not taken would put a NaN or an infinity
    tensors = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in points]
    first = torch.autograd.grad(function(*tensors).sum(), tensors, create_graph=True)
    for grad in first:
        assert torch.isfinite(grad).all()
        second = torch.autograd.grad(
            grad.sum(), tensors, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        assert all(torch.isfinite(g).all() for g in second)
