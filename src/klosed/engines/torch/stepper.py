"""How the torch engine trains: parameters, moments and, where they fit, rows on the device.

Many processes train as one: each draws the whole batch's noise, takes its own rows of it, and
DistributedDataParallel sums the gradients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from klosed.engines.base import Batches, Task
from klosed.engines.torch.graph import Captured, cuda_capture
from klosed.engines.torch.processes import Processes
from klosed.engines.torch.rules import TorchRule
from klosed.random import permutation
from klosed.torch import VAEModule

if TYPE_CHECKING:
    from klosed.engines.torch.engine import TorchEngine

__all__ = ["TorchStepper"]

Array = NDArray[Any]
_STEPS_AT_ONCE = 32
# Rows stay on an accelerator when they take no more than this share of its free memory.
_RESIDENT_SHARE = 0.5


class TorchStepper:
    """A training under way on one device of this process."""

    def __init__(self, engine: TorchEngine, task: Task, processes: Processes) -> None:
        self._engine, self._task, self._processes = engine, task, processes
        self._device = engine.device
        self._on_cpu = engine.device.type == "cpu"
        self.steps_at_once = 1 if self._on_cpu else _STEPS_AT_ONCE
        self._module = VAEModule(engine.spec)
        for name, param in self._module.named_parameters():
            # in main memory the task's own arrays: nothing is copied, and `sync` has nothing to do
            param.data = torch.from_numpy(task.params[name]).to(engine.device)
        self._params = dict(self._module.named_parameters())
        moments = {k: torch.from_numpy(a).to(engine.device) for k, a in task.moments.items()}
        self._rule = TorchRule(task.optimizer, self._params, moments, task.step)
        self._rows = _Rows(task, engine.device)
        model: Any = processes.joined(self._module, engine.device)
        self._model = torch.compile(model) if engine.compile else model
        # floors of every feature are copied to the device at each step, which no graph may hold
        copies = isinstance(engine.spec.min_variance, tuple)
        can = engine.device.type == "cuda" and processes.size == 1 and not copies
        self._captures = engine.graph and can
        self._captured: Captured | None = None

    permutation = staticmethod(permutation)

    def steps(self, batches: Batches) -> Array:
        """Take a step for each batch; the losses are those of all processes together."""
        sizes = batches.sizes()
        with self._processes.watched(f"step {batches.step + 1}"):
            mine = [self._processes.part(size) for size in sizes]
            xs = self._rows.take([b.rows[own] for b, own in zip(batches, mine, strict=True)])
            sums = []
            for batch, own, x in zip(batches, mine, xs, strict=True):
                # drawn while an accelerator still works on the steps before
                noise = _upload(np.ascontiguousarray(batch.noise[own]), self._device)
                sums.append(self._step(x, noise, len(batch.rows)))
            totals = self._processes.total(torch.stack(sums)).tolist()
        return np.array(totals) / np.array(sizes)[:, None]

    def sync(self) -> None:
        """Bring the task's arrays up to date."""
        moments = self._rule.moments()
        for arrays, tensors in ((self._task.params, self._params), (self._task.moments, moments)):
            for name, tensor in tensors.items():
                array = tensor.detach().cpu().numpy()
                if not np.shares_memory(array, arrays[name]):
                    arrays[name][...] = array

    def agreed(self, value: float) -> float:
        """Return the largest value over all processes."""
        with self._processes.watched("a decision"):
            return self._processes.largest(value, self._device)

    def _step(self, x: Tensor, noise: Tensor, n: int) -> Tensor:
        """Take a step on this process's rows of a batch of n; return the sums of its terms."""
        if not self._captures or n != self._task.batch_size:
            return self._eager_step(x, noise, n)
        if self._captured is None:
            self._captured = Captured(
                lambda x, noise: self._eager_step(x, noise, n),
                x,
                noise,
                self._rule.touched(),
                cuda_capture,
            )
        return self._captured(x, noise)

    def _eager_step(self, x: Tensor, noise: Tensor, n: int) -> Tensor:
        self._rule.zero_grad()
        with self._engine.autocast():
            terms = self._model(x, noise)
        sums = torch.stack([term.sum() for term in terms])
        # DistributedDataParallel takes the mean of the processes' gradients
        loss = (sums[0] + self._task.beta * sums[1]) * (self._processes.size / n)
        loss.backward()
        # where looking costs nothing, what is not finite stays out of the parameters
        if not self._on_cpu or self._processes.size > 1 or math.isfinite(loss.detach()):
            self._rule.step()
        return sums.detach()


class _Rows:
    """Rows as the model sees them, on the device."""

    def __init__(self, task: Task, device: torch.device) -> None:
        self._task, self._device = task, device
        self._dtype = next(iter(task.params.values())).dtype
        self._resident: Tensor | None = None
        if device.type == "cuda" and isinstance(task.x, np.ndarray):
            as_bytes = task.scaling.kind == "bytes" and task.x.dtype == np.uint8
            size = task.x.size * (1 if as_bytes else self._dtype.itemsize)
            if size <= _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
                x = task.x if as_bytes else task.scaling.apply(task.x, self._dtype)
                self._resident = torch.from_numpy(np.ascontiguousarray(x)).to(device)

    def take(self, numbers: Sequence[Any]) -> Iterator[Tensor]:
        """Yield the rows of each batch of row numbers."""
        if self._resident is None:
            scaling, x = self._task.scaling, self._task.x
            for some in numbers:
                yield _upload(scaling.apply(x[some], self._dtype), self._device)
            return
        sizes = [len(some) for some in numbers]
        for indices in _upload(np.concatenate(numbers), self._device).split(sizes):
            yield self._scaled(self._resident.index_select(0, indices))

    def _scaled(self, x: Tensor) -> Tensor:
        if x.dtype != torch.uint8:
            return x
        return x.to(torch.float64 if self._dtype == np.float64 else torch.float32) * (1 / 255)


def _upload(array: Any, device: torch.device) -> Tensor:
    """Return the array on the device, without waiting for it."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
