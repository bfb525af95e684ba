"""Training steps in bulk: the compiled function on a few threads, fed with rows and noise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused import _steps
from klosed.engines.fused._network import Network, Workspace, address, aligned
from klosed.engines.fused._tables import RULES, Block, Control, Int, Layer, Real, Rule, Scaled, Stored
from klosed.engines.fused.blas import load_blas, yield_address
from klosed.models.parameters import Parameters
from klosed.models.scaling import Scaling

__all__ = ["Job", "Trainer", "run_on_threads", "threads_for"]

Array = NDArray[Any]
_SECONDS_A_CALL = 0.1
_MOST_NOISE = 2**20  # numbers drawn ahead
_TILE_BYTES = 320 * 1024  # of gradient: it must stay in the cache until it is used
_STORED = {"uint8": Stored.UINT8, "float32": Stored.FLOAT32, "float64": Stored.FLOAT64}
_SCALED = {
    "none": Scaled.AS_THEY_ARE,
    "bytes": Scaled.BYTES,
    "standardize": Scaled.STANDARDIZED,
}


def threads_for(network: Network, rows: int, most: int) -> int:
    """Return how many threads are worth their while for a batch of `rows`."""
    operations = 6 * network.n_weights * rows
    return int(max(1, min(most, rows // 8, operations // 1_000_000)))


def make_tiles(network: Network, dtype: np.dtype[Any], threads: int) -> Array:
    """Return (layer, first output, end) of each tile of weights, the largest layers first."""
    tiles = []
    for number, layer in enumerate(network.layers):
        most = max(1, _TILE_BYTES // (layer.n_in * dtype.itemsize))
        parts = -(-layer.n_out // most)
        if layer.n_in * layer.n_out * dtype.itemsize > 2**14:
            parts = -(-parts // threads) * threads  # whole rounds
        parts = min(parts, layer.n_out)
        edges = [layer.n_out * i // parts for i in range(parts + 1)]
        tiles += [(number, a, b) for a, b in zip(edges, edges[1:], strict=False)]
    tiles.sort(key=lambda tile: -network.layers[tile[0]].n_in * (tile[2] - tile[1]))
    if network.free:
        tiles.append((-1, 0, 0))
    return np.array(tiles, np.int64)


class Job:
    """Everything that one call of the compiled function needs, but rows and noise."""

    def __init__(self, network: Network, batch: int, dtype: np.dtype[Any], threads: int) -> None:
        self.network, self.batch, self.dtype, self.threads = network, batch, dtype, threads
        self.workspace = Workspace(network, batch, dtype)
        self.layers = self.workspace.table
        self.tiles = make_tiles(network, dtype, threads)
        self.ints, self.reals = np.zeros(len(Int), np.int64), np.zeros(len(Real))
        n = network.layers[0].n_in
        largest = max(
            [
                (stop - start) * network.layers[layer].n_in
                for layer, start, stop in self.tiles.tolist()
                if layer >= 0
            ]
        )
        numbers = 3 * n + max(largest, n, max(layer.n_out for layer in network.layers))
        numbers = -(-numbers // 16) * 16
        self._scratch = aligned(numbers * threads, dtype)
        self._control = aligned(Control.SIZE, np.int64)
        self._control[:] = 0
        self.blas = load_blas()
        self._partial = np.zeros((threads, 8))
        for position, value in (
            (Int.GEMM, self.blas.gemm(dtype)),
            (Int.YIELD, yield_address()),
            (Int.CONTROL, address(self._control)),
            (Int.ENCODER_HEAD, network.head),
            (Int.BATCH, batch),
            (Int.UPSTREAM, self.workspace.upstream),
            (Int.SCRATCH, address(self._scratch)),
            (Int.SCRATCH_BYTES, numbers * dtype.itemsize),
        ):
            self.ints[position] = value

    def set_data(self, x: Array, scaling: Scaling) -> None:
        """Name the rows to gather, and how they are scaled."""
        if x.dtype.name not in _STORED or not x.flags.c_contiguous:
            x = np.ascontiguousarray(x, x.dtype if x.dtype.name in _STORED else np.float64)
        shift, scale = (
            np.ascontiguousarray(np.broadcast_to(part, x.shape[1:]), np.float64)
            for part in (scaling.shift, scaling.scale)
        )
        self._data = x, shift, scale
        for position, value in (
            (Int.DATA, address(x)),
            (Int.STORED, _STORED[x.dtype.name]),
            (Int.ROW_BYTES, x.strides[0]),
            (Int.SCALED, _SCALED[scaling.kind]),
            (Int.SHIFT, address(shift)),
            (Int.SCALE, address(scale)),
        ):
            self.ints[position] = value

    def run(self, rows: Array, noise: Array, steps: int) -> tuple[int, Array]:
        """Return (steps done, their losses of shape (steps, 2): reconstruction and KL)."""
        losses = np.zeros((steps, 2))
        shared = (
            self.threads, self.layers, self.blocks, self.tiles, self.ints, self.reals,
            rows, noise, self._partial, losses, self.dtype.type(1),
        )  # fmt: skip
        done = run_on_threads(_steps.train, self.threads, shared)
        return done, losses


def run_on_threads(function: Callable[..., Any], threads: int, shared: tuple[Any, ...]) -> Any:
    """Call `function` on `threads` threads, this one among them, and return what it returns here."""
    others = [
        threading.Thread(target=function, args=(i, *shared), daemon=True)
        for i in range(1, threads)
    ]
    for other in others:
        other.start()
    try:
        return function(0, *shared)
    finally:
        for other in others:
            other.join()


class Trainer:
    """Steps in bulk on the arrays of one training; see `klosed.engines.base.Trainer`."""

    def __init__(
        self,
        network: Network,
        params: Parameters,
        moments: Parameters,
        optimizer: Any,
        x: Array,
        scaling: Scaling,
        *,
        batch_size: int,
        beta: float,
        noise: Callable[[int, int], Array],
        threads: int,
    ) -> None:
        self._network, self._params, self._moments = network, params, moments
        self._noise = noise
        dtype = params["encoder.loc.weight"].dtype
        self._job = job = Job(network, batch_size, dtype, threads_for(network, batch_size, threads))
        rule, numbers = RULES[optimizer.name]
        job.ints[Int.RULE], job.reals[Real.BETA] = rule, beta
        for attribute, position in numbers.items():
            job.reals[position] = getattr(optimizer, attribute)
        self._slots = optimizer.slots
        job.set_data(x, scaling)
        self._steps = 1
        latent = network.spec.n_components
        self._most_steps = max(1, _MOST_NOISE // (batch_size * latent))

    def run(self, rows: Array, step: int) -> tuple[int, Array]:
        """Train on `rows` in batches for about a tenth of a second."""
        job = self._job
        self._bind()
        batch, latent = job.batch, self._network.spec.n_components
        steps = min(self._steps, -(-len(rows) // batch))
        rows = np.ascontiguousarray(rows[: steps * batch])
        noise = np.empty((len(rows), latent), job.dtype)
        started = time.perf_counter()
        for s in range(steps):
            part = noise[s * batch : (s + 1) * batch]
            part[:] = self._noise(step + s, len(part))
        job.ints[Int.STEP] = step
        done, losses = job.run(rows, noise, steps)
        seconds = time.perf_counter() - started
        wanted = int(steps * _SECONDS_A_CALL / max(seconds, 1e-9))
        self._steps = max(1, min(self._most_steps, wanted, 4 * steps))
        return done, losses

    def _bind(self) -> None:
        """Write the addresses of parameters and moments to the tables."""
        job, network = self._job, self._network
        network.adopt(self._params)
        network.bind(job.layers, self._params, Layer.WEIGHT, Layer.BIAS)
        job.blocks, self._kept = network.blocks(self._params, job.dtype)
        columns = (
            (Layer.WEIGHT_SLOT_1, Layer.BIAS_SLOT_1, Block.SLOT_1),
            (Layer.WEIGHT_SLOT_2, Layer.BIAS_SLOT_2, Block.SLOT_2),
        )
        for slot, (weight, bias, free) in zip(self._slots, columns, strict=False):
            network.adopt(self._moments, f"{slot}.")
            network.bind(job.layers, self._moments, weight, bias, f"{slot}.")
            for name in network.free:
                job.blocks[0, free] = address(self._moments[f"{slot}.{name}"])
