"""Training steps in bulk: the compiled function on a few threads, fed with rows and noise."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.base import Batch, Loss, Task
from klosed.engines.fused._job import Job, run_on_threads, threads_for
from klosed.engines.fused._network import Network
from klosed.engines.fused._tables import RULES, Block, Int, Layer, Real

__all__ = ["FusedStepper"]

Array = NDArray[Any]

_SECONDS_A_CALL = 0.1
_MOST_NOISE = 2**20  # numbers drawn ahead
_MOST_DRAWING = 4  # threads; a third of drawing is Python, which one thread does at a time
_SLOTS = (
    (Layer.WEIGHT_SLOT_1, Layer.BIAS_SLOT_1, Block.SLOT_1, Block.SHAPE_SLOT_1),
    (Layer.WEIGHT_SLOT_2, Layer.BIAS_SLOT_2, Block.SLOT_2, Block.SHAPE_SLOT_2),
)


class FusedStepper:
    """The steps of one training, a tenth of a second's worth a call."""

    def __init__(self, network: Network, task: Task, threads: int) -> None:
        self._task, self._threads = task, threads
        batch = task.batch_size
        self._job = job = Job(
            network, task.params, task.x, task.scaling,
            batch=batch, threads=threads_for(network, batch, threads),
        )  # fmt: skip
        rule, numbers = RULES[task.optimizer.name]
        job.ints[Int.RULE], job.reals[Real.BETA] = rule, task.beta
        for attribute, position in numbers.items():
            job.reals[position] = getattr(task.optimizer, attribute)
        slots = sorted({name.partition(".")[0] for name in task.moments})
        self._moments = {slot: network.arrays(task.moments, f"{slot}.") for slot in slots}
        for slot, (weight, bias, *free) in zip(slots, _SLOTS, strict=False):
            network.bind(job.layers, self._moments[slot], weight, bias)
            network.bind_blocks(job.blocks, self._moments[slot], *free)
        self._k = network.spec.n_components
        self._most = max(1, _MOST_NOISE // (batch * self._k))
        self.steps_at_once = 1

    def steps(self, batches: Sequence[Batch], step: int) -> list[Loss]:
        """Take a step for each batch; none where the loss is not finite."""
        job, beta = self._job, self._task.beta
        started = time.perf_counter()
        rows = np.concatenate([batch.rows for batch in batches])
        noise = self._draw(batches, len(rows))
        losses = np.zeros((len(batches), 2))
        job.ints[Int.STEP] = step
        done = job.run_steps(rows, noise, losses)
        seconds = time.perf_counter() - started
        affordable = int(len(batches) * _SECONDS_A_CALL / max(seconds, 1e-9))
        self.steps_at_once = max(1, min(self._most, affordable, 4 * len(batches)))
        return [Loss(part[0], part[1], beta) for part in losses[: done + 1].tolist()]

    def _draw(self, batches: Sequence[Batch], rows: int) -> Array:
        """Return the noise of all batches, drawn on several threads at once."""
        noise = np.empty((rows, self._k), self._job.dtype)
        edges = [0, *itertools.accumulate(len(batch.rows) for batch in batches)]
        threads = min(self._threads, len(batches), _MOST_DRAWING)

        def part(number: int) -> None:
            for i in range(number, len(batches), threads):
                noise[edges[i] : edges[i + 1]] = batches[i].draw()

        run_on_threads(part, threads)
        return noise

    def sync(self) -> None:
        """Copy what is not updated in place."""
        parts = [(self._task.params, self._job.params, "")]
        parts += [(self._task.moments, own, f"{slot}.") for slot, own in self._moments.items()]
        for theirs, own, prefix in parts:
            for name, array in own.items():
                if theirs[prefix + name] is not array:
                    theirs[prefix + name][...] = array

    def agreed(self, value: float) -> float:
        """Return the value of this, the only process."""
        return value
