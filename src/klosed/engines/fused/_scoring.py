"""Samples of z weighed: −log p(x | z) and log p(z) − log q(z | x), for importance sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._intrinsics import flush_to_zero, grid, restore_flags, size_of, view
from klosed.engines.fused._likelihoods import prepare_blocks, reconstruct
from klosed.engines.fused._network import Network, address, aligned
from klosed.engines.fused._parts import set_forward, set_scores
from klosed.engines.fused._products import ROWS, in_panels, multiply, padded
from klosed.engines.fused._rows import activate
from klosed.engines.fused._tables import BLOCK, LAYER, WHOLE, Block, Column, Layer, Score
from klosed.models.parameters import Parameters

__all__ = ["Scorer"]

Array = NDArray[Any]
_TILES = 12  # at a time: rows, outputs and a panel of weights stay in the cache of one core
_DOUBLE, _INTS = np.float64(0), len(Score)
_multiply, _activate, _score_block = multiply.call, activate.call, reconstruct.call


@njit(**OPTIONS)
def _sample(loc: Any, log_variance: Any, scale: Any, noise: Any, to: Any, k: Any, one: Any) -> Any:
    """Write z = μ + σ ∘ ε; return log p(z) − log q(z | x) = ½ Σ (ε² + log σ² − z²)."""
    real = type(one)
    loc, log_variance = view(loc, k, _DOUBLE), view(log_variance, k, _DOUBLE)
    scale, noise = view(scale, k, _DOUBLE), view(noise, k, _DOUBLE)
    z, total = view(to, k, one), 0.0
    for j in range(k):
        value = loc[j] + scale[j] * noise[j]
        z[j] = real(value)
        total += noise[j] * noise[j] + log_variance[j] - value * value
    return 0.5 * total


@part()
def score(job: Any, one: Any) -> None:
    """Fill NLL and LOG_RATIO of the vector of `Score` at `job`, both of shape (rows, samples)."""
    ints, size = view(job, _INTS, WHOLE), size_of(one)
    n_layers, n_samples = ints[Score.N_LAYERS], ints[Score.N_SAMPLES]
    layers = grid(ints[Score.LAYERS], n_layers, LAYER, WHOLE)
    strides = view(ints[Score.STRIDES], n_layers + 1, WHOLE)
    n, k, scratch = ints[Score.N_FEATURES], ints[Score.N_COMPONENTS], ints[Score.SCRATCH]
    n_rows, most = ints[Score.N_ROWS] * n_samples, _TILES * ROWS
    nll = view(ints[Score.NLL], n_rows, _DOUBLE)
    log_ratio = view(ints[Score.LOG_RATIO], n_rows, _DOUBLE)
    flags = flush_to_zero()
    last = layers[n_layers - 1]
    prepare_blocks(ints[Score.BLOCKS], ints[Score.N_BLOCKS], scratch, n, one)
    for start in range(0, n_rows, most):
        rows = min(most, n_rows - start)
        for i in range(rows):
            row, sample = divmod(start + i, n_samples)
            place, noise = row * k * 8, (row % ints[Score.N_NOISE] * n_samples + sample) * k * 8
            log_ratio[start + i] = _sample(
                ints[Score.LOC] + place, ints[Score.LOG_VARIANCE] + place,
                ints[Score.SCALE] + place, ints[Score.NOISE] + noise,
                layers[0, Layer.INPUT] + i * strides[0], k, one,
            )  # fmt: skip
        for number in range(n_layers):
            layer = layers[number]
            _multiply(
                ints[Score.MULTIPLY], layer[Layer.INPUT], layer[Layer.N_IN], layer[Layer.WEIGHT],
                layer[Layer.OUTPUT], layer[Layer.N_OUT], ints[Score.COUNTS], -(-rows // ROWS),
                ints[Score.WORK], one,
            )  # fmt: skip
            if layer[Layer.ACTIVATE]:
                _activate(
                    layer[Layer.ACTIVATE], layer[Layer.OUTPUT], layer[Layer.BIAS],
                    layer[Layer.DELTA], rows, strides[number + 1], 0, layer[Layer.N_OUT], one,
                )  # fmt: skip
        for i in range(rows):
            total = 0.0
            for b in range(ints[Score.N_BLOCKS]):
                at = ints[Score.BLOCKS] + b * BLOCK * 8
                total += _score_block(
                    view(at, BLOCK, WHOLE)[Block.SCORE], at,
                    last[Layer.OUTPUT] + i * strides[n_layers], last[Layer.BIAS],
                    ints[Score.X] + (start + i) // n_samples * n * size, last[Layer.DELTA],
                    scratch, n, one, one,
                )  # fmt: skip
            nll[start + i] = total
    restore_flags(flags)


class Scorer:
    """The decoder of one set of parameters, in order for many products. Any thread may call it.

    ``scorer(x, loc, log_variance, noise)`` takes rows x of shape (n, n_features), the posterior's
    parameters of shape (n, n_components), and standard normal noise of shape (n, samples,
    n_components), or (1, samples, n_components) for all rows. With z = μ + σ ∘ ε it returns
    −log p(x | z) and log p(z) − log q(z | x), in nats, in float64, of shape (n, samples).
    """

    def __init__(self, network: Network, params: Parameters) -> None:
        self._network = network
        self._params = network.arrays(params)
        self._dtype = self._params["encoder.loc.weight"].dtype
        self._layers = network.layers[network.head + 1 :]
        self._panels = [in_panels(self._params[f"{each.names[0]}.weight"]) for each in self._layers]
        widths = [self._layers[0].n_in, *(layer.n_out for layer in self._layers)]
        self._widths = [padded(width, self._dtype.itemsize) for width in widths]

    def __call__(
        self, x: Array, loc: Array, log_variance: Array, noise: Array
    ) -> tuple[Array, Array]:
        """Return −log p(x | z) and log p(z) − log q(z | x)."""
        dtype, size = self._dtype, self._dtype.itemsize
        x = np.ascontiguousarray(x, dtype)
        loc, log_variance, noise = (
            np.ascontiguousarray(a, np.float64) for a in (loc, log_variance, noise)
        )
        nll, log_ratio = (np.empty((len(x), noise.shape[1])) for _ in range(2))
        rows, widest, n = _TILES * ROWS, max(self._widths), x.shape[1]
        buffers = [aligned(rows * width, dtype) for width in self._widths]
        work = aligned((_TILES + 1) * widest, dtype)
        slopes, scratch = aligned(widest, dtype), aligned(Column.SIZE * n, dtype)
        for buffer in buffers:
            buffer[:] = 0  # rows beyond the last are computed with their tile
        table = self._network.table()[self._network.head + 1 :]
        for k, (layer, panels) in enumerate(zip(self._layers, self._panels, strict=True)):
            table[k, Layer.WEIGHT] = address(panels)
            table[k, Layer.BIAS] = address(self._params[f"{layer.names[0]}.bias"])
            table[k, [Layer.INPUT, Layer.OUTPUT]] = address(buffers[k]), address(buffers[k + 1])
            table[k, Layer.DELTA] = address(slopes)
        blocks, _kept = self._network.blocks(self._params)
        set_forward(table, blocks, dtype)
        set_scores(blocks, dtype)
        strides, counts = np.array(self._widths) * size, np.empty(_TILES, np.int64)
        scale = np.exp(0.5 * log_variance)
        ints = np.zeros(len(Score), np.int64)
        values = {
            Score.LAYERS: address(table),
            Score.N_LAYERS: len(table),
            Score.STRIDES: address(strides),
            Score.BLOCKS: address(blocks),
            Score.N_BLOCKS: len(blocks),
            Score.SCRATCH: address(scratch),
            Score.WORK: address(work),
            Score.COUNTS: address(counts),
            Score.X: address(x),
            Score.LOC: address(loc),
            Score.LOG_VARIANCE: address(log_variance),
            Score.SCALE: address(scale),
            Score.NOISE: address(noise),
            Score.N_NOISE: len(noise),
            Score.NLL: address(nll),
            Score.LOG_RATIO: address(log_ratio),
            Score.N_ROWS: len(x),
            Score.N_SAMPLES: noise.shape[1],
            Score.N_FEATURES: n,
            Score.N_COMPONENTS: loc.shape[1],
            Score.MULTIPLY: multiply.address(dtype),
        }
        for position, value in values.items():
            ints[position] = value
        score.function(dtype)(address(ints), 1)
        return nll, log_ratio
