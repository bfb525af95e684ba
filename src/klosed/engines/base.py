"""What every engine offers, and the loss they all return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.errors import ShapeError
from klosed.models.parameters import Parameters
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec
from klosed.random import Purpose, standard_normal

__all__ = ["Batch", "Batches", "Engine", "Loss", "Rule", "Stepper", "Task", "check_batch"]

Array = NDArray[Any]


class Loss(float):
    """Loss in nats per example; a float that remembers its parts.

    loss = reconstruction + beta · kl, each averaged over the examples of the batch.
    """

    __slots__ = ("beta", "kl", "reconstruction")

    reconstruction: float
    kl: float
    beta: float

    def __new__(cls, reconstruction: float, kl: float, beta: float = 1.0) -> Loss:
        """Return reconstruction + beta · kl, remembering all three."""
        loss = float.__new__(cls, reconstruction + beta * kl)
        loss.reconstruction, loss.kl, loss.beta = float(reconstruction), float(kl), float(beta)
        return loss

    def __getnewargs__(self) -> tuple[float, float, float]:  # type: ignore[override]
        return self.reconstruction, self.kl, self.beta


class Engine(Protocol):
    """Computes one VAE. Keeps no state: parameters and noise come in, results go out."""

    name: str
    spec: VAESpec

    def init(self, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
        """Return fresh parameters; a function of (spec, seed)."""
        ...

    def loss(self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0) -> Loss:
        """Return −ELBO in nats per example."""
        ...

    def loss_and_grad(
        self, params: Parameters, x: Array, noise: Array, *, beta: float = 1.0
    ) -> tuple[Loss, Parameters]:
        """Return −ELBO in nats per example, and its gradient by parameter name."""
        ...

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), each of shape (batch, n_components)."""
        ...

    def decode(self, params: Parameters, z: Array) -> Array:
        """Return the decoder's output (logits or means), shape (batch, n_features)."""
        ...


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's share of an epoch: numbers of rows, and how to draw the noise that goes with them.

    `draw` is a function of the position alone: it may be called on any thread, at any time.
    """

    rows: Array
    draw: Callable[[], Array]

    @cached_property
    def noise(self) -> Array:
        """Standard normal noise of shape (rows, n_components)."""
        return self.draw()


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of an epoch, one behind the other; `step` counts the steps before the first.

    Each has the next `batch_size` of the rows, the last what is left, and the noise of
    ``klosed.random.standard_normal(seed, Purpose.TRAINING_NOISE, its step, …)``, which an engine
    may draw in a way of its own.
    """

    rows: Array
    batch_size: int
    seed: int
    step: int
    n_components: int
    dtype: DTypeLike

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def sizes(self) -> list[int]:
        """Return how many rows each batch has."""
        starts = range(0, len(self.rows), self.batch_size)
        return [min(self.batch_size, len(self.rows) - start) for start in starts]

    def __iter__(self) -> Iterator[Batch]:
        for number in range(len(self)):
            rows = self.rows[number * self.batch_size :][: self.batch_size]
            where = self.seed, Purpose.TRAINING_NOISE, self.step + number
            shape = len(rows), self.n_components
            yield Batch(rows, partial(standard_normal, *where, shape, self.dtype))


class Rule(Protocol):
    """An optimizer: its name, its settings as attributes, its update in NumPy."""

    name: ClassVar[str]
    learning_rate: float

    def update(self, params: Parameters, grads: Parameters, moments: Parameters, step: int) -> None:
        """Update parameters and moments in place; `step` counts from 1."""
        ...


@dataclass(frozen=True, eq=False)
class Task:
    """What a training works on; parameters and moments are updated in place.

    `x` holds the rows as stored, or is the StreamedRows that read them; `scaling` makes of them
    what the model sees. `step` counts the steps taken before.
    """

    params: Parameters
    moments: Parameters
    optimizer: Rule
    x: Any
    scaling: Scaling
    batch_size: int
    beta: float
    step: int


class Stepper(Protocol):
    """A training under way, with parameters and moments where the engine wants them.

    An engine with a way of its own to take steps offers ``stepper(task) -> Stepper | None``. For
    others, and for None, `loss_and_grad` and the optimizer's NumPy update are called in turn.
    """

    steps_at_once: int
    """How many batches it likes to be given together; losses are known after all of them."""

    def permutation(self, seed: int, purpose: Purpose, step: int, n: int) -> NDArray[np.int64]:
        """Return ``klosed.random.permutation(seed, purpose, step, n)``."""
        ...

    def steps(self, batches: Batches) -> Array:
        """Take a step for each batch; return a row (reconstruction, kl) in nats for each.

        A loss that is not finite ends the training; steps after it need not be taken.
        """
        ...

    def sync(self) -> None:
        """Bring the task's parameters and moments up to date."""
        ...

    def agreed(self, value: float) -> float:
        """Return the largest value over all processes that train together."""
        ...


def check_batch(spec: VAESpec, x: Array, noise: Array) -> None:
    """Raise ShapeError unless x is (batch, n_features) and noise (batch, n_components)."""
    if x.ndim != 2 or x.shape[1] != spec.n_features or len(x) == 0:
        raise ShapeError(f"x must have shape (batch >= 1, {spec.n_features}); got {x.shape}.")
    if noise.shape != (len(x), spec.n_components):
        raise ShapeError(
            f"noise must have shape (batch, n_components) = ({len(x)}, {spec.n_components}); "
            f"got {noise.shape}."
        )
