"""The fused engine's own products and update, alone: GFLOP/s beside BLAS, ns for 16 weights.

    python benchmarks/products.py

One thread. Products of rows with weights in panels, as training takes them forward, and the same by
the BLAS that the engine would call; medians, turn by turn, with a megabyte read in between so that
nothing lies in the first cache by chance.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from klosed.engines.fused import _dense
from klosed.engines.fused._network import address, aligned
from klosed.engines.fused._pieces import product
from klosed.engines.fused._tables import Int, Real, Rule
from klosed.engines.fused._update import update
from klosed.engines.fused.blas import load_blas

SHAPES = ((128, 400, 400), (128, 784, 400), (64, 400, 784), (20, 200, 400))  # rows, in, out
WEIGHTS = (9_000, 70_000, 1_000_000)
TURNS = 200


def numbers(*shape: int) -> NDArray[np.float32]:
    found = aligned(int(np.prod(shape)), np.float32)
    found[:] = np.random.default_rng(0).standard_normal(found.size) / 10
    return found.reshape(shape)


def seconds(*calls: Callable[[], object]) -> list[float]:
    """Return the median time of each call."""
    other, taken = numbers(300_000), [list[float]() for _ in calls]
    for _ in range(TURNS):
        for call, times in zip(calls, taken, strict=True):
            other.sum()
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
    return [statistics.median(times) for times in taken]


def products() -> None:
    multiply, by_blas = _dense.multiply.function(np.float32), product.function(np.float32)
    blas, ints = load_blas(), np.zeros(len(Int), np.int64)
    ints[Int.GEMM], ints[Int.IN_PIECES] = blas.gemm(np.float32), blas.kernel == "SkylakeX"
    print(f"{'rows × in × out':18s} {'panels':>8s} {blas.name}")
    for rows, n_in, n_out in SHAPES:
        wide_in, wide_out = (_dense.padded(n, 4) for n in (n_in, n_out))
        x, panels, zeros = numbers(rows, wide_in), numbers(wide_in, wide_out), numbers(wide_out)
        plain, weight, y = numbers(rows, n_in), numbers(n_out, n_in), numbers(rows, wide_out)
        vectors = wide_out * 4 // _dense.VECTOR_BYTES
        own = (
            address(x), 4 * wide_in, 4, n_in, address(panels), -wide_in, address(zeros), 0,
            address(y), 4 * wide_out, rows, vectors, _dense.PLAIN, address(y), 1,
        )  # fmt: skip
        theirs = address(ints), n_out, rows, n_in, address(weight), address(plain), address(y), 1
        times = seconds(lambda: multiply(*own), lambda: by_blas(*theirs))  # noqa: B023
        rates = [2 * rows * n_in * n_out / t / 1e9 for t in times]
        print(f"{rows:4d} × {n_in:4d} × {n_out:4d} {rates[0]:8.0f} {rates[1]:8.0f} GFLOP/s")


def updates() -> None:
    move = update.function(np.float32, Rule.ADAM)
    reals = np.zeros(len(Real))
    reals[[Real.LEARNING_RATE, Real.FIRST, Real.SECOND, Real.EPSILON]] = 1e-3, 0.9, 0.999, 1e-8
    for n in WEIGHTS:
        arrays = [np.abs(numbers(n)) for _ in range(4)]
        call = (*(address(a) for a in arrays), n, 5, address(reals), 1)
        print(f"Adam, {n:9,} weights: {seconds(lambda: move(*call))[0] / n * 16e9:.1f} ns for 16")  # noqa: B023


if __name__ == "__main__":
    products()
    updates()
