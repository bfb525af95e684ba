"""Samples of z weighed: −log p(x | z) and log p(z) − log q(z | x), for importance sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from klosed.engines.fused import _likelihoods as likelihoods
from klosed.engines.fused._compile import compiled
from klosed.engines.fused._intrinsics import flush_to_zero, restore_flags, view
from klosed.engines.fused._network import Network, address, aligned
from klosed.engines.fused._products import ROWS, in_panels, multiply, padded
from klosed.engines.fused._rows import OPTIONS, activate
from klosed.engines.fused._tables import Column, Layer
from klosed.models.parameters import Parameters

__all__ = ["Scorer"]

Array = NDArray[Any]
_TILES = 12  # at a time: rows, outputs and a panel of weights stay in the cache of one core


@njit(**OPTIONS)
def _sample(loc: Any, log_variance: Any, scale: Any, noise: Any, to: Any, one: Any) -> Any:
    """Write z = μ + σ ∘ ε; return log p(z) − log q(z | x) = ½ Σ (ε² + log σ² − z²)."""
    real = type(one)
    z, total = view(to, len(loc), one), 0.0
    for j in range(len(loc)):
        value = loc[j] + scale[j] * noise[j]
        z[j] = real(value)
        total += noise[j] * noise[j] + log_variance[j] - value * value
    return 0.5 * total


def _make_score(digest: int) -> Any:
    def score(
        layers: Any,
        strides: Any,
        blocks: Any,
        scratch: Any,
        work: Any,
        counts: Any,
        x: Any,
        loc: Any,
        log_variance: Any,
        scale: Any,
        noise: Any,
        nll: Any,
        log_ratio: Any,
        one: Any,
    ) -> None:
        """Fill `nll` and `log_ratio`, both of shape (rows of x, samples).

        `strides` are the bytes of a row of the input of each layer, and of the last output.
        """
        digest  # noqa: B018  (see `compiled`)
        flags = flush_to_zero()
        samples = nll.shape[1]
        n, n_rows, most = x.shape[1], nll.size, _TILES * ROWS
        last = layers[len(layers) - 1]
        likelihoods.prepare_blocks(blocks, scratch, n, one)
        for start in range(0, n_rows, most):
            rows = min(most, n_rows - start)
            for i in range(rows):
                row, sample = divmod(start + i, samples)
                log_ratio[row, sample] = _sample(
                    loc[row], log_variance[row], scale[row], noise[row % len(noise), sample],
                    layers[0, Layer.INPUT] + i * strides[0], one,
                )  # fmt: skip
            for k in range(len(layers)):
                layer = layers[k]
                multiply(
                    layer[Layer.INPUT], layer[Layer.N_IN], layer[Layer.WEIGHT],
                    layer[Layer.OUTPUT], layer[Layer.N_OUT], counts, -(-rows // ROWS), work, one,
                )  # fmt: skip
                if layer[Layer.ACTIVATION] >= 0:
                    for i in range(rows):
                        place = i * strides[k + 1]
                        activate(
                            layer[Layer.ACTIVATION], layer[Layer.OUTPUT] + place,
                            layer[Layer.BIAS], layer[Layer.DELTA], layer[Layer.N_OUT], one,
                        )  # fmt: skip
            for i in range(rows):
                row, sample = divmod(start + i, samples)
                nll[row, sample] = likelihoods.score(
                    blocks, last[Layer.OUTPUT] + i * strides[-1], last[Layer.BIAS],
                    x[row].ctypes.data, last[Layer.DELTA], scratch, n, one,
                )  # fmt: skip
        restore_flags(flags)

    return score


_score = compiled(_make_score)


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
        _score(
            table, np.array(self._widths) * size, blocks, address(scratch), address(work),
            np.empty(_TILES, np.int64), x, loc, log_variance, np.exp(0.5 * log_variance), noise,
            nll, log_ratio, dtype.type(1),
        )  # fmt: skip
        return nll, log_ratio
