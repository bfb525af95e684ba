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
        wanted = [torch.is_grad_enabled() and a.requires_grad for a in args]
        return _BackwardAndForward.apply(form, _Beside(wanted), *args)
    return _compiled(form, args)


def _compiled(form: ClosedForm, args: Sequence[Array]) -> Array:
    """Apply a form in a way that torch.compile can trace.

    It traces no Function inside another's forward or of arguments without a gradient, where none
    is needed, none that has a forward-mode rule, and none of an argument twice. Where torch.func
    transforms what is compiled, a Function has no vmap and no second derivative, and arguments
    deny that they have a gradient: there PyTorch differentiates the formula.
    """
    args = [a.clone() if any(a is b for b in args[:i]) else a for i, a in enumerate(args)]
    wanted = torch.is_grad_enabled() and any(a.requires_grad for a in args)
    if not wanted or _is_transformed():
        return form.value(*args)
    if _are_numbers_symbols():  # then none may be met inside a Function first
        with torch.no_grad():
            value = form.value(*args)
            for gradient in form.gradients(tuple(value.shape), *args):
                gradient()
    return _Backward.apply(form, None, *args)


def _is_transformed() -> bool:
    return torch._C._functorch.peek_interpreter_stack() is not None


def _are_numbers_symbols() -> bool:
    """Return True where torch.compile(dynamic=True) traces."""
    return not torch._dynamo.config.assume_static_by_default


# torch.compile, which cannot trace them, then runs them instead
_is_transformed._dynamo_marked_constant = True  # type: ignore[attr-defined]
_are_numbers_symbols._dynamo_marked_constant = True  # type: ignore[attr-defined]


class _Beside:
    """Gradients worked out beside the value, in the same walk over the arrays."""

    def __init__(self, wanted: Sequence[bool]) -> None:
        self.positions = [i for i, is_wanted in enumerate(wanted) if is_wanted]
        self.gradients: list[Array] = []


class _Backward(Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(form: ClosedForm, beside: _Beside | None, *args: Array) -> Array:
        views = _as_numpy(args)
        if views is None or beside is None:
            return form.value(*args)
        found = form.quietly(views, beside.positions, torch.get_num_threads())
        value, *beside.gradients = map(_as_torch, found)
        return value

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Array) -> None:
        ctx.form, beside, *args = inputs
        ctx.shape, ctx.count = tuple(output.shape), len(args)
        ctx.beside = beside.positions if beside is not None and beside.gradients else []
        ctx.save_for_backward(*args, *(beside.gradients if ctx.beside else ()))
        ctx.save_for_forward(*args)

    @staticmethod
    def backward(ctx: Any, cotangent: Array) -> tuple[Array | None, ...]:
        args, beside = ctx.saved_tensors[: ctx.count], ctx.saved_tensors[ctx.count :]
        # where a graph of this backward pass is wanted, only PyTorch can draw it
        if torch.is_grad_enabled() or not beside:
            every = ctx.form.gradients(ctx.shape, *args)
        else:
            known = dict(zip(ctx.beside, beside, strict=True))
            every = [lambda i=i: known[i] for i in range(len(args))]
        factor = None if _is_one(cotangent) else cotangent
        pulled: list[Array | None] = [None, None]
        for i, arg in enumerate(args):
            if not ctx.needs_input_grad[2 + i]:
                pulled.append(None)
                continue
            gradient = every[i]()
            if factor is not None:
                ones = (1,) * len(ctx.form.event_shapes[i])
                gradient = factor.reshape(ctx.shape + ones) * gradient
            pulled.append(sum_to_shape(gradient, tuple(arg.shape)))
        return tuple(pulled)


class _BackwardAndForward(_Backward):
    @staticmethod
    def jvp(ctx: Any, _: None, __: None, *tangents: Array | None) -> Array:
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


def _is_one(cotangent: Array) -> bool:
    """Return True for what comes backward through a plain sum: one number, 1, for all."""
    if torch.is_grad_enabled() or any(cotangent.stride()):
        return False
    view = _as_numpy([cotangent])
    return view is not None and view[0].size > 0 and view[0].flat[0] == 1.0


def _as_torch(array: Array) -> Array:
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
