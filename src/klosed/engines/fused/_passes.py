"""Rows on their way through the network, and their gradients on the way back.

Products are BLAS calls on slices in place: nothing is transposed or copied. With rows as rows,
Y = X Wᵀ is Yᵀ = W Xᵀ to column-major BLAS.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused import _likelihoods as likelihoods
from klosed.engines.fused._intrinsics import prefetch, size_of, view
from klosed.engines.fused._pieces import product
from klosed.engines.fused._rows import INLINED, OPTIONS, activate, gather
from klosed.engines.fused._tables import Int, Layer, Real
from klosed.engines.fused._team import meet, share

__all__ = [
    "backward",
    "decode",
    "encode",
    "fetch",
    "likelihood",
    "reparameterize",
    "take",
    "weight_gradient",
]

_LINE = 64  # bytes of a cache line


@njit(**OPTIONS)
def _through(
    layers: Any, start: Any, rows: Any, thread: Any, threads: Any, ints: Any, one: Any
) -> None:
    """Take rows, from `start` on, through layers: y = f(x Wᵀ + b); each thread its outputs.

    The last layer of the decoder is left as x Wᵀ: the likelihood adds the bias. That of a sparse
    layer has been written before.
    """
    size = size_of(one)
    for k in range(len(layers)):
        layer = layers[k]
        n_in, n_out, kind = layer[Layer.N_IN], layer[Layer.N_OUT], layer[Layer.ACTIVATION]
        first, end = share(n_out, thread, threads)
        place = (start * n_out + first) * size
        y, slope = layer[Layer.OUTPUT] + place, layer[Layer.DELTA] + place
        x = layer[Layer.INPUT] + start * n_in * size
        if end > first and not layer[Layer.SPARSE]:
            weight = layer[Layer.WEIGHT] + first * n_in * size
            product(
                ints, True, False, end - first, rows, n_in, weight, n_in, x, n_in, y, n_out, one
            )
        if kind >= 0:
            bias = layer[Layer.BIAS] + first * size
            for i in range(rows):
                offset = i * n_out * size
                activate(kind, y + offset, bias, slope + offset, end - first, one)
        if threads > 1:
            meet(ints, threads)


@njit(**INLINED)
def weight_gradient(
    layer: Any, start: Any, stop: Any, to: Any, rows: Any, ints: Any, one: Any
) -> None:
    """Write rows `start` to `stop` of ∂loss/∂W = Gᵀ x, over the whole batch, to `to`."""
    n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
    grad = layer[Layer.DELTA] + start * size_of(one)
    product(
        ints, False, True, n_in, stop - start, rows, layer[Layer.INPUT], n_in, grad, n_out,
        to, n_in, one,
    )  # fmt: skip


@njit(**INLINED)
def take(layers: Any, blocks: Any, i: Any, row: Any, ints: Any, one: Any) -> None:
    """Make row number `row` of the data the i-th of the batch."""
    n = layers[0, Layer.N_IN]
    offset = i * n * size_of(one)
    target, reads = ints[Int.TARGET] + offset, layers[0, Layer.INPUT] + offset
    gather(
        ints[Int.DATA] + row * ints[Int.ROW_BYTES], ints[Int.STORED], ints[Int.SCALED],
        ints[Int.SHIFT], ints[Int.SCALE], target, n, one,
    )  # fmt: skip
    if target != reads:
        likelihoods.read(blocks, target, reads, one)


@njit(**INLINED)
def fetch(rows: Any, first: Any, end: Any, ints: Any) -> None:
    """Have rows of the data brought near that a later batch takes."""
    for i in range(first, end):
        row = ints[Int.DATA] + rows[i] * ints[Int.ROW_BYTES]
        for line in range(row, row + ints[Int.ROW_BYTES] + _LINE - 1, _LINE):
            prefetch(line)


@njit(**INLINED)
def encode(
    layers: Any, start: Any, rows: Any, thread: Any, threads: Any, ints: Any, one: Any
) -> None:
    """Take rows from the data to the encoder's heads, mean and log-variance side by side."""
    _through(layers[: ints[Int.ENCODER_HEAD] + 1], start, rows, thread, threads, ints, one)


