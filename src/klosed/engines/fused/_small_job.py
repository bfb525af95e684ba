"""What training steps of a small network need: for each thread, memory for rows of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused._dense import padded
from klosed.engines.fused._job import Job
from klosed.engines.fused._network import Network, address, aligned
from klosed.engines.fused._noise import permute
from klosed.engines.fused._parts import set_small, set_small_take
from klosed.engines.fused._products import ROWS
from klosed.engines.fused._small_steps import AT_ONCE, run
from klosed.engines.fused._tables import LINE, SMALL, Int, Layer, Small
from klosed.models.scaling import Scaling

__all__ = ["SmallJob", "is_small", "threads_for_small"]

Array = NDArray[Any]
_MOST_BYTES = 128 * 1024  # of weights
_OPERATIONS_A_THREAD = 2_500_000  # some 15 µs


def is_small(network: Network, itemsize: int) -> bool:
    """Return True if all weights fit into the cache of each thread, beside what else it needs."""
    sizes = [padded(each.n_in, itemsize) * padded(each.n_out, itemsize) for each in network.layers]
    return sum(sizes) * itemsize <= _MOST_BYTES


def threads_for_small(network: Network, rows: int, most: int) -> int:
    """Return how many threads are worth their while for a small network's step of `rows`."""
    return max(1, min(most, 6 * network.n_weights * rows // _OPERATIONS_A_THREAD))


def _zeros(n: int, dtype: np.dtype[Any]) -> Array:
    found = aligned(n, dtype)
    found[:] = 0
    return found


class _Places:
    """Where each parameter lies in one vector; rows and columns are filled up with zeros.

    The first layer's weight lies there turned, a row for each input: the way there wants it so, and
    no gradient goes on from it.
    """

    def __init__(self, network: Network, params: Mapping[str, Array]) -> None:
        itemsize = params["encoder.loc.weight"].itemsize
        self.numbers = 0
        # first number, numbers from row to row, shape there
        self._places: dict[str, tuple[int, int, tuple[int, ...]]] = {}
        self._turned = network.layers[0].names
        for number, layer in enumerate(network.layers):
            rows, columns = padded(layer.n_out, itemsize), padded(layer.n_in, itemsize)
            if number == 0:
                rows, columns = -(-layer.n_in // ROWS) * ROWS, rows
            for part, width in (("weight", columns), ("bias", 1)):
                first = self.numbers
                for name in layer.names:  # the heads of the encoder are one layer
                    shape = params[f"{name}.{part}"].shape
                    is_turned = number == 0 and part == "weight"
                    place = first, width, shape[::-1] if is_turned else shape
                    self._places[f"{name}.{part}"] = place
                    first += shape[0] * (1 if is_turned else width)
                self.numbers += rows * width if part == "weight" else padded(layer.n_out, itemsize)
        for name, array in params.items():
            if name not in self._places:
                self._places[name] = self.numbers, 1, array.shape
                self.numbers += padded(array.size, itemsize)

    def arrays(self, vector: Array) -> dict[str, Array]:
        """Return all parameters in such a vector, as views by name."""
        found = {}
        for name, (first, width, shape) in self._places.items():
            part = vector[first : first + shape[0] * width]
            found[name] = part.reshape(-1, width)[:, : shape[1]] if len(shape) > 1 else part
            if name.removesuffix(".weight") in self._turned:
                found[name] = found[name].T
        return found


class _Thread:
    """The memory of one thread, and the tables that lead there."""

    def __init__(self, network: Network, places: _Places, dtype: np.dtype[Any]) -> None:
        self._dtype, self._kept = dtype, list[Array]()
        first, size = network.layers[0], dtype.itemsize
        vectors = [self._buffer(places.numbers) for _ in range(4)]
        self.params, *self.moments = (places.arrays(vector) for vector in vectors[:3])
        self.blocks, fixed = network.blocks(self.params)
        self._kept += fixed
        self.layers = network.table()
        network.bind(self.layers, self.params, Layer.WEIGHT, Layer.BIAS)
        source = self._rows(first.n_in)
        for number, (row, layer) in enumerate(zip(self.layers, network.layers, strict=True)):
            row[Layer.INPUT] = source
            row[Layer.OUTPUT] = source = self._rows(layer.n_out)
            row[Layer.DELTA] = self._rows(layer.n_out)
            if number == 0:
                row[Layer.TRANSPOSED] = row[Layer.WEIGHT]
            else:
                weights = self._buffer(padded(layer.n_in, size) * padded(layer.n_out, size))
                row[Layer.TRANSPOSED] = address(weights)
            if number == network.head:
                source = self._rows(layer.n_out // 2)
        widest = max(max(layer.n_in, layer.n_out) for layer in network.layers)
        head = network.layers[network.head].n_out
        self.ints = np.zeros(SMALL, np.int64)
        self.own: dict[int, int] = {
            Int.LAYERS: address(self.layers),
            Int.BLOCKS: address(self.blocks),
            Int.UPSTREAM: self._rows(widest),
            Small.WEIGHTS: address(vectors[0]),
            Small.SLOT_1: address(vectors[1]),
            Small.SLOT_2: address(vectors[2]),
            Small.TOTAL: address(vectors[3]),
            Int.TARGET: self._rows(first.n_in, np.nan),  # what fills rows up was never seen
            Small.LOC: self._rows(head),
            Small.LOG_VARIANCES: self._rows(head),
            Small.STEP: self._rows(head),
            Small.UP: self._rows(head),
            Small.TOTALS: address(self._buffer(padded(widest, size))),
            Small.ZEROS: address(self._buffer(padded(widest, size))),
            Small.PRECISION: self._rows(first.n_in),
            Small.LOG_VARIANCE: self._rows(first.n_in),
            Small.BY_VARIANCE: self._rows(first.n_in),
        }

    def _buffer(self, n: int) -> Array:
        self._kept.append(_zeros(n, self._dtype))
        return self._kept[-1]

    def _rows(self, width: int, value: float = 0.0) -> int:
        rows = self._buffer(AT_ONCE * padded(width, self._dtype.itemsize))
        rows[:] = value
        return address(rows)


class SmallJob(Job):
    """What steps of a small network need but what changes from call to call."""

    def __init__(
        self,
        network: Network,
        params: Mapping[str, Array],
        moments: Mapping[str, Mapping[str, Array]],
        x: Array,
        scaling: Scaling,
        *,
        batch: int,
        threads: int,
    ) -> None:
        dtype, places = params["encoder.loc.weight"].dtype, _Places(network, params)
        self._threads = [_Thread(network, places, dtype) for _ in range(threads)]
        super().__init__(network, params, x, scaling, batch=batch, threads=threads)
        for each in self._threads:
            given = (params, *moments.values())
            for of, from_ in zip((each.params, *each.moments), given, strict=False):
                for name, array in of.items():
                    array[...] = from_[name]
        self.params = self._threads[0].params
        self.moments = dict(zip(moments, self._threads[0].moments, strict=False))
        self._grads = _zeros(2 * threads * places.numbers, dtype)
        self._sums = _zeros(2 * threads * LINE // 8, np.dtype(np.float64))
        self.ints = np.concatenate([self.ints, np.zeros(len(Small), np.int64)])
        self._set(
            {
                Small.NUMBERS: places.numbers,
                Small.GRADS: address(self._grads),
                Small.SUMS: address(self._sums),
            }
        )
        for number, each in enumerate(self._threads):
            apart = number * self.ints[Int.SCRATCH_BYTES]
            each.own[Int.SCRATCH] = int(self.ints[Int.SCRATCH] + apart)

    def prepare_steps(self) -> None:
        """Have what steps need compiled, for the rule that is set."""
        for each in self._threads:
            set_small(self.ints, each.layers, each.blocks, self.dtype)
        run.address(self.dtype)
        permute.address(self.dtype)

    def permutation(self, *where: int) -> Array:
        """Return ``klosed.random.permutation(*where)``, which else took a twentieth of an epoch."""
        stream, found = np.array(where[:3], np.uint64), np.empty(where[3], np.int64)
        scratch = int(self.ints[Int.SCRATCH])
        permute.function(self.dtype)(address(stream), address(found), len(found), scratch, 1)
        return found

    def set_data(self, x: Array, scaling: Scaling) -> None:
        """Take rows from here on from x."""
        stored, scaled, _ = self._set_data(x, scaling)
        for each in self._threads:
            set_small_take(self.ints, each.blocks, self.dtype, stored, scaled)

    def _stepping(self) -> Callable[[int], Any]:
        step = run.function(self.dtype)
        for each in self._threads:
            each.ints[:] = self.ints
            for position, value in each.own.items():
                each.ints[position] = value
        places = [address(each.ints) for each in self._threads]
        return lambda thread: step(places[thread], thread, self.threads, 1)
