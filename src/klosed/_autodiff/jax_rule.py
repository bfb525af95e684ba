"""A closed form as a jax.custom_jvp. Imported only for JAX arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from klosed._arrays import Array
from klosed._autodiff import ClosedForm

__all__ = ["apply"]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def apply(form: ClosedForm, *args: Array) -> Array:
    """Return form.value(*args) with form.grad as its derivative."""
    return form.value(*map(jnp.asarray, args))  # literals arrive as plain numbers


def _jvp(
    form: ClosedForm, args: tuple[Array, ...], tangents: tuple[Any, ...]
) -> tuple[Array, Array]:
    args = tuple(map(jnp.asarray, args))
    value = form.value(*args)
    total = jnp.zeros_like(value)
    gradients = form.gradients(value.shape, *args)
    for tangent, gradient, event in zip(tangents, gradients, form.event_shapes, strict=True):
        if not isinstance(tangent, SymbolicZero):
            total = total + jnp.sum(gradient() * tangent, axis=tuple(range(-len(event), 0)))
    return value, total


apply.defjvp(_jvp, symbolic_zeros=True)
