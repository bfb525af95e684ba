"""Rows through the network without gradients, block by block: encode, decode, loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from klosed.engines.fused import _passes as passes
from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import (
    add_atomic,
    flush_to_zero,
    grid,
    restore_flags,
    size_of,
    view,
)
from klosed.engines.fused._likelihoods import prepare_blocks
from klosed.engines.fused._tables import INTS, LAYER, WHOLE, Control, Int, Layer, Pass

__all__ = ["infer"]

_DOUBLE = np.float64(0)
_take, _through = passes.take.call, passes.through.call
_reparameterize, _likelihood = passes.reparameterize.call, passes.likelihood.call


@part()
def infer(
    job: Any,
    kind: Any,
    thread: Any,
    own_rows: Any,
    n_rows: Any,
    latent: Any,
    results: Any,
    scores: Any,
    one: Any,
) -> None:
    """Take the job's rows through the network, until all threads together have had them.

    A thread takes the next `own_rows`, in the place that it has in the job's batch.

    ENCODE writes mean and log-variance of each row of the data, side by side, to `results`;
    DECODE the decoder's output for each row at the address `latent`, which holds z; LOSS writes
    −log p(x | z) and KL of each row to `scores`, in nats, and `latent` holds the noise.
    """
    ints, size, flags = view(job, INTS, WHOLE), size_of(one), flush_to_zero()
    layers = grid(ints[Int.LAYERS], ints[Int.N_LAYERS], LAYER, WHOLE)
    head, end = ints[Int.ENCODER_HEAD], len(layers) - 1
    scratch = ints[Int.SCRATCH] + thread * ints[Int.SCRATCH_BYTES]
    n, at = layers[0, Layer.N_IN], thread * own_rows
    prepare_blocks(ints[Int.BLOCKS], ints[Int.N_BLOCKS], scratch, n, one)
    layer = layers[head if kind == Pass.ENCODE else end]
    width, k = layer[Layer.N_OUT], layers[head + 1, Layer.N_IN]
    taken = ints[Int.CONTROL] + 8 * Control.TAKEN
    start = add_atomic(taken, 1) * own_rows
    while start < n_rows:
        rows = min(own_rows, n_rows - start)
        if kind == Pass.DECODE:
            z = view(layers[head + 1, Layer.INPUT] + at * k * size, rows * k, one)
            source = view(latent + start * k * size, rows * k, one)
            for j in range(rows * k):
                z[j] = source[j]
        else:
            numbers, stop = ints[Int.ROWS] + (start - at) * 8, at + rows
            _take(ints[Int.TAKE], job, numbers, at, stop, stop, stop, thread, one)
            _through(ints[Int.THROUGH], job, 0, head + 1, at, rows, 0, 1, one)
        if kind == Pass.LOSS:
            for i in range(rows):
                noise = latent + (start + i) * k * size
                score = view(scores + (start + i) * 16, 2, _DOUBLE)
                score[1] = _reparameterize(ints[Int.REPARAMETERIZE], job, at + i, 1, noise, one)
        if kind != Pass.ENCODE:
            _through(ints[Int.THROUGH], job, head + 1, end + 1, at, rows, 0, 1, one)
        for i in range(rows):
            if kind == Pass.LOSS:
                score = view(scores + (start + i) * 16, 2, _DOUBLE)
                score[0] = _likelihood(
                    ints[Int.LIKELIHOOD], job, at + i, at + i + 1, scratch, one, one
                )
                continue
            y = view(layer[Layer.OUTPUT] + (at + i) * layer[Layer.Y_BYTES], width, one)
            bias = view(layer[Layer.BIAS], width, one)
            result = view(results + (start + i) * width * size, width, one)
            for j in range(width):  # the encoder's heads have had their bias
                b = type(one)(0) if kind == Pass.ENCODE else bias[j]
                result[j] = y[j] + b
        start = add_atomic(taken, 1) * own_rows
    restore_flags(flags)
