"""A shuffled order of rows that lie in blocks, worked out a batch at a time.

Imports only floor 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.random import Purpose, generator, permutation

__all__ = ["BlockOrder"]

Rows = NDArray[np.int64]


class BlockOrder:
    """The order of one epoch: a function of seed and epoch, entered at any batch.

    The blocks are shuffled, and the rows within each block. The sequence that this gives is cut
    into lanes; every batch takes its share of each lane, in the order of the lanes. So a batch
    mixes rows of as many blocks as there are lanes, every row comes once an epoch, and a process
    that computes a contiguous part of each batch reads a part of the lanes, hence of the blocks.

    Parameters
    ----------
    bounds : int64 array of shape (n_blocks + 1,)
        Block i holds rows bounds[i] to bounds[i + 1].
    seed, epoch, batch_size, lanes : int
        At most `lanes` blocks, twice as many where they end, are in use at a time.
    """

    def __init__(self, bounds: Rows, *, seed: int, epoch: int, batch_size: int, lanes: int) -> None:
        self._bounds, self._seed, self._epoch = bounds, seed, epoch
        self._blocks = permutation(seed, Purpose.SHUFFLE, epoch, len(bounds) - 1)
        self._ends = np.cumsum(np.diff(bounds)[self._blocks])
        self._n, self._batch_size, self._lanes = int(bounds[-1]), batch_size, lanes
        full, rest = divmod(self._n, batch_size)
        self._full = full
        per_lane = full * self._shares(batch_size) + self._shares(rest)
        self._starts = np.concatenate([[0], np.cumsum(per_lane)[:-1]])
        self._within = lru_cache(2 * lanes)(self._permuted)

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-self._n // self._batch_size)

    def batch(self, number: int) -> Rows:
        """Return the row numbers of batch `number`, counted from 0."""
        size = min(self._batch_size, self._n - number * self._batch_size)
        first = self._starts + min(number, self._full) * self._shares(self._batch_size)
        places = np.concatenate(
            [
                np.arange(start, start + share)
                for start, share in zip(first, self._shares(size), strict=True)
            ]
        )
        turns = np.searchsorted(self._ends, places, side="right")
        rows = np.empty(size, np.int64)
        for turn in np.unique(turns):
            here = turns == turn
            block = int(self._blocks[turn])
            low, high = self._bounds[block], self._bounds[block + 1]
            start = self._ends[turn] - (high - low)
            rows[here] = low + self._within(block)[places[here] - start]
        return rows

    def _shares(self, size: int) -> Rows:
        """Return how many of a batch's rows come from each lane; a process's part is whole lanes.

        Lane l has places l·size//lanes to (l + 1)·size//lanes, just as process r of w has places
        r·size//w to (r + 1)·size//w.
        """
        edges = np.arange(self._lanes + 1, dtype=np.int64) * size // self._lanes
        return np.diff(edges)

    def _permuted(self, block: int) -> NDArray[Any]:
        n = int(self._bounds[block + 1] - self._bounds[block])
        rng = generator(self._seed, Purpose.SHUFFLE, self._epoch, name=f"block {block}")
        return rng.permutation(n).astype(np.int32)
