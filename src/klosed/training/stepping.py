"""Who takes the steps: the engine in a way of its own, or gradient and update in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.base import Batches, Engine, Stepper, Task
from klosed.random import permutation

__all__ = ["PlainStepper", "stepper_for"]

Array = NDArray[Any]


def stepper_for(engine: Engine, task: Task) -> Stepper:
    """Return the engine's own stepper where it has one."""
    make = getattr(engine, "stepper", None)
    stepper: Stepper | None = None if make is None else make(task)
    return stepper or PlainStepper(engine, task)


class PlainStepper:
    """One step at a time: the engine's gradient, then the optimizer's update, in NumPy."""

    steps_at_once = 1

    def __init__(self, engine: Engine, task: Task) -> None:
        self._engine, self._task = engine, task

    permutation = staticmethod(permutation)

    def steps(self, batches: Batches) -> Array:
        """Take a step for each batch; none where the loss is not finite."""
        task, losses = self._task, []
        for done, batch in enumerate(batches, batches.step):
            x = task.scaling.apply(task.x[batch.rows], batch.noise.dtype)
            loss, grads = self._engine.loss_and_grad(task.params, x, batch.noise, beta=task.beta)
            losses.append((loss.reconstruction, loss.kl))
            if not math.isfinite(loss):
                break
            task.optimizer.update(task.params, grads, task.moments, done + 1)
        return np.array(losses)

    def sync(self) -> None:
        """Nothing to do: the task's arrays are the ones that are updated."""

    def agreed(self, value: float) -> float:
        """Return the value of this, the only process."""
        return value
