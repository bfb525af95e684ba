"""The guards around readers: what may come out of them."""

from pathlib import Path

import pytest

from klosed.datasets._guards import reading
from klosed.errors import DataError, FileFormatError

PATH = Path("file.x")


@pytest.mark.parametrize(
    ("raised", "becomes", "message"),
    [
        (MemoryError(), DataError, "file.x: does not fit in memory"),
        (PermissionError(13, "Permission denied"), DataError, "cannot be read: Permission denied"),
        (RecursionError("deep\ndeeper"), FileFormatError, "not a readable thing: deep. The file"),
        (EOFError(), FileFormatError, "not a readable thing: EOFError. The file"),
        (DataError("as it is"), DataError, "^as it is$"),
    ],
)
def test_every_failure_becomes_one_line(raised, becomes, message):
    with pytest.raises(becomes, match=message) as caught, reading(PATH, "thing"):
        raise raised
    assert "\n" not in str(caught.value)


def test_an_interruption_is_not_a_damaged_file():
    with pytest.raises(KeyboardInterrupt), reading(PATH, "thing"):
        raise KeyboardInterrupt
