"""From a spec and its parameters to the tables that compiled code walks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.engines.fused._tables import ACTIVATION_CODES, LINE, Block, Kind, Layer, Read
from klosed.models.likelihoods import likelihood_of
from klosed.models.parameters import layer_sizes
from klosed.models.spec import VAESpec

__all__ = ["KINDS", "Network", "Workspace", "address", "aligned", "blocks_of"]

Array = NDArray[Any]
KINDS = {
    "bernoulli": Kind.BERNOULLI,
    "gaussian": Kind.GAUSSIAN,
    "heteroscedastic_gaussian": Kind.HETEROSCEDASTIC,
    "student_t": Kind.STUDENT_T,
    "poisson": Kind.POISSON,
    "negative_binomial": Kind.NEGATIVE_BINOMIAL,
    "categorical": Kind.CATEGORICAL,
}
_READS = {
    Kind.STUDENT_T: Read.ASINH,
    Kind.POISSON: Read.LOG1P,
    Kind.NEGATIVE_BINOMIAL: Read.LOG1P,
}
_SHAPES = {Kind.STUDENT_T: "log_df", Kind.NEGATIVE_BINOMIAL: "log_total_count"}
_HEADS = ("encoder.loc", "encoder.log_variance")
_BARE = -1  # the likelihood adds the bias


def address(array: Array) -> int:
    """Return where the numbers of `array` lie."""
    found: int = array.__array_interface__["data"][0]
    return found


def aligned(n: int, dtype: DTypeLike) -> Array:
    """Return n numbers that begin on a cache line."""
    dtype = np.dtype(dtype)
    raw = np.empty(n * dtype.itemsize + LINE, np.uint8)
    start = -address(raw) % LINE
    return raw[start : start + n * dtype.itemsize].view(dtype)


def blocks_of(spec: VAESpec) -> list[tuple[str, int, str]]:
    """Return (likelihood, width, what its parameters' names begin with) of each block."""
    if isinstance(spec.likelihood, str):
        return [(spec.likelihood, spec.n_features, "decoder")]
    return [(name, width, f"decoder.{i}") for i, (name, width) in enumerate(spec.likelihood)]


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
        self.layers: list[_Dense] = []
        for name, (n_in, n_out) in layer_sizes(spec).items():
            if name == _HEADS[0]:
                self.layers.append(_Dense(_HEADS, n_in, 2 * n_out, 0))
            elif name != _HEADS[1]:
                is_hidden = ".hidden." in name
                activation = ACTIVATION_CODES[spec.activation] if is_hidden else _BARE
                self.layers.append(_Dense((name,), n_in, n_out, activation))
        self.head = len(spec.hidden_layer_sizes)
        self.has_free_parameters = bool(likelihood_of(spec).free_parameters())

    @property
    def n_weights(self) -> int:
        """Number of weights: a step costs about six operations a weight and row."""
        return sum(layer.n_in * layer.n_out for layer in self.layers)

    def table(self) -> Array:
        """Return the table of layers with no addresses yet."""
        table = np.zeros((len(self.layers), len(Layer)), np.int64)
        for row, layer in zip(table, self.layers, strict=True):
            row[Layer.N_IN], row[Layer.N_OUT] = layer.n_in, layer.n_out
            row[Layer.ACTIVATION] = layer.activation
        return table

    def arrays(self, arrays: Mapping[str, Array], prefix: str = "") -> dict[str, Array]:
        """Return the arrays that `prefix` begins the names of, as compiled code can use them.

        In place where they are contiguous and may be written to; the heads of the encoder are
        always copied, to lie one behind the other.
        """
        usable = {}
        for name, array in arrays.items():
            flags = array.flags
            if name.startswith(prefix):
                good = flags.c_contiguous and flags.aligned and flags.writeable
                usable[name.removeprefix(prefix)] = array if good else np.array(array, order="C")
        for part in ("weight", "bias"):
            names = [f"{head}.{part}" for head in _HEADS]
            halves = np.split(np.concatenate([usable[name] for name in names]), 2)
            usable |= dict(zip(names, halves, strict=True))
        return usable

    def bind(self, table: Array, arrays: Mapping[str, Array], weight: Layer, bias: Layer) -> None:
        """Write the addresses of arrays that `arrays` made to two columns of the table."""
        for row, layer in zip(table, self.layers, strict=True):
            row[weight] = address(arrays[f"{layer.names[0]}.weight"])
            row[bias] = address(arrays[f"{layer.names[0]}.bias"])

    def blocks(self, params: Mapping[str, Array]) -> tuple[Array, list[Array]]:
        """Return the table of likelihoods, and what must live as long as it does."""
        spec, dtype = self.spec, params["encoder.loc.weight"].dtype
        is_fixed = not isinstance(spec.variance, str)
        fixed = np.array([math.log(spec.variance) if is_fixed else 0.0], dtype)  # type: ignore[arg-type]
        with np.errstate(divide="ignore"):  # a feature without a floor: log 0 = −∞
            floors = np.log(np.broadcast_to(spec.min_variance, spec.n_features)).astype(dtype)
        table = np.zeros((len(blocks_of(spec)), len(Block)), np.int64)
        stop = output = 0
        for row, (name, width, prefix) in zip(table, blocks_of(spec), strict=True):
            kind, start, stop = KINDS[name], stop, stop + width
            row[[Block.KIND, Block.START, Block.STOP, Block.OUTPUT]] = kind, start, stop, output
            output += 2 * width if kind == Kind.HETEROSCEDASTIC else width
            row[Block.READ] = _READS.get(kind, Read.X)
            if kind in (Kind.GAUSSIAN, Kind.STUDENT_T):
                s = fixed if is_fixed else params[f"{prefix}.log_variance"]
                row[Block.PARAMETER], row[Block.COUNT] = address(s), len(s)
                row[Block.IS_LEARNED] = not is_fixed
            can_fall = row[Block.IS_LEARNED] or kind == Kind.HETEROSCEDASTIC
            if can_fall and np.any(spec.min_variance):
                row[Block.FLOOR] = address(floors[start:])
            if kind in _SHAPES:
                shape = params[f"{prefix}.{_SHAPES[kind]}"]
                row[Block.SHAPE], row[Block.SHAPE_COUNT] = address(shape), len(shape)
        return table, [fixed, floors]

    def bind_blocks(
        self, table: Array, arrays: Mapping[str, Array], variance: Block, shape: Block
    ) -> None:
        """Write the addresses of what belongs to learned parameters to two columns."""
        for row, (name, _, prefix) in zip(table, blocks_of(self.spec), strict=True):
            if row[Block.IS_LEARNED]:
                row[variance] = address(arrays[f"{prefix}.log_variance"])
            if row[Block.SHAPE_COUNT]:
                row[shape] = address(arrays[f"{prefix}.{_SHAPES[KINDS[name]]}"])


class Workspace:
    """Activations and gradients of `rows` examples: all the memory that a step needs.

    `sums` threads add up gradients on their way down. Rows, and their number, are filled up to what
    `pad` makes of them, with zeros in what `trains`.
    """

    def __init__(
        self,
        network: Network,
        rows: int,
        dtype: DTypeLike,
        *,
        trains: bool = False,
        sums: int = 1,
        pad: Callable[[int], int] = int,
    ) -> None:
        self.table = network.table()
        layers, size = network.layers, np.dtype(dtype).itemsize
        self.widest = pad(max(layer.n_in for layer in layers))
        widths = [layers[0].n_in] * 2 + [self.widest * sums]
        widths.append(max(max(layer.n_in, layer.n_out) for layer in layers))
        widths += [layer.n_out for layer in layers] * 2 + [layers[network.head].n_out // 2]
        ends = np.cumsum([0, *(-(-pad(rows) * pad(width) // LINE) * LINE for width in widths)])
        self._kept = aligned(int(ends[-1]), dtype)
        if trains:
            self._kept[:] = 0
        first, self.target, self.upstream, self.zeros, *places = (
            address(self._kept) + ends[:-1] * size
        ).tolist()
        for number, (row, layer) in enumerate(zip(self.table, layers, strict=True)):
            row[Layer.INPUT] = first
            row[Layer.OUTPUT] = first = places[number]
            row[Layer.DELTA] = places[len(layers) + number]
            row[Layer.X_BYTES] = pad(layer.n_in) * size
            row[Layer.Y_BYTES] = pad(layer.n_out) * size
            if number == network.head:
                first = places[-1]
