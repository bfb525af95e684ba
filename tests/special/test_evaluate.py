"""Branches, masks and tables: what every special function is evaluated with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from klosed.special._evaluate import at_most, choose, horner, replace_where, select


def log_or_square(x):
    """Return log x for x > 0, else x²: log of what is not positive has no derivative."""
    xp = torch if isinstance(x, torch.Tensor) else jnp if isinstance(x, jax.Array) else np
    return choose(
        x > 0.0, xp.log, lambda x: x * x, x, then_at=(1.0,), otherwise_at=(0.0,)
    )  # fmt: skip


def square_or_log(x):
    xp = torch if isinstance(x, torch.Tensor) else jnp if isinstance(x, jax.Array) else np
    return choose(
        x <= 0.0, lambda x: x * x, xp.log, x, then_at=(0.0,), otherwise_at=(1.0,)
    )  # fmt: skip


@pytest.mark.parametrize("function", [log_or_square, square_or_log])
def test_a_branch_not_taken_leaves_no_nan_in_a_derivative(function):
    expected = [-2.0, 0.0, 0.5]
    x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    (grad,) = torch.autograd.grad(function(x).sum(), x)
    assert grad.tolist() == expected
    assert jax.grad(lambda x: function(x).sum())(jnp.asarray([-1.0, 0.0, 2.0])).tolist() == expected


@pytest.mark.parametrize("points", [[-1.0, -2.0], [1.0, 2.0], [-1.0, 2.0]])
def test_numpy_takes_the_branches_its_elements_need(points):
    taken = []

    def note(name):
        return lambda x: taken.append(name) or x

    x = np.array(points)
    value = choose(
        x > 0.0, note("then"), note("otherwise"), x, then_at=(1.0,), otherwise_at=(-1.0,)
    )
    assert value.tolist() == points
    signs = {p > 0 for p in points}
    assert taken == [n for n, s in (("then", True), ("otherwise", False)) if s in signs]


def test_numpy_works_out_what_is_dear_only_where_needed():
    seen = []

    def dear(x, y):
        seen.append(x.tolist())
        return x + y

    x, value = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.zeros((2, 3))
    got = replace_where(x > 4.5, value, dear, x, np.asarray(10.0))
    assert got.tolist() == [[0.0, 0.0, 0.0], [0.0, 15.0, 16.0]]
    assert seen == [[5.0, 6.0]]
    assert not value.any()
    assert replace_where(x > 7.0, value, dear, x, x) is value
    assert len(seen) == 1
    assert replace_where(np.bool_(True), np.asarray(0.0), dear, np.asarray(1.0), 2.0) == 3.0


@pytest.mark.parametrize("convert", [torch.tensor, jnp.asarray])
def test_what_is_dear_elsewhere_sees_harmless_points(convert):
    x = convert([-1.0, 2.0])
    xp = torch if isinstance(x, torch.Tensor) else jnp
    assert replace_where(x > 0.0, 3.0 * x, xp.log, x).tolist() == [-3.0, float(xp.log(x)[1])]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masks_of_bits_choose_exactly(dtype):
    a = np.array([1.0, -0.0, np.nan, np.inf, 5e-324, 3.0], dtype=dtype)
    b = np.array([-1.0, 0.0, 1.0, np.nan, -np.inf, 4.0], dtype=dtype)
    mask = np.array([True, False, True, False, True, False])
    got = select(mask, a, b)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.where(mask, a, b))
    np.testing.assert_array_equal(np.signbit(got), np.signbit(np.where(mask, a, b)))
    np.testing.assert_array_equal(select(mask, a, 2.0), np.where(mask, a, dtype(2)))
    np.testing.assert_array_equal(select(mask[:, None], a, b), np.where(mask[:, None], a, b))
    assert select(np.bool_(True), dtype(1), dtype(2)) == 1


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor, jnp.asarray])
def test_polynomials_and_bounds(convert):
    x = convert([-2.0, 0.5, 3.0])
    assert np.asarray(horner(x, (1.0, 2.0, 3.0))).tolist() == [9.0, 2.75, 34.0]
    assert np.asarray(at_most(x, 1.0)).tolist() == [-2.0, 0.5, 1.0]
    assert np.isnan(np.asarray(at_most(convert([float("nan")]), 1.0)))
