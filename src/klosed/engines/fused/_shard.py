"""One thread's rows on their way through the network, and their gradients on the way back.

Products are BLAS calls on slices in place: nothing is transposed or copied. With rows as rows,
Y = X Wᵀ is Yᵀ = W Xᵀ to column-major BLAS.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused import _elementary as elementary
from klosed.engines.fused._intrinsics import call_gemm, size_of, view
from klosed.engines.fused._rows import (
    OPTIONS,
    activate,
    add_bias,
    gather,
    reconstruct,
    without_missing,
)
from klosed.engines.fused._tables import Int, Layer, Real

__all__ = [
    "backward",
    "decode",
    "encode",
    "likelihood",
    "reparameterize",
    "take",
    "weight_gradient",
]

_NORMAL, _TRANSPOSED = ord("N"), ord("T")


@njit(**OPTIONS)
def multiply(layer: Any, x: Any, y: Any, rows: Any, ints: Any, one: Any) -> None:
    """Write x Wᵀ to y."""
    n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
    zero = type(one)(0)
    call_gemm(
        ints[Int.GEMM], _TRANSPOSED, _NORMAL, n_out, rows, n_in,
        one, layer[Layer.WEIGHT], n_in, x, n_in, zero, y, n_out,
    )  # fmt: skip


@njit(**OPTIONS)
def _hand_down(layer: Any, grad: Any, to: Any, rows: Any, ints: Any, one: Any) -> None:
    """Write grad W to `to`."""
    n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
    zero = type(one)(0)
    call_gemm(
        ints[Int.GEMM], _NORMAL, _NORMAL, n_in, rows, n_out,
        one, layer[Layer.WEIGHT], n_in, grad, n_out, zero, to, n_in,
    )  # fmt: skip


@njit(**OPTIONS)
def weight_gradient(
    layer: Any, start: Any, stop: Any, to: Any, rows: Any, ints: Any, one: Any
) -> None:
    """Write rows `start` to `stop` of ∂loss/∂W = Gᵀ x, over the whole batch, to `to`."""
    n_in, n_out = layer[Layer.N_IN], layer[Layer.N_OUT]
    zero = type(one)(0)
    call_gemm(
        ints[Int.GEMM], _NORMAL, _TRANSPOSED, n_in, stop - start, rows,
        one, layer[Layer.INPUT], n_in, layer[Layer.DELTA] + start * size_of(one), n_out,
        zero, to, n_in,
    )  # fmt: skip


@njit(**OPTIONS)
def _through(layers: Any, start: Any, rows: Any, ints: Any, one: Any) -> None:
    """Take rows through layers; the last is left without its bias."""
    size, last = size_of(one), len(layers) - 1
    for k in range(len(layers)):
        layer = layers[k]
        n_in, n_out, kind = layer[Layer.N_IN], layer[Layer.N_OUT], layer[Layer.ACTIVATION]
        y = layer[Layer.OUTPUT] + start * n_out * size
        multiply(layer, layer[Layer.INPUT] + start * n_in * size, y, rows, ints, one)
        if k < last:
            slope = layer[Layer.DELTA] + start * n_out * size
            for i in range(rows):
                offset = i * n_out * size
                activate(kind, y + offset, layer[Layer.BIAS], slope + offset, n_out, one)


@njit(**OPTIONS)
def take(layers: Any, i: Any, row: Any, ints: Any, one: Any) -> None:
    """Make row number `row` of the data the i-th of the batch."""
    n = layers[0, Layer.N_IN]
    offset = i * n * size_of(one)
    target, read = ints[Int.TARGET] + offset, layers[0, Layer.INPUT] + offset
    gather(
        ints[Int.DATA] + row * ints[Int.ROW_BYTES], ints[Int.STORED], ints[Int.SCALED],
        ints[Int.SHIFT], ints[Int.SCALE], target, n, one,
    )  # fmt: skip
    if target != read:
        without_missing(target, read, n, one)


@njit(**OPTIONS)
def encode(layers: Any, start: Any, rows: Any, ints: Any, one: Any) -> None:
    """Take rows from the data to the encoder's heads, mean and log-variance side by side."""
    head = ints[Int.ENCODER_HEAD]
    _through(layers[: head + 1], start, rows, ints, one)
    n_out = layers[head, Layer.N_OUT]
    for i in range(start, start + rows):
        y = layers[head, Layer.OUTPUT] + i * n_out * size_of(one)
        add_bias(y, layers[head, Layer.BIAS], n_out, one)


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


@njit(**OPTIONS)
def decode(layers: Any, start: Any, rows: Any, ints: Any, one: Any) -> None:
    """Take rows of z to the decoder's output, without its bias."""
    _through(layers[ints[Int.ENCODER_HEAD] + 1 :], start, rows, ints, one)


@njit(**OPTIONS)
def likelihood(
    layers: Any, blocks: Any, i: Any, x: Any, scratch: Any, weight: Any, one: Any
) -> Any:
    """Return −log p(x | z) of the i-th row in nats, and write its gradient × weight."""
    layer = layers[len(layers) - 1]
    n = layer[Layer.N_OUT]
    offset = i * n * size_of(one)
    return reconstruct(
        blocks, layer[Layer.OUTPUT] + offset, layer[Layer.BIAS], x, layer[Layer.DELTA] + offset,
        scratch, weight, n, one,
    )  # fmt: skip


@njit(**OPTIONS)
def backward(
    layers: Any, start: Any, rows: Any, weight: Any, ints: Any, reals: Any, one: Any
) -> None:
    """Bring the gradient from the decoder's output down to the first layer's output."""
    real, size = type(one), size_of(one)
    head = ints[Int.ENCODER_HEAD]
    kl_weight = real(reals[Real.BETA]) * weight
    half = real(0.5)
    for above in range(len(layers) - 1, 0, -1):
        n = layers[above, Layer.N_IN]
        grad = layers[above, Layer.DELTA] + start * layers[above, Layer.N_OUT] * size
        to = ints[Int.UPSTREAM] + start * ints[Int.WIDEST] * size
        _hand_down(layers[above], grad, to, rows, ints, one)
        below = above - 1
        if below != head:
            upstream = view(to, rows * n, one)
            delta = view(layers[below, Layer.DELTA] + start * n * size, rows * n, one)
            for j in range(rows * n):
                delta[j] *= upstream[j]
            continue
        for i in range(rows):
            upstream = view(to + i * n * size, n, one)
            offset = 2 * (start + i) * n * size
            y = view(layers[head, Layer.OUTPUT] + offset, 2 * n, one)
            delta = view(layers[head, Layer.DELTA] + offset, 2 * n, one)
            for j in range(n):
                delta[j] = upstream[j] + kl_weight * y[j]
                slope = half * elementary.expm1(y[n + j])
                delta[n + j] = upstream[j] * delta[n + j] + kl_weight * slope
