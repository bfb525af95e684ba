"""Saying what a user waits for, where the wait is long enough to wonder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["if_slow"]


@contextmanager
def if_slow(say: Callable[[], object], seconds: float = 1.0) -> Iterator[None]:
    """Call `say` once what happens inside has taken `seconds`."""
    timer = threading.Timer(seconds, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
