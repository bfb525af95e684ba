"""`klosed reconstruct`: data through the encoder's mean and back."""

from __future__ import annotations

import click

from klosed.cli._output import Output, output_options
from klosed.cli._runs import TrainedRun

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed reconstruct runs/digits-001 --out pairs.png --n 32
  klosed reconstruct runs/table-001 --data new.csv --out cleaned.csv"""
)
@click.argument("run")
@click.option("--data", help="Data to reconstruct.  [default: the run's test part]")
@click.option(
    "--n",
    type=click.IntRange(min=1),
    help="How many rows, evenly spread for a picture.  [default: 16 in a picture, else all]",
)
@output_options(".png (originals above), .npy, .npz or .csv, in the units of the data")
def command(run: str, data: str | None, n: int | None, out: str, force: bool) -> None:
    """Encode data to the mean of q(z | x) and decode it to the mean of p(x | z)."""
    output = Output(out, force=force)
    trained = TrainedRun(run)
    codec = trained.codec
    output.require_pictures(codec)
    source, rows = trained.load(data)
    if output.is_picture:
        n = min(n or 16, len(rows))
        output.write_picture(codec.comparison(rows, n))
    else:
        rows = rows[:n]
        n = len(rows)
        mean, deviation = codec.encode(rows)
        codec.require_finite(rows, mean, deviation)
        output.write_rows(codec.decode(mean), trained.data["feature_names"])
    output.report(f"{n} reconstructions of {source.name}.")
