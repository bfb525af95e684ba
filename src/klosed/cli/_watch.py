"""What a training shows while it runs: a line an epoch, a bar on a terminal, pictures on disk.

Imports no subcommand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType

import click

from klosed._files import atomic_write
from klosed.cli._codec import Codec
from klosed.cli._messages import Pacer, bar_on_terminal
from klosed.cli._rows import Display
from klosed.datasets import Dataset
from klosed.engines import Engine
from klosed.models import Scaling
from klosed.models.files import Model
from klosed.plots import latent_map, png_bytes, training_curves
from klosed.training import Callback, EpochRecord, Progress, RunFolder, TrainingState

__all__ = ["Painter", "Reporter"]

_SAMPLES, _SAMPLES_SEED = 64, 0
_MOST_POINTS = 5000
_SECONDS_BETWEEN_GRIDS = 1.0


class Reporter(Callback):
    """Writes one line an epoch to standard error, below it a bar where that is a terminal.

    `open_with` says what is said first, once nothing can be refused any more.
    """

    def __init__(self, open_with: Callable[[], None]) -> None:
        self._open_with = open_with
        self._context = bar_on_terminal()
        self._pacer = Pacer(0.1)
        self.epochs_done = 0

    def __enter__(self) -> Reporter:
        self._bar = self._context.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._context.__exit__(kind, error, trace)

    def on_start(self, state: TrainingState, progress: Progress) -> None:
        """Say the first words; start the bar where a resumed run stands."""
        self._open_with()
        self._epochs = progress.epochs
        if self._bar is not None:
            total = progress.epochs * progress.batches
            self._task = self._bar.add_task("", total=total, completed=state.step, figures="")

    def on_step(self, progress: Progress) -> None:
        """Move the bar, ten times a second at most."""
        if self._bar is None or not self._pacer.is_due():
            return
        self._bar.update(
            self._task,
            completed=(progress.epoch - 1) * progress.batches + progress.batch,
            description=f"epoch {progress.epoch}/{progress.epochs}",
            figures=f"loss {progress.loss:.2f}  KL {progress.kl:.2f}",
            refresh=True,
        )

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """Write the line of the epoch."""
        self.epochs_done += 1
        line = _epoch_line(record, self._epochs)
        if self._bar is None:
            click.echo(line, err=True)
        else:
            self._bar.console.print(line, soft_wrap=True)


def _epoch_line(record: EpochRecord, epochs: int) -> str:
    parts = [
        f"epoch {record.epoch:{len(str(epochs))}}/{epochs}",
        f"train loss {record.train_loss:.3f}",
        f"KL {record.train_kl:.3f}",
    ]
    for name, loss in (("validation", record.validation_loss), ("test", record.test_loss)):
        if loss is not None:
            parts.append(f"{name} loss {loss:.3f}")
    return "  ".join([*parts, f"{record.seconds:.1f} s"])


class Painter(Callback):
    """Keeps the pictures of a run folder up to date.

    ``reconstructions.png`` originals above, reconstructions below · ``samples.png`` decoded from
    the same points of the prior every time · ``pictures/`` copies of both from earlier epochs ·
    ``training.png`` the curves · ``latent.png`` at the end, where the latent space is a plane.
    In the end all show the parameters that model.safetensors holds; meanwhile the grids may be
    a second old, so that drawing takes no longer than training.
    """

    def __init__(
        self, run: RunFolder, engine: Engine, scaling: Scaling, display: Display, data: Dataset
    ) -> None:
        self.run, self.engine, self.scaling = run, engine, scaling
        self.display, self.data = display, data
        self._curves_pacer = Pacer(10.0, at_once=False)
        self._grids_pacer = Pacer(_SECONDS_BETWEEN_GRIDS)
        self._drawn: int | None = None  # number of steps behind the grids on disk

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """Draw what is due: grids after a second or to keep, curves after ten seconds."""
        if self._grids_pacer.is_due() or _is_kept(record.epoch):
            self._draw_grids(state, keep=_is_kept(record.epoch))
        if self._curves_pacer.is_due():
            self._draw_curves()

    def on_interrupt(self, state: TrainingState) -> None:
        """Draw the grids and the curves so far."""
        self._draw_grids(state)
        self._draw_curves()

    def on_end(self, state: TrainingState) -> None:
        """Draw grids and curves, and the latent space where it is a plane."""
        if self._drawn != state.step:
            self._draw_grids(state)
        self._draw_curves()
        if self.engine.spec.n_components == 2:
            some = slice(None, None, math.ceil(len(self.data.x) / _MOST_POINTS))
            z, _ = self._codec(state).encode(self.data.x[some])
            labels = None if self.data.labels is None else self.data.labels[some]
            title = f"Posterior means of {self.data.name}"
            atomic_write(self.run.path / "latent.png", png_bytes(latent_map(z, labels, title)))

    def _codec(self, state: TrainingState) -> Codec:
        model = Model(self.engine.spec, state.final_params, self.scaling)
        return Codec(self.engine, model, self.display)

    def _draw_grids(self, state: TrainingState, *, keep: bool = False) -> None:
        if self.display.shape is None:
            return
        self._drawn = state.step
        codec = self._codec(state)
        for name, picture in (
            ("reconstructions", codec.comparison(self.data.x)),
            ("samples", codec.grid(codec.sample(_SAMPLES, _SAMPLES_SEED, draw=False))),
        ):
            content = png_bytes(picture)
            atomic_write(self.run.path / f"{name}.png", content)
            if keep:
                copies = self.run.path / "pictures"
                copies.mkdir(exist_ok=True)
                atomic_write(copies / f"{name}-{state.epoch:04}.png", content)

    def _draw_curves(self) -> None:
        lines = self.run.read_metrics()
        if records := [line for line in lines if isinstance(line.get("train_loss"), float)]:
            curves = training_curves(records, f"Training of {self.run.path}")
            atomic_write(self.run.path / "training.png", png_bytes(curves))


def _is_kept(epoch: int) -> bool:
    """Return True for epochs 1, 2, … 10, 20, … 100, 200, …: a short film of any training."""
    return epoch % 10 ** (len(str(epoch)) - 1) == 0
