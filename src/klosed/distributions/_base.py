"""What every family shares: parameters, batches, densities, entropies, sampling, gradients.

A family states its formulas on raw arrays; this file checks, broadcasts and differentiates.
Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

import numpy as np

from klosed._arrays import (
    Array,
    broadcast,
    broadcast_shapes,
    constant,
    gather,
    is_half,
    like,
    namespace,
    same_kind,
    weakness,
    widened,
)
from klosed._autodiff import ClosedForm, Gradient
from klosed.distributions._parameters import Parameter
from klosed.distributions.supports import Support
from klosed.errors import NoClosedFormError, ParameterError, ShapeError
from klosed.random import Purpose, generator

__all__ = [
    "Distribution",
    "Gradients",
    "Shape",
    "bind_form",
    "mask_gradient",
    "meet",
    "raw_grad_log_prob",
    "raw_log_prob",
]

Shape = tuple[int, ...]
Made = TypeVar("Made")
Gradients = Mapping[str, Gradient]


class Core:
    """What formulas compute with: each parameter, bound, under its usual name."""

    def __init__(self, bound: Mapping[str, Any]) -> None:
        for name, value in bound.items():
            setattr(self, name, value)
        self._made: dict[Any, tuple[Core, Any]] = {}

    def beside(self, other: Core, make: Callable[[Core, Core], Made]) -> Made:
        """Return make(self, other), made once: what a formula and its gradient have in common."""
        partner, made = self._made.get(make, (None, None))
        if partner is not other:
            made = make(self, other)
            self._made[make] = other, made
        return cast("Made", made)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Distribution(ABC):
    """A batch of distributions of one family.

    Each family lists its `specification`, and states on raw arrays, for one batch and without
    checks: `_log_prob`, `_entropy`, their gradients, and how to sample. Inside those, `self.core`
    holds each parameter under its usual name, as `Parameter.bind` returns it.
    """

    specification: ClassVar[tuple[Parameter, ...]] = ()
    core: Core
    _given: dict[str, Array]
    weak: int  # the weakness of what it is made of: plain numbers fit arrays of any kind

    def __init__(self, **alternatives: Any) -> None:
        chosen = {}
        for parameter in self.specification:
            given = [n for n in parameter.names if alternatives[n] is not None]
            if len(given) != 1:
                wanted = " or ".join(parameter.names)
                raise ParameterError(
                    f"{type(self).__name__} needs exactly one of {wanted}; "
                    f"got {' and '.join(given) or 'none'}."
                )
            chosen[given[0]] = alternatives[given[0]]
        self.weak = weakness(*chosen.values())
        self._hold(gather(**chosen))
        self._check()

    def __init_subclass__(cls) -> None:
        for parameter in cls.__dict__.get("specification", ()):
            for name in parameter.names:
                if not hasattr(cls, name):
                    setattr(cls, name, property(_reader(parameter, name)))

    def __repr__(self) -> str:
        def show(array: Array) -> str:
            try:
                if array.ndim == 0:
                    return f"{float(constant(array)):g}"
            except (RuntimeError, TypeError):  # while tracing, values cannot be read
                pass
            return f"<{array.dtype} {tuple(array.shape)}>"

        listed = ", ".join(f"{name}={show(array)}" for name, array in self.parameters.items())
        return f"{type(self).__name__}({listed})"

    # What a family states ------------------------------------------------------------------

    @property
    @abstractmethod
    def support(self) -> Support:
        """Where the mass lies."""

    @property
    def mean(self) -> Array:
        """Expectation, of the batch shape and event shape."""
        raise self._lacks("mean")

    @property
    def variance(self) -> Array:
        """Variance of each element, of the batch shape and event shape."""
        raise self._lacks("variance")

    @property
    def event_shape(self) -> Shape:
        """Shape of one draw from one distribution of the batch."""
        return ()

    @property
    def noise_shape(self) -> Shape:
        """Shape of the noise that `rsample` takes for one draw."""
        return self.event_shape

    def _log_prob(self, x: Array) -> Array:
        raise self._lacks("log_prob")

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        """Return ({coordinate: gradient}, gradient in x)."""
        raise self._lacks("gradient of log_prob")

    def _entropy(self) -> Array:
        raise self._lacks("entropy")

    def _grad_entropy(self) -> Gradients:
        raise self._lacks("gradient of the entropy")

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Draw an array of the given full shape; by default from normal noise."""
        return self._rsample(self.array(rng.standard_normal(shape)))

    def _rsample(self, noise: Array) -> Array:
        raise self._lacks("reparameterised sampling")

    # What every family then offers ------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Array]:
        """The parameters as they were given: name -> array."""
        return dict(self._given)

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The trailing shape of each given parameter that belongs to one distribution."""
        return {
            name: _tail(tuple(array.shape), parameter.event_ndim)
            for parameter, (name, array) in zip(
                self.specification, self._given.items(), strict=True
            )
        }

    @property
    def batch_shape(self) -> Shape:
        """Shape of the batch of distributions: the parameters' shapes, broadcast."""
        return broadcast_shapes(
            {
                name: tuple(array.shape)[: max(array.ndim - parameter.event_ndim, 0)]
                for parameter, (name, array) in zip(
                    self.specification, self._given.items(), strict=True
                )
            }
        )

    def log_prob(self, x: Any) -> Array:
        """Return log p(x) in nats, of the broadcast batch shape; −inf outside the support."""
        form, arrays = self._log_prob_form(x)
        return form(*arrays)

    def log_prob_value_and_grad(self, x: Any) -> tuple[Array, dict[str, Array], Array]:
        """Return log p(x), its gradient {parameter: array}, and its gradient in x, unsummed."""
        form, arrays = self._log_prob_form(x)
        value, grads = form.value_and_grad(*arrays)
        return value, dict(zip(self.parameters, grads[:-1], strict=True)), grads[-1]

    def entropy(self) -> Array:
        """Return −E[log p(x)] in nats, of the batch shape."""
        form, arrays = self._entropy_form()
        return form(*arrays)

    def entropy_value_and_grad(self) -> tuple[Array, dict[str, Array]]:
        """Return the entropy and its gradient {parameter: array}, unsummed over the batch."""
        form, arrays = self._entropy_form()
        value, grads = form.value_and_grad(*arrays)
        return value, dict(zip(self.parameters, grads, strict=True))

    def sample(self, seed: int, shape: int | Shape = ()) -> Array:
        """Draw an array of shape + batch shape + event shape; the same seed, the same draws."""
        leading = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        full = (*leading, *self.batch_shape, *self.event_shape)
        return self.array(self._widened()._sample(generator(seed, Purpose.MONTE_CARLO), full))

    def rsample(self, noise: Any) -> Array:
        """Return the draws that the given noise stands for, differentiable in the parameters.

        `noise` ends in batch shape + event shape; it is standard normal unless the family says
        otherwise.
        """
        dist, noise = meet(**{type(self).__name__: self, "noise": noise})
        ndim = len(dist.noise_shape)
        if _tail(tuple(noise.shape), ndim) != dist.noise_shape:
            raise ShapeError(
                f"noise must end in {dist.noise_shape}, the shape of one draw's; "
                f"got shape {tuple(noise.shape)}."
            )
        batch = tuple(noise.shape)[: noise.ndim - ndim]
        broadcast_shapes({"noise": batch, type(self).__name__: dist.batch_shape})
        return dist.array(dist._widened()._rsample(widened(noise)))

    # How operands are taken apart and put together again ---------------------------------------

    def replace(self, arrays: Sequence[Array]) -> Self:
        """Return the same distribution with other arrays for its parameters, unchecked."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._hold(dict(zip(self._given, arrays, strict=True)))
        return new

    def chain(self, stated: Gradients) -> list[Gradient]:
        """Turn stated gradients {coordinate: gradient} into one for each given parameter.

        A gradient stated under the very name that was given is taken as it is.
        """
        chained: list[Gradient] = []
        for parameter, (name, array) in zip(self.specification, self._given.items(), strict=True):
            if name in stated:
                chained.append(stated[name])
            elif parameter.key in stated:
                chained.append(_later(parameter, name, array, stated[parameter.key]))
            else:
                chained.append(None)
        return chained

    def _hold(self, given: dict[str, Array]) -> None:
        self._given = given
        self.core = Core(
            {
                parameter.names[0]: parameter.bind(name, array)
                for parameter, (name, array) in zip(self.specification, given.items(), strict=True)
            }
        )

    def _check(self) -> None:
        self.batch_shape  # noqa: B018  (raises where shapes do not broadcast)
        for parameter, (name, array) in zip(self.specification, self._given.items(), strict=True):
            parameter.check(name, array)

    def array(self, values: Any) -> Array:
        """Return values as an array of the parameters' kind and dtype."""
        return like(values, next(iter(self.parameters.values())))

    def _widened(self) -> Self:
        given = self.parameters.values()
        return self.replace([widened(a) for a in given]) if any(map(is_half, given)) else self

    def _expand(self, x: Array) -> Array:
        """Broadcast to batch shape + event shape."""
        return broadcast(x, (*self.batch_shape, *self.event_shape))

    def _lacks(self, what: str) -> NoClosedFormError:
        return NoClosedFormError(f"{type(self).__name__} has no closed form for its {what}.")

    def _entropy_form(self) -> tuple[ClosedForm, list[Array]]:
        def value(q: Self) -> Array:
            return broadcast(q._entropy(), q.batch_shape)

        return bind_form(value, lambda q: (q._grad_entropy(),), [self])

    def _log_prob_form(self, x: Any) -> tuple[ClosedForm, list[Array]]:
        dist, x = meet(**{type(self).__name__: self, "x": x})
        ndim = len(dist.event_shape)
        if _tail(tuple(x.shape), ndim) != dist.event_shape:
            raise ShapeError(
                f"x must end in the event shape {dist.event_shape}; got shape {tuple(x.shape)}."
            )
        batch = tuple(x.shape)[: x.ndim - ndim]
        broadcast_shapes({"x": batch, type(self).__name__: dist.batch_shape})
        return bind_form(raw_log_prob, raw_grad_log_prob, [dist], [x], [dist.event_shape])


