"""Noise and permutations of klosed.random in compiled code: the bits that NumPy's generator gives.

Philox-4x64 with ten rounds (Salmon, Moraes, Dror and Shaw 2011, doi:10.1145/2063384.2063405) feeds
the ziggurat (Marsaglia and Tsang 2000, doi:10.18637/jss.v005.i08) on NumPy's tables, and a shuffle
from the end, whose numbers are drawn anew until they are small enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.np.random._constants import (
    fi_double,
    ki_double,
    wi_double,
    ziggurat_nor_inv_r,
    ziggurat_nor_r,
)

from klosed.engines.fused._compile import OPTIONS, part
from klosed.engines.fused._intrinsics import bits_of, float_of, halves_of_product, view
from klosed.engines.fused._tables import WHOLE

__all__ = ["STATE_BYTES", "draw_normal", "permute"]

# Nothing may be reordered: the numbers must be NumPy's to the last bit.
_EXACT: Any = {name: option for name, option in OPTIONS.items() if name != "fastmath"}
_INLINE: Any = _EXACT | {"forceinline": True}
_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ZERO, _ONE, _HALF = np.uint64(0), np.uint64(1), np.uint32(0)
_COUNTERS = 64  # whose words are made at once
_STATE = 2 + 4 * _COUNTERS  # last counter, number of the next word, words
STATE_BYTES = 8 * _STATE
_UNIT = 1.0 / 9007199254740992.0  # 2⁻⁵³


@njit(**_EXACT)
def _refill(state: Any, seed: Any, purpose: Any, step: Any) -> None:
    """Write the next words of a stream; it counts in the first word of its counter."""
    before = state[0]
    state[0] += np.uint64(_COUNTERS)
    state[1] = np.uint64(2)
    for i in range(_COUNTERS):
        a, b, c, d = before + np.uint64(i + 1), _ZERO, step, _ZERO
        key_0, key_1 = seed, purpose
        for _ in range(10):
            upper_1, lower_1 = halves_of_product(_M1, c)
            upper_0, lower_0 = halves_of_product(_M0, a)
            a, b, c, d = upper_1 ^ b ^ key_0, lower_1, upper_0 ^ d ^ key_1, lower_0
            key_0 += _W0
            key_1 += _W1
        state[4 * i + 2], state[4 * i + 3], state[4 * i + 4], state[4 * i + 5] = a, b, c, d


@njit(**_INLINE)
def _word(state: Any, seed: Any, purpose: Any, step: Any) -> Any:
    if state[1] == np.uint64(_STATE):
        _refill(state, seed, purpose, step)
    state[1] += _ONE
    return state[state[1] - _ONE]


@njit(**_EXACT)
def _uniform(state: Any, seed: Any, purpose: Any, step: Any) -> Any:
    return np.int64(_word(state, seed, purpose, step) >> np.uint64(11)) * _UNIT


@njit(**_EXACT)
def _beyond(
    x: Any, layer: Any, is_left: Any, state: Any, seed: Any, purpose: Any, step: Any
) -> Any:
    """Return (whether x is taken, x) for an x outside its layer's rectangle."""
    if layer > 0:
        height = (fi_double[layer - 1] - fi_double[layer]) * _uniform(state, seed, purpose, step)
        return height + fi_double[layer] < np.exp(-0.5 * x * x), x
    while True:
        x = -ziggurat_nor_inv_r * np.log1p(-_uniform(state, seed, purpose, step))
        y = -np.log1p(-_uniform(state, seed, purpose, step))
        if y + y > x * x:
            return True, -(ziggurat_nor_r + x) if is_left else ziggurat_nor_r + x


@part(options=_EXACT)
def draw_normal(at: Any, to: Any, n: Any, state: Any, one: Any) -> None:
    """Write the first n standard normal numbers of a stream to `to`.

    `at` is the address of the stream's seed, purpose and step, `state` that of STATE_BYTES bytes
    to work in.
    """
    numbers, state = view(to, n, one), view(state, _STATE, _ONE)
    stream = view(at, 3, _ONE)
    seed, purpose, step = stream[0], stream[1], stream[2]
    place: Any = _STATE
    state[0], i = _ZERO, 0
    while i < n:
        if place == _STATE:
            _refill(state, seed, purpose, step)
            place = 2
        word = state[place]
        place += 1
        layer = np.int64(word & np.uint64(0xFF))
        height = np.int64(word >> np.uint64(9) & np.uint64(0x000FFFFFFFFFFFFF))
        sign = np.int64((word & np.uint64(0x100)) << np.uint64(55))
        x = float_of(bits_of(height * wi_double[layer]) | sign)
        numbers[i] = x
        if height < np.int64(ki_double[layer]):
            i += 1
            continue
        state[1] = np.uint64(place)
        is_taken, x = _beyond(x, layer, height & 0x100, state, seed, purpose, step)
        numbers[i], place = x, np.int64(state[1])
        i += is_taken


@part(options=_EXACT)
def permute(at: Any, to: Any, n: Any, state: Any, one: Any) -> None:
    """Write the whole numbers below n, at most 2³², to `to`, in the order of a permutation.

    `at` and `state` are as for `draw_normal`.
    """
    numbers, words = view(to, n, WHOLE), view(state, _STATE, _ONE)
    halves = view(state + 16, 2 * (_STATE - 2), _HALF)  # of words, the lower one first
    stream = view(at, 3, _ONE)
    seed, purpose, step = stream[0], stream[1], stream[2]
    mask: Any = _ONE
    end: Any = np.uint64(len(halves))
    while np.int64(mask) < n - 1:
        mask += mask + _ONE
    for k in range(n):
        numbers[k] = k
    words[0], place, i = _ZERO, end, np.uint64(n - 1)
    while np.int64(i) > 0:
        if place == end:
            _refill(words, seed, purpose, step)
            place = _ZERO
        # those that may be taken, without a branch that nobody could predict
        taken = _ZERO
        while place < end and i - taken > mask >> _ONE:
            j = halves[place] & mask
            place += _ONE
            halves[taken] = j
            taken += np.uint64(j <= i - taken)
        for k in range(taken):
            j = halves[k]
            numbers[i], numbers[j] = numbers[j], numbers[i]
            i -= _ONE
        if i <= mask >> _ONE:
            mask >>= _ONE
