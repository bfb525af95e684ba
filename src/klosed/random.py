"""Randomness as a function of (seed, purpose, step). Floor 0: imports only errors.

Nothing here keeps a state: the same arguments give the same numbers, in any order, on any
number of threads or processes. That is what makes resuming bit-exact and engines comparable.
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.errors import ParameterError

__all__ = ["Purpose", "check_seed", "generator", "permutation", "standard_normal"]


class Purpose(IntEnum):
    """What random numbers are for; each purpose is a stream of its own."""

    INITIALISATION = 1
    SHUFFLE = 2
    TRAINING_NOISE = 3
    EVALUATION_NOISE = 4
    PRIOR_SAMPLE = 5
    SPLIT = 6
    MONTE_CARLO = 7


def check_seed(seed: int) -> int:
    """Return `seed` as an int, or raise ParameterError unless 0 <= seed < 2**64."""
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)):
        raise ParameterError(f"seed must be an integer; got {seed!r}.")
    if not 0 <= int(seed) < 2**64:
        raise ParameterError(f"seed must be in [0, 2**64); got {seed}.")
    return int(seed)


def generator(seed: int, purpose: Purpose, step: int = 0, name: str = "") -> np.random.Generator:
    """Return the generator of one stream: Philox-4x64 keyed by (seed, purpose), at (step, name).

    The 256-bit counter holds the draw in its low 128 bits, then `step`, then a hash of
    `name`: 2**128 draws can be made before two streams meet.

    Source: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3",
    doi:10.1145/2063384.2063405.

    Examples
    --------
    >>> from klosed.random import Purpose, generator
    >>> a = generator(0, Purpose.SHUFFLE, step=3).integers(100, size=3)
    >>> b = generator(0, Purpose.SHUFFLE, step=3).integers(100, size=3)
    >>> bool((a == b).all())
    True
    """
    key = np.array([check_seed(seed), int(purpose)], dtype=np.uint64)
    counter = np.array([0, 0, step, zlib.crc32(name.encode())], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def standard_normal(
    seed: int,
    purpose: Purpose,
    step: int,
    shape: tuple[int, ...],
    dtype: DTypeLike = np.float32,
) -> NDArray[Any]:
    """Return standard normal noise of the given shape.

    Drawn in float64 and rounded, so that float32 and float64 runs see the same noise.
    """
    return generator(seed, purpose, step).standard_normal(shape).astype(dtype, copy=False)


def permutation(seed: int, purpose: Purpose, step: int, n: int) -> NDArray[np.int64]:
    """Return a random permutation of range(n)."""
    return generator(seed, purpose, step).permutation(n)
