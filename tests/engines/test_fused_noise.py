"""Noise drawn in compiled code is the noise of klosed.random, bit for bit."""

import numpy as np
import pytest

pytest.importorskip("numba")

from klosed.engines.fused._network import address, aligned
from klosed.engines.fused._noise import STATE_BYTES, draw_normal
from klosed.random import Purpose, standard_normal


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
