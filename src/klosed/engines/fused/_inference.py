"""Rows through the network without gradients, block by block: encode, decode, loss."""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _passes as passes
from klosed.engines.fused._intrinsics import size_of, view
from klosed.engines.fused._likelihoods import prepare_blocks
from klosed.engines.fused._rows import INLINED
from klosed.engines.fused._tables import Int, Layer, Pass

__all__ = ["infer"]


@njit(**INLINED)
def infer(
    kind: Any,
    first: Any,
    last: Any,
    layers: Any,
    blocks: Any,
    ints: Any,
    latent: Any,
    results: Any,
    scores: Any,
    one: Any,
) -> None:
    """Take the rows `first` to `last` through the network.

    ENCODE writes mean and log-variance of each row of the data, side by side, to `results`;
    DECODE the decoder's output for each row at the address `latent`, which holds z; LOSS writes
    −log p(x | z) and KL of each row to `scores`, in nats, and `latent` holds the noise.
    """
    size = size_of(one)
    head, end = ints[Int.ENCODER_HEAD], len(layers) - 1
    scratch = ints[Int.SCRATCH]
    n = layers[0, Layer.N_IN]
    prepare_blocks(blocks, scratch, n, one)
    layer = layers[head if kind == Pass.ENCODE else end]
    width, k = layer[Layer.N_OUT], layers[head + 1, Layer.N_IN]
    for start in range(first, last, ints[Int.BATCH]):
        rows = min(ints[Int.BATCH], last - start)
        for i in range(rows):
            if kind == Pass.DECODE:
                z = view(layers[head + 1, Layer.INPUT] + i * k * size, k, one)
                z[:] = view(latent + (start + i) * k * size, k, one)
            else:
                passes.take(layers, blocks, i, start + i, ints, one)
        if kind == Pass.ENCODE or kind == Pass.LOSS:
            passes.encode(layers, 0, rows, 0, 1, ints, one)
        if kind == Pass.LOSS:
            for i in range(rows):
                noise = latent + (start + i) * k * size
                scores[start + i, 1] = passes.reparameterize(layers, i, 1, noise, ints, one)
        if kind != Pass.ENCODE:
            passes.decode(layers, 0, rows, 0, 1, ints, one)
        for i in range(rows):
            if kind == Pass.LOSS:
                x = ints[Int.TARGET] + i * n * size
                scores[start + i, 0] = passes.likelihood(layers, blocks, i, x, scratch, one, one)
                continue
            y = view(layer[Layer.OUTPUT] + i * width * size, width, one)
            bias = view(layer[Layer.BIAS], width, one)
            for j in range(width):  # the encoder's heads have had their bias
                b = type(one)(0) if kind == Pass.ENCODE else bias[j]
                results[start + i, j] = y[j] + b
