"""From a spec and its parameters to the tables that compiled code walks."""

from __future__ import annotations

import math
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.engines.fused._tables import ACTIVATION_CODES, Block, Kind, Layer
from klosed.models.likelihoods import likelihood_of
from klosed.models.parameters import layer_sizes
from klosed.models.spec import VAESpec

__all__ = ["Network", "Workspace", "address", "aligned"]

Array = NDArray[Any]
Arrays = MutableMapping[str, Array]
_LINE = 64
_KINDS = {"bernoulli": Kind.BERNOULLI, "gaussian": Kind.GAUSSIAN}
_FREE = "decoder.log_variance"


def address(array: Array) -> int:
    """Return where the numbers of `array` lie."""
    found: int = array.__array_interface__["data"][0]
    return found


def aligned(n: int, dtype: DTypeLike) -> Array:
    """Return n numbers that begin on a cache line."""
    dtype = np.dtype(dtype)
    raw = np.empty(n * dtype.itemsize + _LINE, np.uint8)
    start = -address(raw) % _LINE
    return raw[start : start + n * dtype.itemsize].view(dtype)


@dataclass(frozen=True)
class _Dense:
    names: tuple[str, ...]
    n_in: int
    n_out: int
    activation: int


class Network:
    """The dense layers of a spec in the order of the forward pass.

    The two heads of the encoder read the same layer: they are one layer with both their outputs,
    whose weights lie one behind the other.
    """

    def __init__(self, spec: VAESpec) -> None:
        self.spec = spec
        heads = ("encoder.loc", "encoder.log_variance")
        hidden = ACTIVATION_CODES[spec.activation]
        self.layers: list[_Dense] = []
        for name, (n_in, n_out) in layer_sizes(spec).items():
            if name == heads[0]:
                self.layers.append(_Dense(heads, n_in, 2 * n_out, 0))
            elif name != heads[1]:
                self.layers.append(_Dense((name,), n_in, n_out, hidden if "hidden" in name else 0))
        self.head = len(spec.hidden_layer_sizes)
        self.free = likelihood_of(spec).free_parameters()

    @property
    def n_weights(self) -> int:
        """Number of weights: a step costs about six operations a weight and row."""
        return sum(layer.n_in * layer.n_out for layer in self.layers)

    def table(self) -> Array:
        """Return the table of layers with no addresses yet."""
        table = np.zeros((len(self.layers), len(Layer)), np.int64)
        for row, layer in zip(table, self.layers, strict=True):
            row[[Layer.N_IN, Layer.N_OUT, Layer.ACTIVATION]] = (
                layer.n_in,
                layer.n_out,
                layer.activation,
            )
        return table

    def bind(
        self, table: Array, arrays: Arrays, weight: Layer, bias: Layer, prefix: str = ""
    ) -> list[Array]:
        """Write the addresses of the layers' arrays to two columns of the table.

        Heads that do not lie one behind the other are copied; returns what must be kept alive.
        """
        kept = []
        for row, layer in zip(table, self.layers, strict=True):
            for column, part in ((weight, "weight"), (bias, "bias")):
                parts = [
                    np.ascontiguousarray(arrays[f"{prefix}{name}.{part}"]) for name in layer.names
                ]
                whole = parts[0] if _is_one(parts) else np.concatenate(parts)
                kept += [*parts, whole]
                row[column] = address(whole)
        return kept

    def blocks(self, arrays: Arrays, dtype: DTypeLike) -> tuple[Array, list[Array]]:
        """Return the table of the decoder's outputs, and what must be kept alive.

        One block of all columns: a spec has one likelihood.
        """
        spec = self.spec
        table = np.zeros((1, len(Block)), np.int64)
        table[0, [Block.KIND, Block.STOP]] = _KINDS[spec.likelihood], spec.n_features
        if spec.likelihood == "bernoulli":
            return table, []
        if self.free:
            parameter = np.ascontiguousarray(arrays[_FREE])
        else:
            parameter = np.array([math.log(float(spec.variance))], dtype)
        table[0, [Block.PARAMETER, Block.COUNT, Block.IS_LEARNED]] = (
            address(parameter),
            len(parameter),
            bool(self.free),
        )
        return table, [parameter]

    def adopt(self, arrays: Arrays, prefix: str = "") -> None:
        """Replace arrays by equal ones that compiled code may write to, heads side by side."""
        for name in [name for name in arrays if name.startswith(prefix)]:
            array = arrays[name]
            if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
                arrays[name] = np.array(array, order="C")
        heads = self.layers[self.head]
        for part in ("weight", "bias"):
            names = [f"{prefix}{name}.{part}" for name in heads.names]
            parts = [arrays[name] for name in names]
            if not _is_one(parts):
                whole = np.concatenate(parts)
                arrays[names[0]], arrays[names[1]] = np.split(whole, 2)


def _is_one(parts: list[Array]) -> bool:
    """True if each array begins where the one before ends."""
    return all(
        address(b) == address(a) + a.nbytes for a, b in zip(parts, parts[1:], strict=False)
    )


class Workspace:
    """Activations and gradients of `rows` examples: all the memory that a step needs."""

    def __init__(self, network: Network, rows: int, dtype: DTypeLike) -> None:
        self.table = network.table()
        self._kept = []

        def buffer(width: int) -> int:
            self._kept.append(aligned(rows * width, dtype))
            return address(self._kept[-1])

        source = buffer(network.layers[0].n_in)
        for number, (row, layer) in enumerate(zip(self.table, network.layers, strict=True)):
            row[Layer.INPUT] = source
            row[Layer.OUTPUT] = source = buffer(layer.n_out)
            row[Layer.DELTA] = buffer(layer.n_out)
            if number == network.head:
                source = buffer(layer.n_out // 2)
        self.upstream = buffer(max(layer.n_in for layer in network.layers))
