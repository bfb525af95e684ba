"""Closed-form gradients as derivative rules of PyTorch and JAX. Floor 0: imports only _arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from klosed._arrays import Array, kind, like, namespace

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
            case _:
                with np.errstate(all="ignore"):  # infinities are meant
                    return self.value(*args)

    def gradients(self, shape: Shape, *args: Array) -> tuple[Callable[[], Array], ...]:
        """Return, for each argument, a function that works out its full unsummed gradient."""
        if self.grad is None:
            raise TypeError("this function has no closed-form gradient")
        xp = namespace(args[0])
        with np.errstate(all="ignore"):
            entries = self.grad(*args)

        def full(entry: Gradient, arg: Array, event: Shape) -> Array:
            with np.errstate(all="ignore"):
                g = entry() if callable(entry) else entry
            if g is None or isinstance(g, float):
                g = like(g or 0.0, arg)
            return xp.broadcast_to(g, (*shape, *event))

        return tuple(
            lambda e=e, a=a, s=s: full(e, a, s)
            for e, a, s in zip(entries, args, self.event_shapes, strict=True)
        )

    def value_and_grad(self, *args: Array) -> tuple[Array, tuple[Array, ...]]:
        """Return value(*args) and its gradient in every argument, unsummed over the batch."""
        value = self(*args)
        return value, tuple(g() for g in self.gradients(tuple(value.shape), *args))
