"""What `klosed train` asks of the torch engine: device, and the processes of torchrun.

Imports no subcommand; PyTorch loads only where the torch engine is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from klosed.engines.torch.processes import Processes

__all__ = [
    "check_options",
    "on_what",
    "processes_for",
    "settings",
    "torch_options",
]

_NAMES = ("device", "compile", "peer_timeout")


def torch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the torch engine."""
    for option in (
        click.option(
            "--peer-timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="torch engine: how long processes wait for each other.",
        ),
        click.option("--compile", is_flag=True, help="torch engine: use torch.compile."),
        click.option(
            "--device",
            default="auto",
            show_default=True,
            metavar="auto|cpu|cuda|mps",
            help="torch engine: auto takes an accelerator where there is one.",
        ),
    ):
        command = option(command)
    return command


def check_options(name: str, given: set[str]) -> None:
    """Raise UsageError where options of the torch engine meet another one."""
    if name != "torch" and (unused := sorted(given.intersection(_NAMES))):
        raise click.UsageError(f"--{unused[0].replace('_', '-')} needs --engine torch.")
    if name == "reference" and "precision" in given:
        raise click.UsageError("--precision needs --engine fused or torch.")
    if name != "torch" and int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise click.UsageError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes, but the {name} engine trains "
            "in one. Add --engine torch."
        )


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the "torch" section of config.json."""
    return {name: options[name] for name in ("device", "precision", "compile")}


@contextmanager
def processes_for(name: str, options: dict[str, Any]) -> Iterator[Processes | None]:
    """Meet the processes that torchrun started; yield None where the engine knows of none."""
    if name != "torch":
        yield None
        return
    import klosed.torch  # noqa: F401  (says which extra is missing)
    from klosed.engines.torch.processes import Processes

    with Processes.join(options["device"], timeout=options["peer_timeout"]) as processes:
        yield processes


def on_what(engine: Any) -> str:
    """Say where a torch engine computes."""
    many = f"{engine.processes.size} processes on " if engine.processes.size > 1 else ""
    return f"{many}{engine.device}" + (", bf16" if engine.precision == "bf16" else "")
