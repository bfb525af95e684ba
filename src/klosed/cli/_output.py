"""Files that commands write: checked before the work, written whole, never over another by chance.

Imports no subcommand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from klosed._files import atomic_write
from klosed.datasets import write_array
from klosed.errors import DataError
from klosed.plots import png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from klosed.cli._codec import Codec

__all__ = ["Output", "output_options"]

ARRAYS = (".npy", ".npz", ".csv")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def output_options(kinds: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds --out and --force."""

    def add(command: _Command) -> _Command:
        command = click.option("--force", is_flag=True, help="Replace --out if it exists.")(command)
        return click.option(
            "--out", type=click.Path(), required=True, help=f"File to write: {kinds}."
        )(command)

    return add


class Output:
    """A file that is going to be written; made before the work, so that nothing is done in vain."""

    def __init__(self, out: str, *, force: bool, picture: bool = True) -> None:
        self.path = Path(out)
        suffix, kinds = self.path.suffix.lower(), (*ARRAYS, *([".png"] if picture else []))
        if suffix not in kinds:
            raise _usage(f"--out must end in {', '.join(kinds)}; got {out!r}.")
        if self.path.is_dir() or (self.path.exists() and not force):
            raise _usage(f"{out} already exists. Choose another --out, or add --force.")
        if not self.path.parent.is_dir():
            raise _usage(f"--out {out}: there is no folder {self.path.parent}. Make it first.")
        self.is_picture = suffix == ".png"

    def require_pictures(self, codec: Codec) -> None:
        """Raise DataError if a picture is asked for and rows are none."""
        if self.is_picture and codec.display.shape is None:
            raise DataError(
                f"{self.path}: rows of these data are not pictures. Use {', '.join(ARRAYS)}."
            )

    def write_picture(self, picture: Image | Figure) -> None:
        """Write a picture."""
        atomic_write(self.path, png_bytes(picture))

    def write_rows(self, rows: NDArray[Any], names: Sequence[str] | None) -> None:
        """Write an array of finite numbers, its columns named where the format has names."""
        if not (finite := np.isfinite(rows)).all():
            raise DataError(
                f"{self.path} would hold values that are not finite, first in row "
                f"{np.argmin(finite.all(axis=1))}: the model overflows there. Check what it is "
                "given."
            )
        write_array(self.path, rows, None if self.path.suffix.lower() == ".npy" else names)

    def report(self, what: str) -> None:
        """Say on standard output what was written."""
        click.echo(f"{self.path}: {what}")


def _usage(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context())
