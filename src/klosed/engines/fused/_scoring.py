"""Samples of z weighed: −log p(x | z) and log p(z) − log q(z | x), for importance sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._folding import difference, fold, lines_for, pays, samples_to_fold, turned
from klosed.engines.fused._intrinsics import flush_to_zero, grid, restore_flags, size_of, view
from klosed.engines.fused._likelihoods import prepare_blocks, reconstruct
from klosed.engines.fused._network import Network, address, aligned
from klosed.engines.fused._parts import set_forward, set_scores
from klosed.engines.fused._products import ROWS, find_living, in_panels, multiply, padded
from klosed.engines.fused._rows import activate
from klosed.engines.fused._tables import (
    ACTIVATION_CODES,
    BLOCK,
    LAYER,
    SCORE,
    WHOLE,
    Block,
    Column,
    Layer,
    Score,
)
from klosed.models.parameters import Parameters

__all__ = ["Scorer"]

Array = NDArray[Any]
_TILES = 12  # at a time: rows, outputs and a panel of weights stay in the cache of one core
_DOUBLE, _RELU = np.float64(0), ACTIVATION_CODES["relu"]
_multiply, _activate, _score_block = multiply.call, activate.call, reconstruct.call
_fold, _difference = fold.call, difference.call


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
    ints, size = view(job, SCORE, WHOLE), size_of(one)
    n_layers, n_samples = ints[Score.N_LAYERS], ints[Score.N_SAMPLES]
    layers = grid(ints[Score.LAYERS], n_layers, LAYER, WHOLE)
    strides = view(ints[Score.STRIDES], n_layers + 1, WHOLE)
    n, k, scratch = ints[Score.N_FEATURES], ints[Score.N_COMPONENTS], ints[Score.SCRATCH]
    n_rows, folds = ints[Score.N_ROWS] * n_samples, ints[Score.FOLD] != 0
    nll = view(ints[Score.NLL], n_rows, _DOUBLE)
    log_ratio = view(ints[Score.LOG_RATIO], n_rows, _DOUBLE)
    flags = flush_to_zero()
    last = layers[n_layers - 1]
    prepare_blocks(ints[Score.BLOCKS], ints[Score.N_BLOCKS], scratch, n, one)
    start = 0
    while start < n_rows:
        rows = min(_TILES * ROWS, n_rows - start)
        if folds:  # samples of one row at a time
            row, sample = divmod(start, n_samples)
            rows = min(rows, n_samples - sample)
            if sample == 0:
                _fold(ints[Score.FOLD], job, row, one)
        for i in range(rows):
            row, sample = divmod(start + i, n_samples)
            place, noise = row * k * 8, (row % ints[Score.N_NOISE] * n_samples + sample) * k * 8
            log_ratio[start + i] = _sample(
                ints[Score.LOC] + place, ints[Score.LOG_VARIANCE] + place,
                ints[Score.SCALE] + place, ints[Score.NOISE] + noise,
                layers[0, Layer.INPUT] + i * strides[0], k, one,
            )  # fmt: skip
        tiles = -(-rows // ROWS)
        for number in range(n_layers):
            layer = layers[number]
            x, stride, n_in = layer[Layer.INPUT], strides[number], layer[Layer.N_IN]
            find_living(x, stride, n_in, ints[Score.COUNTS], tiles, ints[Score.WORK], one)
            _multiply(
                ints[Score.MULTIPLY], x, stride, n_in, layer[Layer.WEIGHT], layer[Layer.OUTPUT],
                strides[number + 1], layer[Layer.N_OUT], ints[Score.COUNTS], tiles,
                ints[Score.WORK], one,
            )  # fmt: skip
            if folds and number == 0:
                _difference(ints[Score.DIFFERENCE], job, rows, one)
            elif layer[Layer.ACTIVATE]:
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
        start += rows
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
        weights, self._biases = (
            [self._params[f"{each.names[0]}.{part}"] for each in self._layers]
            for part in ("weight", "bias")
        )
        self._panels = [in_panels(weight) for weight in weights]
        hidden, k = weights[0].shape
        self._folds = self._layers[0].activation == _RELU and pays(k, hidden)
        if self._folds:
            self._turned = turned(weights[0], self._biases[0])
            self._with_lines = in_panels(weights[1], lines_for(k))

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
        n, k, n_samples = x.shape[1], loc.shape[1], noise.shape[1]
        folds = self._folds and n_samples >= samples_to_fold(k)
        panels, lines = self._panels, [layer.n_in for layer in self._layers]
        if folds:  # rows of the data are written to: each call has its own
            own = aligned(self._with_lines.size, dtype)
            own[:] = self._with_lines
            panels = [panels[0], own, *panels[2:]]
            lines[1] += lines_for(k)
        widths = [padded(width, size) for width in (*lines, self._layers[-1].n_out)]
        rows, widest = _TILES * ROWS, max(widths)
        buffers = [aligned(rows * width, dtype) for width in widths]
        work = aligned((_TILES + 1) * widest, dtype)
        slopes, scratch, is_on = (aligned(m, dtype) for m in (widest, Column.SIZE * n, widest))
        for buffer in buffers:
            buffer[:] = 0  # rows beyond the last are computed with their tile
        table = self._network.table()[self._network.head + 1 :]
        table[:, Layer.N_IN] = lines
        for number, bias in enumerate(self._biases):
            table[number, Layer.WEIGHT] = address(panels[number])
            table[number, [Layer.BIAS, Layer.DELTA]] = address(bias), address(slopes)
            table[number, Layer.INPUT] = address(buffers[number])
            table[number, Layer.OUTPUT] = address(buffers[number + 1])
        blocks, _kept = self._network.blocks(self._params)
        set_forward(table, blocks, dtype)
        set_scores(blocks, dtype)
        strides, counts = np.array(widths) * size, np.empty(_TILES, np.int64)
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
            Score.N_SAMPLES: n_samples,
            Score.N_FEATURES: n,
            Score.N_COMPONENTS: k,
            Score.MULTIPLY: multiply.address(dtype),
        }
        if folds:
            values |= {
                Score.TURNED: address(self._turned),
                Score.TURNED_BYTES: self._turned.strides[0],
                Score.IS_ON: address(is_on),
                Score.FOLD: fold.address(dtype),
                Score.DIFFERENCE: difference.address(dtype),
            }
        for position, value in values.items():
            ints[position] = value
        score.function(dtype)(address(ints), 1)
        return nll, log_ratio
