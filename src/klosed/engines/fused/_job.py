"""What a call of compiled code needs: tables, memory to work in, the rows to gather, threads."""

from __future__ import annotations

import _thread
import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused import _sparse as sparse
from klosed.engines.fused._amx import UNIT, has_amx
from klosed.engines.fused._dense import padded, panels_for, vectors_in
from klosed.engines.fused._inference import infer
from klosed.engines.fused._network import Network, Workspace, address, aligned
from klosed.engines.fused._noise import STATE_BYTES
from klosed.engines.fused._panels import InPanels, panel_widths, share_numbers, transposed
from klosed.engines.fused._parts import set_gather, set_inference, set_steps
from klosed.engines.fused._products import VECTORS
from klosed.engines.fused._split import SplitWorkspace
from klosed.engines.fused._steps import run
from klosed.engines.fused._tables import (
    LINE,
    TILE,
    Block,
    Column,
    Control,
    Int,
    Layer,
    Pass,
    Real,
    Scaled,
    Stored,
)
from klosed.engines.fused._team import PACE, outputs_of
from klosed.engines.fused.blas import load_blas, yield_address
from klosed.models.scaling import Scaling

__all__ = ["Job", "one_thread_a_product", "run_on_threads", "terms_for", "threads_for"]

Array = NDArray[Any]
_TILE_BYTES = 320 * 1024  # of split gradient: it must stay in the cache until it is used
_OPERATIONS_A_THREAD = 8_000_000  # some 50 µs; a step's meetings of threads take a few
_ROWS_A_THREAD = 48  # fewer make slow products: threads then share columns, and meet more often
_NO_STREAMS, _NO_TILES = np.empty((0, 3), np.uint64), np.empty((0, TILE), np.int64)
_STORED = {"uint8": Stored.UINT8, "float32": Stored.FLOAT32, "float64": Stored.FLOAT64}
_SCALED = {
    "none": Scaled.AS_THEY_ARE,
    "bytes": Scaled.BYTES,
    "standardize": Scaled.STANDARDIZED,
}


