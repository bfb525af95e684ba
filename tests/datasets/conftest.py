"""Files that the tests of this room write."""

import struct
from collections.abc import Callable

import numpy as np
import pytest

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@pytest.fixture(scope="session")
def as_idx() -> Callable[[np.ndarray], bytes]:
    """Writer of the IDX format, from its description and nothing of the reader."""

    def write(array: np.ndarray) -> bytes:
        code = CODES[array.dtype.str[1:]]
        header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
        return header + array.astype(array.dtype.newbyteorder(">")).tobytes()

    return write


@pytest.fixture
def pictures() -> np.ndarray:
    """Five grey pictures of 3×4 bytes."""
    return np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)
