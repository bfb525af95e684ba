"""Weights in the order in which products read them, each thread's by themselves.

A thread has the weights of its own outputs. They lie transposed, in panels of a few vectors of
outputs: a panel holds what its outputs take from the first input, then from the second, and so on.
So a product reads a panel from its beginning to its end, and no cache line is two threads'. Inputs
and outputs are filled up to whole vectors with zeros.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused._dense import edge, padded, panels_for
from klosed.engines.fused._network import Network, address, aligned
from klosed.engines.fused._products import VECTOR_BYTES, VECTORS
from klosed.engines.fused._sparse import WIDE
from klosed.engines.fused._tables import Layer
from klosed.engines.fused._team import outputs_of

__all__ = ["InPanels", "panel_widths", "share_numbers", "transposed"]

Array = NDArray[Any]


def _shares(network: Network, number: int, threads: int, itemsize: int) -> list[tuple[int, int]]:
    """Return (first, end) of the outputs of each thread."""
    whole = number, network.layers[number].n_out, itemsize
    return [outputs_of(thread, threads, *whole) for thread in range(threads)]


def share_numbers(network: Network, number: int, threads: int, itemsize: int) -> int:
    """Return how many numbers there are from one thread's weights to the next one's."""
    most = max(end - first for first, end in _shares(network, number, threads, itemsize))
    return padded(network.layers[number].n_in, itemsize) * padded(most, itemsize)


def _panels(width: int, itemsize: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield (first vector, vectors) of the panels of so many outputs."""
    vectors = padded(width, itemsize) * itemsize // VECTOR_BYTES
    panels = panels_for(vectors, most)
    edges = [edge(panel, panels, vectors) for panel in range(panels + 1)] if panels else []
    return ((a, b - a) for a, b in itertools.pairwise(edges))


def panel_widths(network: Network, threads: int, itemsize: int) -> set[int]:
    """Return how many vectors panels of a sparse first layer have."""
    shares = _shares(network, 0, threads, itemsize)
    return {w for first, end in shares for _, w in _panels(end - first, itemsize, WIDE)}


def transposed(network: Network, arrays: Mapping[str, Array], number: int, threads: int) -> Array:
    """Return the weights of a layer for products on the way back.

    Those of a thread's outputs lie in panels of inputs: what these give the first output, then the
    second, and so on.
    """
    layer = network.layers[number]
    weight = np.concatenate([arrays[f"{name}.weight"] for name in layer.names])
    size = weight.itemsize
    lanes, share = VECTOR_BYTES // size, share_numbers(network, number, threads, size)
    vector = aligned(threads * share, weight.dtype)
    vector[:] = 0
    shares = _shares(network, number, threads, size)
    for (first, end), of_thread in zip(shares, np.split(vector, threads), strict=True):
        outputs = padded(end - first, size)
        for start, vectors in _panels(layer.n_in, size, VECTORS):
            part = weight[first:end, start * lanes : (start + vectors) * lanes]
            panel = of_thread[start * lanes * outputs : (start + vectors) * lanes * outputs]
            panel.reshape(outputs, vectors * lanes)[: end - first, : part.shape[1]] = part
    return vector


class InPanels:
    """The weights of all layers in panels, and the arrays that they are copies of."""

    def __init__(
        self, network: Network, arrays: Mapping[str, Array], threads: int, *, is_sparse: bool
    ) -> None:
        self._network, self._arrays, self._threads = network, arrays, threads
        self._dtype = arrays["encoder.loc.weight"].dtype
        self._is_sparse = is_sparse
        size = self._dtype.itemsize
        self._vectors = []
        for number in range(len(network.layers)):
            vector = aligned(threads * share_numbers(network, number, threads, size), self._dtype)
            vector[:] = 0
            self._vectors.append(vector)
        for own, array in self._parts():
            own[...] = array

    def bind(self, table: Array, column: Layer) -> None:
        """Write where the weights lie to a column of the table of layers."""
        for row, vector in zip(table, self._vectors, strict=True):
            row[column] = address(vector)

    def write_back(self) -> None:
        """Copy the weights to the arrays."""
        for own, array in self._parts():
            array[...] = own

    def _parts(self) -> Iterator[tuple[Array, Array]]:
        """Yield views of panels and, of the same shape, of the arrays."""
        size, threads = self._dtype.itemsize, self._threads
        lanes = VECTOR_BYTES // size
        for number, (layer, vector) in enumerate(
            zip(self._network.layers, self._vectors, strict=True)
        ):
            lines = padded(layer.n_in, size)
            most = WIDE if self._is_sparse and number == 0 else VECTORS
            shares = _shares(self._network, number, threads, size)
            for (first, end), of_thread in zip(shares, np.split(vector, threads), strict=True):
                for start, vectors in _panels(end - first, size, most):
                    panel = of_thread[start * lanes * lines : (start + vectors) * lanes * lines]
                    panel = panel.reshape(lines, vectors * lanes)[: layer.n_in]
                    yield from self._of_outputs(layer.names, panel, first + start * lanes, end)

    def _of_outputs(
        self, names: tuple[str, ...], panel: Array, start: int, end: int
    ) -> Iterator[tuple[Array, Array]]:
        """Yield the outputs from `start` on, which may be those of more than one array."""
        before = 0
        for name in names:
            array = self._arrays[f"{name}.weight"]
            first = max(start - before, 0)
            stop = min(start + panel.shape[1] - before, end - before, len(array))
            if first < stop:
                place = before + first - start
                yield panel[:, place : place + stop - first], array[first:stop].T
            before += len(array)