class Job:
    """Everything that a call needs but what changes from call to call.

    One that `trains` has its weights in panels, or splits them into `terms`.
    """

    def __init__(
        self,
        network: Network,
        params: Mapping[str, Array],
        x: Array,
        scaling: Scaling,
        *,
        batch: int,
        threads: int,
        trains: bool = False,
        is_sparse: bool = False,
        terms: int = 0,
    ) -> None:
        self.network, self.batch, self.threads = network, batch, threads
        self.params = network.arrays(params)
        self.dtype = dtype = self.params["encoder.loc.weight"].dtype
        self.blas = load_blas()
        is_by_rows = batch >= _ROWS_A_THREAD * threads
        size, in_panels = dtype.itemsize, trains and not terms
        self._workspace = Workspace(
            network, batch, dtype, trains=trains, sums=1 if is_by_rows else threads,
            pad=partial(padded, size=size) if in_panels else int,
        )  # fmt: skip
        self.layers = self._workspace.table
        network.bind(self.layers, self.params, Layer.WEIGHT, Layer.BIAS)
        self.blocks, self._kept = network.blocks(self.params)
        self.layers[0, Layer.IS_SPARSE] = is_sparse
        self._terms, self._is_sparse = terms, is_sparse
        if in_panels:
            for number, row in enumerate(self.layers):
                row[Layer.SHARE_BYTES] = share_numbers(network, number, threads, size) * size
                if number > 0:  # the data need no gradient
                    self._kept.append(transposed(network, self.params, number, threads))
                    row[Layer.TRANSPOSED] = address(self._kept[-1])
        self.weights = self.in_panels(self.params, Layer.WEIGHT)
        self.tiles, edges = _NO_TILES, [0] * (threads + 1)
        if trains:
            tiles = _tiles(network, dtype, threads, in_panels, is_sparse)
            edges = np.cumsum([0, *map(len, tiles)]).tolist()
            self.tiles = np.array(list(itertools.chain(*tiles)), np.int64)
        self._edges, self._paces = np.array(edges), np.zeros(threads * PACE, np.int64)
        self._queues = aligned(threads * LINE // 8, np.int64)
        self._row_losses = np.zeros((batch, 2))
        self.ints, self.reals = np.zeros(len(Int), np.int64), np.zeros(len(Real))
        self._control = aligned(Control.SIZE, np.int64)
        self._control[:] = 0
        n = network.spec.n_features
        outputs = self.tiles[:, 2] - self.tiles[:, 1]
        inputs = self.layers[self.tiles[:, 0], Layer.N_IN]
        if in_panels:  # a panel of some inputs, or all of a sparse layer
            unit = LINE // size
            inputs[:] = sparse.BLOCK + sparse.LINES
            most = outputs.max() if is_sparse else VECTORS * unit
            outputs = np.maximum(np.minimum(outputs, most) + unit, VECTORS * unit)
        tile = int((outputs * inputs).max(initial=0))
        own = sparse.list_numbers(batch, n) if is_sparse else 0
        self._lists = aligned(own * threads, np.int32)
        numbers = (
            Column.SIZE * n + LINE // size + max(tile, n, int(self.layers[:, Layer.N_OUT].max()))
        )
        numbers = max(numbers, -(-STATE_BYTES // dtype.itemsize))
        numbers += -numbers % 16
        self._scratch = aligned(numbers * threads, dtype)
        self._set(
            {
                Int.GEMM: self.blas.gemm(dtype),
                Int.IN_PIECES: self.blas.kernel == "SkylakeX",
                Int.YIELD: yield_address(),
                Int.CONTROL: address(self._control),
                Int.ENCODER_HEAD: network.head,
                Int.BATCH: batch,
                Int.UPSTREAM: self._workspace.upstream,
                Int.WIDEST: self._workspace.widest,
                Int.ZEROS: self._workspace.zeros,
                Int.SHARES: threads,
                Int.BY_ROWS: is_by_rows,
                Int.LISTS: address(self._lists),
                Int.LISTS_BYTES: 4 * own,
                Int.SCRATCH: address(self._scratch),
                Int.SCRATCH_BYTES: numbers * dtype.itemsize,
                Int.REALS: address(self.reals),
                Int.LAYERS: address(self.layers),
                Int.N_LAYERS: len(self.layers),
                Int.BLOCKS: address(self.blocks),
                Int.N_BLOCKS: len(self.blocks),
                Int.TILES: address(self.tiles),
                Int.N_TILES: len(self.tiles),
                Int.PACES: address(self._paces),
                Int.ROW_LOSSES: address(self._row_losses),
                Int.QUEUES: address(self._queues),
                Int.TILE_EDGES: address(self._edges),
                Int.MOVES_ROWS: not network.has_free_parameters,
            }
        )
        self.set_data(x, scaling)
        if terms:
            scale = self._scale_of_bytes(scaling)
            self._splits = SplitWorkspace(self.layers, batch, terms, scale)
            self._set({Int.SPLITS: address(self._splits.table)})

    def _scale_of_bytes(self, scaling: Scaling) -> float | None:
        """Return what makes whole numbers below 256 of the first layer's input."""
        if self._data[0].dtype != np.uint8 or self.blocks[:, Block.READ].any():
            return None
        return {"none": 1.0, "bytes": 255.0}.get(scaling.kind)

    def prepare_steps(self) -> None:
        """Have what steps need compiled, for the rule that is set."""
        widths = panel_widths(self.network, self.threads, self.dtype.itemsize)
        set_steps(self.ints, self.layers, self.blocks, self.dtype, self._terms, widths)
        run.address(self.dtype)

    def in_panels(self, arrays: Mapping[str, Array], column: Layer) -> list[InPanels]:
        """Copy weights, or what belongs to them, to panels, and write where those lie to a column.

        The list is empty where this job's weights are in the arrays themselves. The copies live as
        long as it does, and whoever wants what they hold writes them back.
        """
        if not self.layers[0, Layer.SHARE_BYTES]:
            return []
        panels = InPanels(self.network, arrays, self.threads, is_sparse=self._is_sparse)
        panels.bind(self.layers, column)
        return [panels]

    def run_steps(
        self, rows: Array, noise: Array, losses: Array, streams: Array = _NO_STREAMS
    ) -> int:
        """Run a step for each row of `losses`; return how many were done.

        `noise` is filled with that of `streams`, a line (seed, purpose, step) for each step,
        where there are any.
        """
        self._set(
            {
                Int.ROWS: address(rows),
                Int.N_ROWS: len(rows),
                Int.NOISE: address(noise),
                Int.STREAMS: address(streams),
                Int.N_STREAMS: len(streams),
                Int.LOSSES: address(losses),
                Int.N_STEPS: len(losses),
            }
        )
        with one_thread_a_product():
            done: int = run_on_threads(self._stepping(), self.threads)
        return done

    def _stepping(self) -> Callable[[int], Any]:
        step, ints = run.function(self.dtype), address(self.ints)
        return lambda thread: step(ints, thread, self.threads, 1)

    def prepare_inference(self) -> None:
        """Have what inference needs compiled."""
        set_inference(self.ints, self.layers, self.blocks, self.dtype)
        infer.address(self.dtype)

    def infer(self, kind: Pass, n_rows: int, latent: Array, results: Array, scores: Array) -> None:
        """Take rows through the network; blocks of them go to whichever thread is ready."""
        rows = np.arange(n_rows)
        self._set({Int.ROWS: address(rows), Int.N_ROWS: n_rows})
        self._control[Control.TAKEN] = 0
        step, block = infer.function(self.dtype), self.batch // self.threads
        ints, *arrays = (address(each) for each in (self.ints, latent, results, scores))
        with one_thread_a_product():
            run_on_threads(
                lambda thread: step(ints, kind, thread, block, n_rows, *arrays, 1), self.threads
            )

    def _set(self, values: Mapping[Any, int]) -> None:
        for position, value in values.items():
            self.ints[position] = value

    def set_data(self, x: Array, scaling: Scaling) -> None:
        """Take rows from here on from x."""
        stored, scaled, as_it_is = self._set_data(x, scaling)
        set_gather(self.ints, self.blocks, self.dtype, stored, scaled, reads=not as_it_is)
        target = self.layers[0, Layer.INPUT] if as_it_is else self._workspace.target
        self._set({Int.TARGET: target})

    def _set_data(self, x: Array, scaling: Scaling) -> tuple[Stored, Scaled, bool]:
        """Return how x is stored and scaled, and whether the encoder sees just that."""
        stored = x.dtype.name if x.dtype.name in _STORED else "float64"
        x = np.ascontiguousarray(x, stored)
        shift, scale = (
            np.ascontiguousarray(np.broadcast_to(part, x.shape[1:]), np.float64)
            for part in (scaling.shift, scaling.scale)
        )
        self._data = x, shift, scale
        self._set(
            {
                Int.DATA: address(x),
                Int.ROW_BYTES: x.strides[0],
                Int.SHIFT: address(shift),
                Int.SCALE: address(scale),
            }
        )
        as_it_is = stored == "uint8" and not self.blocks[:, Block.READ].any()
        return _STORED[stored], _SCALED[scaling.kind], as_it_is


def _tiles(
    network: Network, dtype: np.dtype[Any], threads: int, in_panels: bool, is_sparse: bool
) -> list[list[tuple[int, int, int, int]]]:
    """Return the rows of `Tile` for each thread's weights: those of the outputs that it computes.

    They are in its cache. Of panels, a tile is one of them or, of a sparse layer, a block of
    inputs.
    """
    tiles: list[list[tuple[int, int, int, int]]] = [[] for _ in range(threads)]
    size = dtype.itemsize
    for number, layer in enumerate(network.layers):
        for thread in range(threads):
            first, end = outputs_of(thread, threads, number, layer.n_out, size)
            if end <= first:
                continue
            if in_panels:
                pieces = panels_for(vectors_in(end - first, size), VECTORS)
                if is_sparse and number == 0:
                    pieces = -(-layer.n_in // sparse.BLOCK)
                tiles[thread] += [(number, first, end, piece) for piece in range(pieces)]
                continue
            parts = -(-(end - first) * layer.n_in * size // _TILE_BYTES)
            units = -(-(end - first) // UNIT)
            edges = [min(first + units * i // parts * UNIT, end) for i in range(parts + 1)]
            tiles[thread] += [(number, a, b, 0) for a, b in itertools.pairwise(edges) if b > a]
    if network.has_free_parameters:
        tiles[0].append((-1, 0, 0, 0))
    return tiles


def terms_for(dtype: np.dtype[Any], batch: int, threads: int, wanted: int) -> int:
    """Return how many bfloat16 numbers stand for one in products; 0 where BLAS multiplies.

    As many as `wanted` where the processor has units for them and threads share the rows of a
    batch, as they do of a large one.
    """
    is_fit = dtype == np.float32 and batch >= _ROWS_A_THREAD * threads
    return wanted if wanted and is_fit and has_amx() else 0


def threads_for(network: Network, rows: int, most: int) -> int:
    """Return how many threads are worth their while for a step of `rows`."""
    return max(1, min(most, 6 * network.n_weights * rows // _OPERATIONS_A_THREAD))


def run_on_threads(function: Callable[..., Any], threads: int, *shared: Any) -> Any:
    """Call ``function(number, *shared)`` on each of `threads` threads, on this one as number 0."""
    left = []

    def run(number: int, lock: Any) -> None:
        try:
            function(number, *shared)
        finally:
            lock.release()

    # a tenth of a millisecond less than threading.Thread, which waits until the other has begun
    for number in range(1, threads):
        lock = _thread.allocate_lock()
        lock.acquire()
        _thread.start_new_thread(run, (number, lock))
        left.append(lock)
    try:
        return function(0, *shared)
    finally:
        for lock in left:
            lock.acquire()


@cache
def _pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread_a_product() -> AbstractContextManager[Any]:
    """Keep the BLAS from starting threads of its own beside ours."""
    if load_blas().is_private:
        return nullcontext()
    limit: AbstractContextManager[Any] = _pools().limit(limits=1, user_api="blas")
    return limit
