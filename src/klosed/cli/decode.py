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
        output.write_rows(rows, trained.data["feature_names"])
    output.report(f"{len(rows)} decoded rows.")


def _latents(data: Dataset, n_components: int) -> NDArray[Any]:
    """Return the columns z0, z1, … by number where there are such names, else all columns."""
    x = data.x
    names = data.feature_names or ()
    named = [(int(name[1:]), k) for k, name in enumerate(names) if re.fullmatch(r"z\d+", name)]
    if named:
        numbers, columns = zip(*sorted(named), strict=True)
        if numbers != tuple(range(n_components)):
            raise DataError(
                f"{data.name}: the latent space has {n_components} dimensions, so its columns must "
                f"be z0 to z{n_components - 1}, each once; got "
                f"{', '.join(f'z{number}' for number in numbers)}."
            )
        return x[:, columns]
    if x.shape[1] != n_components:
        raise DataError(
            f"{data.name}: the latent space has {n_components} dimensions; got {x.shape[1]} "
            "columns."
        )
    return x
