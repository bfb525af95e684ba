"""Closed-form gradients as derivative rules of PyTorch and JAX. Floor 0: imports only _arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from klosed._arrays import Array, broadcast, is_half, kind, like, widened
from klosed._autodiff.blocks import in_blocks, is_small, keep_heap

__all__ = ["ClosedForm", "Gradient"]

Shape = tuple[int, ...]
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
    both : callable, optional
        both(*args) -> (value, gradients), where together they cost less than one by one.
    """

    value: Callable[..., Array]
    grad: Callable[..., Sequence[Gradient]] | None
    event_shapes: tuple[Shape, ...]
    both: Callable[..., tuple[Array, Sequence[Gradient]]] | None = None

    def __call__(self, *args: Array) -> Array:
        """Return value(*args); PyTorch and JAX differentiate it through grad."""
        if is_half(args[0]):  # the one rounding is that of the result
            return like(self(*map(widened, args)), args[0])
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
                return self.quietly(args)[0]

    def gradients(self, shape: Shape, *args: Array) -> list[Callable[[], Array]]:
        """Return, for each argument, a function that works out its full unsummed gradient."""
        if self.grad is None:
            raise TypeError("this function has no closed-form gradient")
        return self._completed(self.grad(*args), shape, args)

    def _completed(
        self, gradients: Sequence[Gradient], shape: Shape, args: Sequence[Array]
    ) -> list[Callable[[], Array]]:
        return [
            partial(_full, entry, arg, (*shape, *event))
            for entry, arg, event in zip(gradients, args, self.event_shapes, strict=True)
        ]

    def value_and_grad(self, *args: Array) -> tuple[Array, list[Array]]:
        """Return value(*args) and its gradient in every argument, unsummed over the batch."""
        if is_half(args[0]):
            value, gradients = self.value_and_grad(*map(widened, args))
            return like(value, args[0]), [like(g, args[0]) for g in gradients]
        if kind(args[0]) in ("PyTorch", "JAX"):
            value = self(*args)
            return value, [g() for g in self.gradients(tuple(value.shape), *args)]
        value, *gradients = self.quietly(args, range(len(args)))
        return value, gradients

    def quietly(
        self, args: Sequence[Array], wanted: Sequence[int] = (), threads: int | None = None
    ) -> list[Array]:
        """Return value(*args), and its gradient in some arguments, by position.

        Without PyTorch and JAX, and with floating-point warnings off: infinities are meant.
        """

        def value_and_some(*args: Array) -> list[Array]:
            if not wanted:
                return [self.value(*args)]
            if self.both is None:
                value = self.value(*args)
                every = self.gradients(tuple(value.shape), *args)
            else:
                value, gradients = self.both(*args)
                every = self._completed(gradients, tuple(value.shape), args)
            return [value, *(every[i]() for i in wanted)]

        with np.errstate(all="ignore"):
            if kind(args[0]) != "NumPy":
                return value_and_some(*args)
            keep_heap()
            if is_small(args):
                return value_and_some(*args)
            return in_blocks(value_and_some, args, self.event_shapes, threads)


def _full(gradient: Gradient, arg: Array, shape: Shape) -> Array:
    g = gradient() if callable(gradient) else gradient
    if g is None or isinstance(g, float):
        g = like(g or 0.0, arg)
    return broadcast(g, shape)
