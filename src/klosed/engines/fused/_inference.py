"""Rows through the network without gradients, block by block: encode, decode, loss."""

from __future__ import annotations

from typing import Any

from klosed.engines.fused import _shard as shard
from klosed.engines.fused._compile import compiled
from klosed.engines.fused._intrinsics import flush_to_zero, restore_flags, size_of
from klosed.engines.fused._rows import gather, prepare_blocks, view
from klosed.engines.fused._tables import Int, Layer, Pass

__all__ = ["infer"]


def _make_infer(digest: int) -> Any:
    def infer(
        kind: Any, first: Any, last: Any, layers: Any, blocks: Any, ints: Any, noise: Any,
        results: Any, scores: Any, one: Any,
    ) -> None:
        """Take the rows `first` to `last` of the data through the network.

        ENCODE writes mean and log-variance side by side to `results`, DECODE the decoder's output;
        LOSS writes −log p(x | z) and KL of each row to `scores`, in nats.
        """
        digest  # noqa: B018  (see `compiled`)
        size = size_of(one)
        flags = flush_to_zero()
        head, end = ints[Int.ENCODER_HEAD], len(layers) - 1
        entrance = head + 1 if kind == Pass.DECODE else 0
        n = layers[entrance, Layer.N_IN]
        prepare_blocks(blocks, ints[Int.SCRATCH], layers[end, Layer.N_OUT], one)
        for start in range(first, last, ints[Int.BATCH]):
            rows = min(ints[Int.BATCH], last - start)
            for i in range(rows):
                gather(
                    ints[Int.DATA] + (start + i) * ints[Int.ROW_BYTES], ints[Int.STORED],
                    ints[Int.SCALED], ints[Int.SHIFT], ints[Int.SCALE],
                    layers[entrance, Layer.INPUT] + i * n * size, n, one,
                )  # fmt: skip
            if kind != Pass.DECODE:
                shard.encode(layers, 0, rows, ints, one)
            if kind == Pass.LOSS:
                latent = layers[head + 1, Layer.N_IN]
                for i in range(rows):
                    epsilon = noise.ctypes.data + (start + i) * latent * size
                    scores[start + i, 1] = shard.reparameterize(
                        layers, i, 1, epsilon, ints, one
                    )
            if kind != Pass.ENCODE:
                shard.decode(layers, 0, rows, ints, one)
            if kind == Pass.LOSS:
                for i in range(rows):
                    scores[start + i, 0] = shard.likelihood(
                        layers, blocks, i, 1, ints[Int.SCRATCH], one, one
                    )
                continue
            layer = layers[head if kind == Pass.ENCODE else end]
            width = layer[Layer.N_OUT]
            for i in range(rows):
                y = view(layer[Layer.OUTPUT] + i * width * size, width, one)
                if kind == Pass.ENCODE:
                    for j in range(width):
                        results[start + i, j] = y[j]
                else:
                    bias = view(layer[Layer.BIAS], width, one)
                    for j in range(width):
                        results[start + i, j] = y[j] + bias[j]
        restore_flags(flags)

    return infer


infer = compiled(_make_infer)
