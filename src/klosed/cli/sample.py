"""`klosed sample`: new examples from the prior."""

from __future__ import annotations

import click

from klosed.cli._output import Output, output_options
from klosed.cli._runs import TrainedRun
from klosed.random import check_seed

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed sample runs/digits-001 --n 64 --out samples.png
  klosed sample runs/table-001 --n 10000 --out new.csv --seed 1"""
)
@click.argument("run")
@click.option("--n", type=click.IntRange(min=1), default=64, show_default=True, help="How many.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--mean/--draw",
    default=None,
    help="Write E[x | z], or draw x from p(x | z).  [default: mean for pictures, draw for tables]",
)
@output_options(".png (a grid), .npy, .npz or .csv, in the units of the data")
def command(run: str, n: int, seed: int, mean: bool | None, out: str, force: bool) -> None:
    """Draw new examples from the model in RUN: z from the prior, then x from the decoder.

    Pictures by default show the mean of p(x | z), as is usual: a draw adds independent noise to
    every pixel. Rows of a table by default are draws; means would vary too little.
    """
    output = Output(out, force=force)
    check_seed(seed)
    trained = TrainedRun(run)
    codec = trained.codec
    output.require_pictures(codec)
    draw = codec.display.shape is None if mean is None else not mean
    rows = codec.sample(n, seed, draw=draw)
    if output.is_picture:
        output.write_picture(codec.grid(rows))
    else:
        output.write_rows(rows, trained.data["feature_names"])
    output.report(f"{n} samples ({'draws from' if draw else 'means of'} p(x | z)), seed {seed}.")
