"""`klosed decode`: what given points of the latent space look like."""

from __future__ import annotations

import re
from typing import Any

import click
from numpy.typing import NDArray

from klosed.cli._output import Output, output_options
from klosed.cli._runs import TrainedRun
from klosed.datasets import Dataset, load_dataset
from klosed.errors import DataError

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed decode runs/digits-001 latents.csv --out decoded.png
  klosed decode runs/table-001 latents.npy --out decoded.csv"""
)
@click.argument("run")
@click.argument("latents")
@output_options(".png (a grid), .npy, .npz or .csv, in the units of the data")
def command(run: str, latents: str, out: str, force: bool) -> None:
    """Write the mean of p(x | z) for every row z of the table LATENTS (.csv, .npy, .npz)."""
    output = Output(out, force=force)
    trained = TrainedRun(run)
    codec = trained.codec
    output.require_pictures(codec)
    z = _latents(load_dataset(latents).train, codec.model.spec.n_components)
    rows = codec.decode(z)
    if output.is_picture:
        output.write_picture(codec.grid(rows))
    else:
        output.write_rows(rows, trained.data.get("feature_names"))
    output.report(f"{len(rows)} decoded rows.")


def _latents(data: Dataset, n_components: int) -> NDArray[Any]:
    """Return the columns z0, z1, … where columns have names, else all; there must be as many."""
    x = data.x
    if data.feature_names is not None:
        named = [k for k, name in enumerate(data.feature_names) if re.fullmatch(r"z\d+", name)]
        x = x[:, named] if named else x
    if x.shape[1] != n_components:
        raise DataError(
            f"{data.name}: the latent space has {n_components} dimensions; got {x.shape[1]} "
            "columns."
        )
    return x
