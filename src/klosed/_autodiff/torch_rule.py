"""A closed form as a torch.autograd.Function. Imported only for PyTorch arrays."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import Function

from klosed._arrays import Array, sum_to_shape
from klosed._autodiff import ClosedForm

__all__ = ["apply"]


def apply(form: ClosedForm, *args: Array) -> Array:
    """Return form.value(*args) with form.grad as its derivative."""
    if not torch.compiler.is_compiling():
        return _BackwardAndForward.apply(form, *args)
    # torch.compile traces no Function inside another's forward, where none is needed, and none
    # that has a forward-mode rule.
    return _Backward.apply(form, *args) if torch.is_grad_enabled() else form.value(*args)


class _Backward(Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(form: ClosedForm, *args: Array) -> Array:
        return form.value(*args)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Array) -> None:
        ctx.form, *args = inputs
        ctx.shape = tuple(output.shape)
        ctx.save_for_backward(*args)
        ctx.save_for_forward(*args)

    @staticmethod
    def backward(ctx: Any, cotangent: Array) -> tuple[Array | None, ...]:
        args = ctx.saved_tensors
        gradients = ctx.form.gradients(ctx.shape, *args)
        pulled = [None]
        for needed, gradient, arg, event in zip(
            ctx.needs_input_grad[1:], gradients, args, ctx.form.event_shapes, strict=True
        ):
            if needed:
                outer = cotangent.reshape(ctx.shape + (1,) * len(event))
                pulled.append(sum_to_shape(outer * gradient(), tuple(arg.shape)))
            else:
                pulled.append(None)
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
                total = (
                    total + product.sum(tuple(range(-len(event), 0))) if event else total + product
                )
        return total