def meet(**items: Any) -> list[Any]:
    """Bring distributions and arrays to a common kind and dtype, in the order given."""
    groups: dict[str, Sequence[Array]] = {}
    weak: dict[str, int] = {}
    for name, item in items.items():
        if isinstance(item, Distribution):
            groups[name], weak[name] = list(item.parameters.values()), item.weak
        else:
            groups[name], weak[name] = list(gather(**{name: item}).values()), weakness(item)
    met = same_kind(groups, weak)
    return [
        item.replace(arrays) if isinstance(item, Distribution) else arrays[0]
        for item, arrays in zip(items.values(), met, strict=True)
    ]


def bind_form(
    value: Callable[..., Array],
    grad: Callable[..., Sequence[Any]] | None,
    operands: Sequence[Distribution],
    extras: Sequence[Array] = (),
    extra_shapes: Sequence[Shape] = (),
) -> tuple[ClosedForm, list[Array]]:
    """Return the closed form of the operands' arrays, and those arrays.

    value(*operands, *extras) and grad(*operands, *extras) see operands rebuilt from raw arrays;
    grad returns {coordinate: gradient} for each operand, then one gradient for each extra.
    """
    arrays = [a for operand in operands for a in operand.parameters.values()]
    shapes = [s for operand in operands for s in operand.parameter_shapes.values()]
    counts = [len(operand.parameters) for operand in operands]

    def rebuild(flat: Sequence[Array]) -> list[Any]:
        rebuilt: list[Any] = []
        start = 0
        for operand, count in zip(operands, counts, strict=True):
            rebuilt.append(operand.replace(flat[start : start + count]))
            start += count
        return [*rebuilt, *flat[start:]]

    def flat_value(*flat: Array) -> Array:
        return value(*rebuild(flat))

    def chained(rebuilt: Sequence[Any]) -> list[Gradient]:
        stated = grad(*rebuilt)  # type: ignore[misc]
        gradients: list[Gradient] = []
        for operand, of_operand in zip(rebuilt[: len(counts)], stated, strict=False):
            gradients += operand.chain(of_operand)
        return [*gradients, *stated[len(counts) :]]

    def flat_grad(*flat: Array) -> list[Gradient]:
        return chained(rebuild(flat))

    def flat_both(*flat: Array) -> tuple[Array, list[Gradient]]:
        rebuilt = rebuild(flat)
        return value(*rebuilt), chained(rebuilt)

    form = ClosedForm(flat_value, flat_grad if grad else None, (*shapes, *extra_shapes), flat_both)
    return form, [*arrays, *extras]


