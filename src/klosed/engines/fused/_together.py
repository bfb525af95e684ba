"""Parts compiled by a few processes at once, for the first use on a machine.

They are processes of Python, because Numba compiles on one thread, and put the code on disk, where
this one finds it. Where none can be started, or one ends early, it is compiled here at its first
use.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from joblib import cpu_count
from numba.core import config

from klosed.engines.fused._compile import Wanted

__all__ = ["compile_together", "serve"]

# A helper takes a second to start, and a part a third of one to compile.
_PARTS_A_HELPER, _MOST_HELPERS = 6, 3
_DONE = "done"


def compile_together(wanted: Collection[Wanted], processes: int) -> None:
    """Compile parts in at most so many processes, this one among them."""
    left = deque(wanted)
    helpers = list(_started(_helpers_for(wanted, processes)))
    feeding = [
        threading.Thread(target=_feed, args=(helper, left), daemon=True) for helper in helpers
    ]
    try:
        for thread in feeding:
            thread.start()
        for each in _taken(left.popleft):
            each.compile()
        for thread in feeding:
            thread.join()
    finally:
        for helper in helpers:
            helper.kill()  # has nothing to do, or this process was interrupted
            with suppress(OSError):
                helper.communicate()


def _helpers_for(wanted: Collection[Wanted], processes: int) -> int:
    """Return how many other processes are worth while, and can be had."""
    # an application with Python in it would start once more
    is_python = Path(sys.executable or "").stem.lower().startswith("python")
    if not wanted or not is_python or not next(iter(wanted)).is_keepable:
        return 0
    return max(
        0, min(processes - 1, cpu_count() - 1, len(wanted) // _PARTS_A_HELPER, _MOST_HELPERS)
    )


def _started(count: int) -> Iterator[subprocess.Popen[str]]:
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    folder = {"NUMBA_CACHE_DIR": config.CACHE_DIR} if config.CACHE_DIR else {}
    for _ in range(count):
        with suppress(OSError):  # not allowed, or no memory
            yield subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | folder,
                text=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )


def _taken(take: Callable[[], Wanted]) -> Iterator[Wanted]:
    """Yield what `take` takes out of a queue, until that is empty."""
    with suppress(IndexError):
        while True:
            yield take()


def _feed(helper: subprocess.Popen[str], left: deque[Wanted]) -> None:
    """Have a process compile one part after another, from the end, as long as it lives."""
    with suppress(OSError, ValueError):
        for part, dtype, choices in _taken(left.pop):
            print(*part.place, dtype, *choices, file=helper.stdin, flush=True)
            if helper.stdout is None or helper.stdout.readline().strip() != _DONE:
                return


def serve() -> None:
    """Compile what is asked for on the standard input: module, name, number type, choices."""
    for line in sys.stdin:
        module, name, dtype, *choices = line.split()
        getattr(import_module(module), name).address(dtype, *map(int, choices))
        sys.stdout.write(f"{_DONE}\n")
        sys.stdout.flush()