@njit(**INLINED)
def decode(
    layers: Any, start: Any, rows: Any, thread: Any, threads: Any, ints: Any, one: Any
) -> None:
    """Take rows of z to the decoder's output, without its bias."""
    _through(layers[ints[Int.ENCODER_HEAD] + 1 :], start, rows, thread, threads, ints, one)


@njit(**OPTIONS)
def reparameterize(layers: Any, start: Any, rows: Any, noise: Any, ints: Any, one: Any) -> Any:
    """Write z = μ + exp(ℓ/2) ∘ ε, and ½ exp(ℓ/2) ∘ ε for the way back; return Σ KL in nats.

    `noise` is the address of the ε of the first of these rows.
    KL = ½ Σ (ψ(ℓ) + μ²) with ψ(ℓ) = exp ℓ − 1 − ℓ.
    """
    real, size = type(one), size_of(one)
    half = real(0.5)
    head = ints[Int.ENCODER_HEAD]
    k = layers[head, Layer.N_OUT] // 2
    total = 0.0
    for i in range(start, start + rows):
        y = view(layers[head, Layer.OUTPUT] + 2 * i * k * size, 2 * k, one)
        delta = view(layers[head, Layer.DELTA] + 2 * i * k * size, 2 * k, one)
        z = view(layers[head + 1, Layer.INPUT] + i * k * size, k, one)
        epsilon = view(noise + (i - start) * k * size, k, one)
        kl = real(0)
        for j in range(k):
            loc, log_variance = y[j], y[k + j]
            step = elementary.exp(half * log_variance) * epsilon[j]
            z[j] = loc + step
            delta[k + j] = half * step
            kl += elementary.psi(log_variance) + loc * loc
        total += 0.5 * kl
    return total


@njit(**INLINED)
def likelihood(
    layers: Any, blocks: Any, i: Any, x: Any, scratch: Any, weight: Any, one: Any
) -> Any:
    """Return −log p(x | z) of the i-th row in nats, and write its gradient × weight."""
    layer = layers[len(layers) - 1]
    offset = i * layer[Layer.N_OUT] * size_of(one)
    return likelihoods.reconstruct(
        blocks, layer[Layer.OUTPUT] + offset, layer[Layer.BIAS], x, layer[Layer.DELTA] + offset,
        scratch, weight, layers[0, Layer.N_IN], one,
    )  # fmt: skip


@njit(**INLINED)
def backward(
    layers: Any,
    start: Any,
    rows: Any,
    weight: Any,
    thread: Any,
    threads: Any,
    ints: Any,
    reals: Any,
    one: Any,
) -> None:
    """Bring the gradient G from the decoder's output down to the first layer's: G W ∘ f′.

    Each thread does its share of a layer's inputs.
    """
    real, size = type(one), size_of(one)
    half = real(0.5)
    head = ints[Int.ENCODER_HEAD]
    kl_weight = real(reals[Real.BETA]) * weight
    for above in range(len(layers) - 1, 0, -1):
        layer, below = layers[above], above - 1
        n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
        first, end = share(n_in, thread, threads)
        width = end - first
        to = ints[Int.UPSTREAM] + (start * ints[Int.WIDEST] + first) * size
        grad = layer[Layer.DELTA] + start * n_out * size
        if width > 0:
            weight_here = layer[Layer.WEIGHT] + first * size
            product(
                ints, False, False, width, rows, n_out, weight_here, n_in, grad, n_out, to, n_in,
                one,
            )  # fmt: skip
        for i in range(rows):
            upstream = view(to + i * n_in * size, width, one)
            if below != head:
                place = ((start + i) * n_in + first) * size
                delta = view(layers[below, Layer.DELTA] + place, width, one)
                for j in range(width):
                    delta[j] *= upstream[j]
                continue
            place = (2 * (start + i) * n_in + first) * size
            loc = view(layers[head, Layer.OUTPUT] + place, width, one)
            log_variance = view(layers[head, Layer.OUTPUT] + place + n_in * size, width, one)
            grad_loc = view(layers[head, Layer.DELTA] + place, width, one)
            grad_log_variance = view(layers[head, Layer.DELTA] + place + n_in * size, width, one)
            for j in range(width):
                grad_loc[j] = upstream[j] + kl_weight * loc[j]
                slope = half * elementary.expm1(log_variance[j])
                grad_log_variance[j] = upstream[j] * grad_log_variance[j] + kl_weight * slope
        if threads > 1 and above > 1:
            meet(ints, threads)
