"""Training steps in bulk: the compiled function on a few threads, fed with rows and noise."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.base import Batches, Task
from klosed.engines.fused._job import Job, terms_for, threads_for
from klosed.engines.fused._network import Network
from klosed.engines.fused._small_job import SmallJob, is_small, threads_for_small
from klosed.engines.fused._sparse import pays
from klosed.engines.fused._tables import RULES, Block, Int, Layer, Real
from klosed.random import Purpose, permutation

__all__ = ["FusedStepper"]

Array = NDArray[Any]

_SECONDS_A_CALL = 0.1
_MOST_NOISE = 2**20  # numbers drawn ahead
_MOST_BYTES = 2**22  # read ahead of rows that stay on disk
_SLOTS = (
    (Layer.WEIGHT_SLOT_1, Layer.BIAS_SLOT_1, Block.SLOT_1, Block.SHAPE_SLOT_1),
    (Layer.WEIGHT_SLOT_2, Layer.BIAS_SLOT_2, Block.SLOT_2, Block.SHAPE_SLOT_2),
)


def _is_sparse(network: Network, task: Task, threads: int) -> bool:
    """Return True if the first layer had better leave out the zeros of the data."""
    if network.head == 0 or task.scaling.kind == "standardize":
        return False
    return pays(task.x, network.layers[0].n_out, threads)


class FusedStepper:
    """The steps of one training, a tenth of a second's worth a call."""

    def __init__(self, network: Network, task: Task, threads: int, wanted_terms: int) -> None:
        self._task = task
        batch = task.batch_size
        slots = sorted({name.partition(".")[0] for name in task.moments})
        dtype = task.params["encoder.loc.weight"].dtype
        small = is_small(network, dtype.itemsize)
        threads = (threads_for_small if small else threads_for)(network, batch, threads)
        terms = 0 if small else terms_for(dtype, batch, threads, wanted_terms)
        self._is_streamed = not isinstance(task.x, np.ndarray)
        x = np.empty((0, network.spec.n_features), task.x.dtype) if self._is_streamed else task.x
        job: Job
        if small:
            moments = {
                slot: {name: task.moments[f"{slot}.{name}"] for name in task.params}
                for slot in slots
            }
            job = SmallJob(
                network, task.params, moments, x, task.scaling, batch=batch, threads=threads
            )
        else:
            is_sparse = not (terms or self._is_streamed) and _is_sparse(network, task, threads)
            job = Job(
                network, task.params, x, task.scaling,
                batch=batch, threads=threads, trains=True, is_sparse=is_sparse, terms=terms,
            )  # fmt: skip
        self._job = job
        rule, numbers = RULES[task.optimizer.name]
        job.ints[Int.RULE], job.reals[Real.BETA] = rule, task.beta
        for attribute, position in numbers.items():
            job.reals[position] = getattr(task.optimizer, attribute)
        self._panels = list(job.weights)
        if isinstance(job, SmallJob):
            self._moments = job.moments
        else:
            self._moments = {slot: network.arrays(task.moments, f"{slot}.") for slot in slots}
            self._bind(network, job)
        job.prepare_steps()
        parts = [(task.params, job.params, "")]
        parts += [(task.moments, own, f"{slot}.") for slot, own in self._moments.items()]
        self._copied = [
            (theirs[prefix + name], array)
            for theirs, own, prefix in parts
            for name, array in own.items()
            if theirs[prefix + name] is not array
        ]
        self._k = network.spec.n_components
        self._most = max(1, _MOST_NOISE // (batch * self._k))
        if self._is_streamed:
            most = _MOST_BYTES // (batch * x.shape[1] * x.itemsize)
            self._most = max(1, min(self._most, most))
        self.steps_at_once = 1

    def _bind(self, network: Network, job: Job) -> None:
        """Write where the moments lie."""
        for own, (weight, bias, *free) in zip(self._moments.values(), _SLOTS, strict=False):
            network.bind(job.layers, own, weight, bias)
            network.bind_blocks(job.blocks, own, *free)
            self._panels += job.in_panels(own, weight)

    def permutation(self, seed: int, purpose: Purpose, step: int, n: int) -> Array:
        """Return ``klosed.random.permutation(seed, purpose, step, n)``."""
        if not isinstance(self._job, SmallJob):
            return permutation(seed, purpose, step, n)
        return self._job.permutation(seed, purpose, step, n)

    def steps(self, batches: Batches) -> Array:
        """Take a step for each batch; none where the loss is not finite."""
        job, rows, steps = self._job, batches.rows, len(batches)
        started = time.perf_counter()
        if self._is_streamed:
            job.set_data(self._task.x[rows], self._task.scaling)
            rows = np.arange(len(rows))
        first = np.array([batches.seed, Purpose.TRAINING_NOISE, batches.step], np.uint64)
        streams = np.tile(first, (steps, 1))
        streams[:, 2] += np.arange(steps, dtype=np.uint64)
        noise = np.empty((len(rows), self._k), job.dtype)
        losses = np.zeros((steps, 2))
        job.ints[Int.STEP] = batches.step
        done = job.run_steps(rows, noise, losses, streams)
        seconds = time.perf_counter() - started
        affordable = int(steps * _SECONDS_A_CALL / max(seconds, 1e-9))
        self.steps_at_once = max(1, min(self._most, affordable, 4 * steps))
        return losses[: done + 1]

    def sync(self) -> None:
        """Copy what is not updated in place."""
        for panels in self._panels:
            panels.write_back()
        for theirs, own in self._copied:
            theirs[...] = own

    def agreed(self, value: float) -> float:
        """Return the value of this, the only process."""
        return value
