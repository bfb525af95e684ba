"""Closed-form gradients as derivative rules of PyTorch and JAX. Floor 0: imports only _arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from klosed._arrays import Array, broadcast, kind, like

__all__ = ["ClosedForm", "Gradient"]

Shape = tuple[int, ...]
# Bytes of one block of one array: the handful of temporaries of a formula then stay in cache,
# and each is small enough to come from the heap rather than from fresh pages.
_BLOCK_BYTES = 1 << 17
# A gradient may be a function of no arguments: it is worked out only where it is asked for.
# A plain float fits every shape, None stands for zero.
Gradient = Array | float | Callable[[], Array] | None


@dataclass(frozen=True)
class ClosedForm:
    """A function beside its gradient, which backward passes of any kind then use.

    Attributes
    ----------
    value : callable
        value(*arrays) -> array of the batch shape. Pure: no checks, no branches on values.
    grad : callable or None
        grad(*arrays) -> one `Gradient` an argument, unsummed: each broadcasts to batch shape +
        event shape. Made of differentiable operations, so second derivatives work too. None
        leaves the derivative to the array library.
    event_shapes : tuple of shapes
        The trailing shape of each argument that belongs to one element of the batch.
    """

    value: Callable[..., Array]
    grad: Callable[..., Sequence[Gradient]] | None
    event_shapes: tuple[Shape, ...]

    def __call__(self, *args: Array) -> Array:
        """Return value(*args); PyTorch and JAX differentiate it through grad."""
        match kind(args[0]):
            case "PyTorch" if self.grad is not None:
                from klosed._autodiff.torch_rule import apply

                return apply(self, *args)
            case "JAX" if self.grad is not None:
                from klosed._autodiff.jax_rule import apply

                return apply(self, *args)
            case "PyTorch" | "JAX":
                return self.value(*args)
            case _:
                return self._quietly(lambda *args: [self.value(*args)], args)[0]

    def gradients(self, shape: Shape, *args: Array) -> list[Callable[[], Array]]:
        """Return, for each argument, a function that works out its full unsummed gradient."""
        if self.grad is None:
            raise TypeError("this function has no closed-form gradient")
        return [
            partial(_full, entry, arg, (*shape, *event))
            for entry, arg, event in zip(self.grad(*args), args, self.event_shapes, strict=True)
        ]

    def value_and_grad(self, *args: Array) -> tuple[Array, list[Array]]:
        """Return value(*args) and its gradient in every argument, unsummed over the batch."""

        def every(*args: Array) -> list[Array]:
            value = self.value(*args)
            return [value, *(g() for g in self.gradients(tuple(value.shape), *args))]

        if kind(args[0]) in ("PyTorch", "JAX"):
            value = self(*args)
            return value, [g() for g in self.gradients(tuple(value.shape), *args)]
        value, *gradients = self._quietly(every, args)
        return value, gradients

    def numpy_gradients(
        self, wanted: Sequence[int], shape: Shape, args: Sequence[Array]
    ) -> list[Array]:
        """Return the gradients in some arguments, by their positions, of NumPy arrays."""
        walked = not any(self.event_shapes)

        def some(*args: Array) -> list[Array]:
            here = np.broadcast_shapes(*(a.shape for a in args)) if walked else shape
            every = self.gradients(here, *args)
            return [every[i]() for i in wanted]

        return self._quietly(some, args)

    def _quietly(self, f: Callable[..., list[Array]], args: Sequence[Array]) -> list[Array]:
        """Return f(*args) with floating-point warnings off: infinities are meant.

        Large NumPy batches of scalars are walked in blocks that fit the cache.
        """
        with np.errstate(all="ignore"):
            if any(self.event_shapes) or kind(args[0]) != "NumPy":
                return f(*args)
            return _in_blocks(f, args)


def _in_blocks(f: Callable[..., list[Array]], args: Sequence[Array]) -> list[Array]:
    shape = np.broadcast_shapes(*(a.shape for a in args))
    size = math.prod(shape)
    block = _BLOCK_BYTES // args[0].dtype.itemsize
    if size <= block:
        return f(*args)
    flat = [np.broadcast_to(a, shape).reshape(-1) if a.ndim else a for a in args]
    outs: list[Array] = []
    for start in range(0, size, block):
        rows = slice(start, start + block)
        parts = f(*(a[rows] if a.ndim else a for a in flat))
        outs = outs or [np.empty(size, dtype=part.dtype) for part in parts]
        for out, part in zip(outs, parts, strict=True):
            out[rows] = part
    return [out.reshape(shape) for out in outs]


def _full(gradient: Gradient, arg: Array, shape: Shape) -> Array:
    g = gradient() if callable(gradient) else gradient
    if g is None or isinstance(g, float):
        g = like(g or 0.0, arg)
    return broadcast(g, shape)
