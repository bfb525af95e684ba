"""A closed form as a torch.autograd.Function. Imported only for PyTorch arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import Function

from klosed._arrays import Array, sum_to_shape
from klosed._autodiff import ClosedForm

__all__ = ["apply"]


def apply(form: ClosedForm, *args: Array) -> Array:
    """Return form.value(*args) with form.grad as its derivative."""
    if not torch.compiler.is_compiling():
        return _BackwardAndForward.apply(form, *args)
    # torch.compile traces no Function inside another's forward or of arguments without a gradient,
    # where none is needed, and none that has a forward-mode rule.
    wanted = torch.is_grad_enabled() and any(a.requires_grad for a in args)
    return _Backward.apply(form, *args) if wanted else form.value(*args)


class _Backward(Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(form: ClosedForm, *args: Array) -> Array:
        views = _as_numpy(args)
        return form.value(*args) if views is None else _as_torch(form(*views))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Array) -> None:
        ctx.form, *args = inputs
        ctx.shape = tuple(output.shape)
        ctx.save_for_backward(*args)
        ctx.save_for_forward(*args)

    @staticmethod
    def backward(ctx: Any, cotangent: Array) -> tuple[Array | None, ...]:
        args, shapes = ctx.saved_tensors, ctx.form.event_shapes
        wanted = [i for i, needed in enumerate(ctx.needs_input_grad[1:]) if needed]
        # where a graph of this backward pass is wanted, only PyTorch can draw it
        views = None if torch.is_grad_enabled() else _as_numpy(args)
        if views is None:
            every = ctx.form.gradients(ctx.shape, *args)
            gradients = [every[i]() for i in wanted]
        else:
            gradients = [_as_torch(g) for g in ctx.form.numpy_gradients(wanted, ctx.shape, views)]
        pulled: list[Array | None] = [None] * (1 + len(args))
        for i, gradient in zip(wanted, gradients, strict=True):
            outer = cotangent.reshape(ctx.shape + (1,) * len(shapes[i]))
            pulled[1 + i] = sum_to_shape(outer * gradient, tuple(args[i].shape))
        return tuple(pulled)


class _BackwardAndForward(_Backward):
    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Array | None) -> Array:
        args = ctx.saved_tensors
        total: Any = torch.zeros(ctx.shape, dtype=args[0].dtype, device=args[0].device)
        gradients = ctx.form.gradients(ctx.shape, *args)
        for tangent, gradient, event in zip(
            tangents, gradients, ctx.form.event_shapes, strict=True
        ):
            if tangent is not None:
                product = gradient() * tangent
                axes = tuple(range(-len(event), 0))
                total = total + (product.sum(axes) if event else product)
        return total


def _as_numpy(args: Sequence[Array]) -> list[np.ndarray] | None:
    """Return NumPy views of plain tensors in main memory, else None.

    NumPy walks them in blocks that fit the cache, which beats a pass over memory an operation.
    """
    if torch.compiler.is_compiling() or any(a.device.type != "cpu" for a in args):
        return None
    try:
        return [a.detach().numpy() for a in args]
    except (RuntimeError, TypeError):  # torch.func's tensors have no memory, bfloat16 no NumPy
        return None


def _as_torch(array: Array) -> Array:
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
