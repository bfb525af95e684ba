"""Adam, SGD with momentum and Adagrad, as their papers define them.

An optimizer is a rule without memory of its own: its moments live in a mapping that is saved
and restored with the parameters, and hold one number a parameter, whatever the batch size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from klosed.errors import ParameterError

__all__ = ["OPTIMIZERS", "SGD", "Adagrad", "Adam", "Optimizer"]

Array = NDArray[Any]
Arrays = dict[str, Array]


class Optimizer(ABC):
    """A first-order update rule; `slots` names its per-parameter moments."""

    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]]

    def __init__(self, learning_rate: float) -> None:
        if not 0 < learning_rate < float("inf"):
            raise ParameterError(f"learning_rate must be > 0 and finite; got {learning_rate}.")
        self.learning_rate = learning_rate

    def init(self, params: Mapping[str, Array]) -> Arrays:
        """Return zero moments, named ``slot.parameter``."""
        return {f"{slot}.{k}": np.zeros_like(p) for slot in self.slots for k, p in params.items()}

    def update(
        self, params: Arrays, grads: Mapping[str, Array], moments: Arrays, step: int
    ) -> None:
        """Update parameters and moments in place; `step` counts from 1."""
        for name, param in params.items():
            slots = [moments[f"{slot}.{name}"] for slot in self.slots]
            self._update(param, grads[name], *slots, step=step)

    @abstractmethod
    def _update(self, param: Array, grad: Array, *slots: Array, step: int) -> None:
        """Update one parameter in place."""


class Adam(Optimizer):
    """Adam: θ ← θ − α m̂ / (√v̂ + ε), with bias-corrected moments m̂ and v̂.

    Kingma and Ba (2015), arXiv:1412.6980, algorithm 1.
    """

    name = "adam"
    slots = ("m", "v")
    # Moments of weights whose gradient stays zero (dead pixels) decay into denormal numbers, on
    # which processors are slow; every so many steps what is that small is set to zero.
    _flush_every = 64

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def _update(self, param: Array, grad: Array, *slots: Array, step: int) -> None:
        m, v = slots
        m *= self.beta1
        m += (1 - self.beta1) * grad
        v *= self.beta2
        v += (1 - self.beta2) * np.square(grad)
        denominator = np.sqrt(v)
        denominator /= (1 - self.beta2**step) ** 0.5
        denominator += self.epsilon
        np.divide(m, denominator, out=denominator)
        denominator *= self.learning_rate / (1 - self.beta1**step)
        param -= denominator
        if step % self._flush_every == 0:
            for moment in slots:
                moment[np.abs(moment) < np.finfo(moment.dtype).tiny] = 0


class SGD(Optimizer):
    """Gradient descent with classical momentum: u ← μ u − α g, θ ← θ + u.

    Polyak (1964), doi:10.1016/0041-5553(64)90137-5; in this form Sutskever, Martens, Dahl and
    Hinton (2013), "On the importance of initialization and momentum in deep learning", eq. 1–2.
    """

    name = "sgd"
    slots = ("velocity",)

    def __init__(self, learning_rate: float = 1e-3, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        if not 0 <= momentum < 1:
            raise ParameterError(f"momentum must be in [0, 1); got {momentum}.")
        self.momentum = momentum

    def _update(self, param: Array, grad: Array, *slots: Array, step: int) -> None:
        (velocity,) = slots
        velocity *= self.momentum
        velocity -= self.learning_rate * grad
        param += velocity


class Adagrad(Optimizer):
    """Adagrad: s ← s + g², θ ← θ − α g / (√s + ε).

    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods", JMLR 12, figure 1 with the
    diagonal matrix.
    """

    name = "adagrad"
    slots = ("sum_of_squares",)

    def __init__(self, learning_rate: float = 1e-2, epsilon: float = 1e-10) -> None:
        super().__init__(learning_rate)
        self.epsilon = epsilon

    def _update(self, param: Array, grad: Array, *slots: Array, step: int) -> None:
        (sum_of_squares,) = slots
        sum_of_squares += np.square(grad)
        param -= self.learning_rate * grad / (np.sqrt(sum_of_squares) + self.epsilon)


OPTIMIZERS: dict[str, type[Optimizer]] = {rule.name: rule for rule in (Adam, SGD, Adagrad)}