def raw_log_prob(dist: Distribution, x: Array) -> Array:
    """Return log p(x) of raw arrays, of the broadcast batch shape; −inf outside the support."""
    xp = namespace(x)
    ndim = len(dist.event_shape)
    shape = tuple(np.broadcast_shapes(tuple(x.shape)[: x.ndim - ndim], dist.batch_shape))
    density = broadcast(dist._log_prob(x), shape)
    if dist.support.unbounded:
        return density
    unknown = xp.isnan(xp.sum(x, axis=tuple(range(-ndim, 0))) if ndim else x)
    outside = xp.where(unknown, math.nan, xp.full_like(density, -math.inf))
    return xp.where(dist.support.contains(x), density, outside)


def raw_grad_log_prob(dist: Distribution, x: Array) -> tuple[Gradients, Gradient]:
    """Return the gradient of `raw_log_prob`, which is 0 outside the support."""
    stated, of_x = dist._grad_log_prob(x)
    if dist.support.unbounded:
        return stated, of_x
    inside = dist.support.contains(x)
    masked = {name: mask_gradient(dist, inside, g) for name, g in stated.items()}
    return masked, mask_gradient(dist, inside, of_x)


def mask_gradient(dist: Distribution, inside: Array, gradient: Gradient) -> Gradient:
    """Return a gradient of dist where `inside`, of the batch's axes, holds; elsewhere 0."""
    if gradient is None:
        return None

    def zeroed() -> Array:
        g = gradient() if callable(gradient) else gradient
        g = dist.array(g) if isinstance(g, float) else g
        xp = namespace(g)
        aligned = xp.reshape(inside, tuple(inside.shape) + (1,) * (g.ndim - inside.ndim))
        return xp.where(aligned, g, 0.0)

    return zeroed


def _tail(shape: Shape, ndim: int) -> Shape:
    return shape[len(shape) - ndim :] if ndim else ()


def _reader(parameter: Parameter, name: str) -> Callable[[Distribution], Array]:
    return lambda self: parameter.read(name, getattr(self.core, parameter.names[0]))


def _later(
    parameter: Parameter, name: str, array: Array, gradient: Gradient
) -> Callable[[], Array]:
    def chained() -> Array:
        return parameter.chain(name, array, gradient() if callable(gradient) else gradient)

    return chained
