"""What the commands say beside their result: one line a message, on standard error.

Imports only click and Rich, and Rich only where a bar is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Pacer", "bar_on_terminal", "counting", "note", "one_line", "warn"]


def one_line(text: str) -> str:
    """Return `text` on one line, with control characters spelt out."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)


def note(text: str) -> None:
    """Say something about the course of things."""
    click.echo(one_line(text), err=True)


def warn(text: str) -> None:
    """Say something that the user should know before trusting the result."""
    click.echo(f"Warning: {one_line(text)}", err=True)


class Pacer:
    """Says True at most once every `seconds`; first after `seconds`, or at once."""

    def __init__(self, seconds: float, *, at_once: bool = True) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + (0.0 if at_once else seconds)

    def is_due(self) -> bool:
        """Return True when enough time has gone by since it last did."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


@contextmanager
def bar_on_terminal() -> Iterator[Progress | None]:
    """Yield a progress bar with room for a text and for figures; None without a terminal.

    It is drawn only when asked to (`refresh`): a drawing thread would take time from training.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = Console(stderr=True, highlight=False)
    if not console.is_interactive or console.is_dumb_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True),
        console=console,
        auto_refresh=False,
        transient=True,
        expand=True,
    ) as progress:
        yield progress


@contextmanager
def counting(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of items done; it moves a bar on a terminal."""
    with bar_on_terminal() as bar:
        if bar is None:
            yield lambda done: None
            return
        task, pacer = bar.add_task(text, total=total, figures=""), Pacer(0.1)

        def move(done: int) -> None:
            if pacer.is_due():
                bar.update(task, completed=done, figures=f"{done}/{total}", refresh=True)

        yield move
