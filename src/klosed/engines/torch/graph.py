"""A training step captured as one CUDA graph: small models no longer wait for Python.

The step runs on buffers that stay where they are; one call then replays some fifty kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["Captured", "cuda_capture"]

Step = Callable[[Tensor, Tensor], Tensor]
# A capture runs the function while it records what it launches, and returns what replays that.
Capture = Callable[[Callable[[], None]], Callable[[], None]]

_WARM_UP = 3


def cuda_capture(function: Callable[[], None]) -> Callable[[], None]:
    """Return what replays the kernels that `function` launches."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    replay: Callable[[], None] = graph.replay
    return replay


class Captured:
    """`step(x, noise)` for batches of one shape, recorded once and replayed after that.

    Parameters
    ----------
    step : callable
        Takes a step and returns its sums. It must not wait for the device, nor depend on a value.
    x, noise : tensor
        Of the shape of every batch to come.
    touched : sequence of tensor
        What a step changes: put back after the steps that warming up takes.
    capture : callable
        `cuda_capture`, or a stand-in where there is no CUDA device.
    """

    def __init__(
        self,
        step: Step,
        x: Tensor,
        noise: Tensor,
        touched: Sequence[Tensor],
        capture: Capture,
    ) -> None:
        self._x, self._noise = x.clone(), noise.clone()
        kept = [t.detach().clone() for t in touched]

        def once() -> None:
            self._sums = step(self._x, self._noise)

        self._on_side_stream(once)
        self._replay = capture(once)
        with torch.no_grad():
            for t, value in zip(touched, kept, strict=True):
                t.copy_(value)

    def __call__(self, x: Tensor, noise: Tensor) -> Tensor:
        """Take a step; return its sums, a copy."""
        self._x.copy_(x)
        self._noise.copy_(noise)
        self._replay()
        return self._sums.clone()

    def _on_side_stream(self, once: Callable[[], None]) -> None:
        """Warm up: libraries allocate and choose kernels on their first calls, outside a graph."""
        if self._x.device.type != "cuda":
            for _ in range(_WARM_UP):
                once()
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                once()
        torch.cuda.current_stream().wait_stream(stream)
