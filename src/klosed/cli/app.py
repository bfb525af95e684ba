"""The `klosed` command: finds the subcommand, and turns every error into an exit code.

Imports no subcommand and no NumPy, so that `klosed --help` is quick.

Exit codes: 0 done · 2 wrong usage or bad input, one line on standard error · 130 interrupted ·
1 anything else.
"""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NoReturn, TextIO

import click

from klosed.cli._messages import one_line, warn
from klosed.errors import (
    DownloadError,
    KlosedError,
    NonFiniteLossError,
    PeerError,
    TrainingInterrupted,
)

__all__ = ["COMMANDS", "exit_code_and_line", "group", "main"]

# name -> the line that `klosed --help` shows; the command lives in klosed.cli.<name>
COMMANDS = {
    "train": "Train a VAE on a data set; leaves a run folder.",
    "evaluate": "ELBO and log-likelihood of a run, with error bars.",
    "sample": "Draw new examples from a run.",
    "reconstruct": "Encode and decode data, beside the originals.",
    "encode": "Latent coordinates of data.",
    "decode": "Data for given latent coordinates.",
    "kl": "KL of two distributions, with entropy, cross-entropy and gradient.",
    "derive": "Show why a closed form is right, each step proved or checked.",
    "doctor": "Show versions, BLAS and its speed, threads; say what to change.",
}

_NOT_BAD_INPUT = (DownloadError, NonFiniteLossError, PeerError)
_BAD_PATHS = (
    FileNotFoundError,
    FileExistsError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
)


class KlosedGroup(click.Group):
    """A click group that imports a subcommand when it is called and maps errors to exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import klosed.cli.<name> and return its command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"klosed.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; for an unknown one name the nearest, or all."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; under --debug show the traceback of what goes wrong."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if ctx.params["debug"] and not isinstance(
                error, (click.ClickException, click.exceptions.Exit)
            ):
                traceback.print_exc()
            raise

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run and exit, whatever happens; see the module's docstring for the codes."""
        with _one_line_warnings():
            try:
                result = super().main(args, prog_name, complete_var, False, **extra)
                code, line = result if isinstance(result, int) else 0, ""
            except Exception as error:
                code, line = exit_code_and_line(error)
        if line:
            click.echo(line, err=True)
        sys.exit(code)


def exit_code_and_line(error: Exception) -> tuple[int, str]:
    """Return the exit code for `error` and the one line that standard error gets."""
    text = one_line(str(error))
    if isinstance(error, click.UsageError):
        place = error.ctx.command_path if error.ctx else "klosed"
        return 2, f"Error: {one_line(error.format_message())} See {place} --help."
    if isinstance(error, click.ClickException):
        return error.exit_code, f"Error: {one_line(error.format_message())}"
    if isinstance(error, TrainingInterrupted):
        return 130, text[:1].upper() + text[1:]
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return 130, "Interrupted."
    if isinstance(error, KlosedError):
        return (1 if isinstance(error, _NOT_BAD_INPUT) else 2), f"Error: {text}"
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{one_line(str(error.filename))}: "
        code = 2 if isinstance(error, _BAD_PATHS) else 1
        return code, f"Error: {where}{error.strerror}."
    if isinstance(error, MemoryError):
        return 1, f"Error: not enough memory. {text}".rstrip()
    return 1, (
        f"Error: unexpected {type(error).__name__} ({text}). This is a bug in klosed; "
        "KLOSED_DEBUG=1 shows the traceback to report."
    )


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show each warning as one plain line on standard error."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        warn(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"klosed {version('klosed')}")
        ctx.exit()


@click.group(
    cls=KlosedGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First steps:  klosed train digits",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
@click.option(
    "--debug",
    is_flag=True,
    envvar="KLOSED_DEBUG",
    help="Show the traceback of an error (also: KLOSED_DEBUG=1).",
)
@click.pass_context
def group(ctx: click.Context, debug: bool) -> None:
    """Variational autoencoders on closed-form KL divergences."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line on `args`, by default those of the process, and exit."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a replacement, not a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    group.main(args, prog_name="klosed")
