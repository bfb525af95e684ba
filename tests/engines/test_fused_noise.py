"""Noise and permutations of compiled code are those of klosed.random, bit for bit."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed.engines.fused._network import address, aligned
from klosed.engines.fused._noise import STATE_BYTES, draw_normal, permute
from klosed.random import Purpose, permutation, standard_normal


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("seed", "step", "n"),
    # a million numbers go some 270 times beyond the ziggurat's base
    [(0, 0, 1_000_000), (2**64 - 1, 2**40, 30_001), (7, 1, 1), (7, 2, 0)],
)
def test_the_bits_are_numpys(seed, step, n, dtype):
    numbers, state = np.full(n + 1, 9.0, dtype), aligned(STATE_BYTES, np.uint8)
    stream = np.array([seed, Purpose.TRAINING_NOISE, step], np.uint64)
    draw = draw_normal.function(dtype)
    draw(address(stream), address(numbers), n, address(state), 1)
    wanted = standard_normal(seed, Purpose.TRAINING_NOISE, step, (n,), dtype)
    assert np.array_equal(numbers[:n], wanted)
    assert numbers[n] == 9


# around powers of two, where fewer bits are drawn, and several refills long
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 255, 256, 257, 258, 1000, 65_537, 200_000])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (2**64 - 1, 2**40)])
def test_the_order_is_numpys(n, seed, epoch):
    numbers, state = np.full(n + 1, -9), aligned(STATE_BYTES, np.uint8)
    stream = np.array([seed, Purpose.SHUFFLE, epoch], np.uint64)
    permute.function(np.float32)(address(stream), address(numbers), n, address(state), 1)
    assert np.array_equal(numbers[:n], permutation(seed, Purpose.SHUFFLE, epoch, n))
    assert numbers[n] == -9
