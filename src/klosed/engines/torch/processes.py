"""The processes that torchrun started, as one training sees them.

Nothing here starts a process or finds a machine: torchrun does, and says so in the environment.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from klosed.errors import ParameterError, PeerError

__all__ = ["Processes", "launched"]

_SAYS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


def launched(environment: Mapping[str, str] = os.environ) -> bool:
    """Return True in a process that torchrun, or what speaks its language, has started."""
    return all(name in environment for name in _SAYS)


@dataclass(frozen=True)
class Processes:
    """Who this process is among those that train together; alone by default.

    `restarts` counts how often torchrun has started them anew after a failure.
    """

    rank: int = 0
    size: int = 1
    restarts: int = 0

    @classmethod
    @contextmanager
    def join(cls, device: str = "auto", *, timeout: float = 300.0) -> Iterator[Processes]:
        """Meet the other processes that torchrun started; alone where it started none.

        They speak NCCL where each has a CUDA device, else gloo.

        Parameters
        ----------
        device : str
            As the engine takes it; with CUDA, process i of a machine takes its device i.
        timeout : float, default 300
            Seconds to wait for the others, here and in every exchange.

        Raises
        ------
        PeerError
            They cannot be reached in time.
        """
        if not launched():
            yield cls()
            return
        rank, size, local = (int(os.environ[k]) for k in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        on_cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
        if on_cuda and local >= torch.cuda.device_count():
            raise ParameterError(
                f"nproc-per-node must not exceed the {torch.cuda.device_count()} CUDA devices of "
                f"this machine; this is its process {local}. Start fewer, or add --device cpu."
            )
        if on_cuda:
            torch.cuda.set_device(local)
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        try:
            limit = timedelta(seconds=timeout)
            store, *_ = next(dist.rendezvous("env://", rank, size, timeout=limit))
            name = _new_name(store, rank, size, timeout)
            store = dist.PrefixStore(name, store)
            backend = "nccl" if on_cuda else "gloo"
            dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=limit)
        except (dist.DistError, RuntimeError, ValueError, TimeoutError) as error:
            raise PeerError(
                f"process {rank} of {size} could not meet the others at {where} within "
                f"{timeout:g} s: {_first_sentence(error)} Check that every machine was started, "
                "with the same --nnodes, and reaches that address."
            ) from None
        yield cls(rank, size, restarts=int(name.split(":")[1]))
        # not after an error: taking leave may wait for a process that is gone
        dist.destroy_process_group()

    @property
    def is_first(self) -> bool:
        """True for the one that writes files and speaks to the user."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """Return which of a batch's n rows are this process's."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def joined(self, module: nn.Module, device: torch.device) -> Any:
        """Return the module with its gradients averaged over all processes."""
        if self.size == 1:
            return module
        ids = [device] if device.type == "cuda" else None
        with self.watched("the start"):
            return nn.parallel.DistributedDataParallel(
                module, device_ids=ids, gradient_as_bucket_view=True
            )

    def total(self, t: Tensor) -> Tensor:
        """Return the sum of t over all processes."""
        if self.size > 1:
            t = t.clone()
            dist.all_reduce(t)
        return t

    def largest(self, value: float, device: torch.device) -> float:
        """Return the largest value over all processes."""
        if self.size == 1:
            return value
        t = torch.tensor(value, dtype=torch.float64, device=device)
        dist.all_reduce(t, dist.ReduceOp.MAX)
        return float(t)

    @contextmanager
    def watched(self, what: str) -> Iterator[None]:
        """Turn what PyTorch raises when a peer is lost into a PeerError that says where."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not _is_about_peers(error):
                raise
            raise PeerError(
                f"process {self.rank} of {self.size} lost another one at {what}: "
                f"{_first_sentence(error)} Look for the first error among all processes; torchrun "
                "--max-restarts N goes on from the last checkpoint by itself."
            ) from error


def _new_name(store: Any, rank: int, size: int, timeout: float) -> str:
    """Agree with the other processes on a name that none before them has used, word:restarts.

    torchrun keeps its store when it starts processes again, and with it the addresses of those
    that died (PyTorch 2.13). So each process calls under a word of its own, the first answers
    each word, and what was left by the dead gets an answer that nobody reads. Each machine counts
    the restarts that it asked for; those that others asked for show in the store.
    """
    word = uuid.uuid4().hex
    if rank > 0:
        store.set(f"klosed/call/{rank}", word)
        name = bytes(store.get(f"klosed/answer/{word}")).decode()
        store.set(f"klosed/{name}/{rank}", "here")
        return name
    own = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    restarts = max(own, store.add("klosed/trainings", 1) - 1)
    word = f"{word}:{restarts}"
    answered: dict[int, bytes] = {}
    waiting, deadline = set(range(1, size)), time.monotonic() + timeout
    while waiting:
        for other in sorted(waiting):
            key = f"klosed/call/{other}"
            if store.check([key]) and answered.get(other) != (call := bytes(store.get(key))):
                store.set(f"klosed/answer/{call.decode()}", word)
                answered[other] = call
            if store.check([f"klosed/{word}/{other}"]):
                waiting.discard(other)
        if waiting and time.monotonic() > deadline:
            missing = ", ".join(map(str, sorted(waiting)))
            raise TimeoutError(f"process {missing} did not call")
        time.sleep(0.01)
    return word


def _is_about_peers(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, dist.DistError) or "gloo" in text or "connection" in text


def _first_sentence(error: Exception) -> str:
    """Return what it says first, without PyTorch's place in its own source."""
    text = re.sub(r"\[[^\]]*\.cc:\d+\] ", "", str(error).strip())
    return re.split(r"\.\s|\n", text)[0].rstrip(".") + "."
