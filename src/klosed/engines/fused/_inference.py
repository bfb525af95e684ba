"""Rows through the network without gradients, block by block: encode, decode, loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed.engines.fused import _passes as passes
from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import flush_to_zero, grid, restore_flags, size_of, view
from klosed.engines.fused._likelihoods import prepare_blocks
from klosed.engines.fused._tables import INTS, LAYER, WHOLE, Int, Layer, Pass

__all__ = ["infer"]

_DOUBLE = np.float64(0)
_take, _through = passes.take.call, passes.through.call
_reparameterize, _likelihood = passes.reparameterize.call, passes.likelihood.call


@part()
def infer(
    job: Any, kind: Any, first: Any, last: Any, latent: Any, results: Any, scores: Any, one: Any
) -> None:
    """Take the rows `first` to `last` of the job's through the network.

    ENCODE writes mean and log-variance of each row of the data, side by side, to `results`;
    DECODE the decoder's output for each row at the address `latent`, which holds z; LOSS writes
    −log p(x | z) and KL of each row to `scores`, in nats, and `latent` holds the noise.
    """
    ints, size, flags = view(job, INTS, WHOLE), size_of(one), flush_to_zero()
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    head, end = ints[Int.ENCODER_HEAD], len(layers) - 1
    scratch = ints[Int.SCRATCH]
    n = layers[0, Layer.N_IN]
    prepare_blocks(ints[Int.BLOCKS], ints[Int.N_BLOCKS], scratch, n, one)
    layer = layers[head if kind == Pass.ENCODE else end]
    width, k = layer[Layer.N_OUT], layers[head + 1, Layer.N_IN]
    for start in range(first, last, ints[Int.BATCH]):
        rows = min(ints[Int.BATCH], last - start)
        if kind == Pass.DECODE:
            z = view(layers[head + 1, Layer.INPUT], rows * k, one)
            source = view(latent + start * k * size, rows * k, one)
            for j in range(rows * k):
                z[j] = source[j]
        else:
            _take(ints[Int.TAKE], job, ints[Int.ROWS] + start * 8, 0, rows, rows, rows, 0, one)
            _through(ints[Int.THROUGH], job, 0, head + 1, 0, rows, 0, 1, one)
        if kind == Pass.LOSS:
            for i in range(rows):
                noise = latent + (start + i) * k * size
                score = view(scores + (start + i) * 16, 2, _DOUBLE)
                score[1] = _reparameterize(ints[Int.REPARAMETERIZE], job, i, 1, noise, one)
        if kind != Pass.ENCODE:
            _through(ints[Int.THROUGH], job, head + 1, end + 1, 0, rows, 0, 1, one)
        for i in range(rows):
            if kind == Pass.LOSS:
                score = view(scores + (start + i) * 16, 2, _DOUBLE)
                score[0] = _likelihood(ints[Int.LIKELIHOOD], job, i, i + 1, scratch, one, one)
                continue
            y = view(layer[Layer.OUTPUT] + i * layer[Layer.Y_BYTES], width, one)
            bias = view(layer[Layer.BIAS], width, one)
            result = view(results + (start + i) * width * size, width, one)
            for j in range(width):  # the encoder's heads have had their bias
                b = type(one)(0) if kind == Pass.ENCODE else bias[j]
                result[j] = y[j] + b
    restore_flags(flags)
