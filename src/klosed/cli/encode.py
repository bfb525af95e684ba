"""`klosed encode`: where data lie in the latent space."""

from __future__ import annotations

import click
import numpy as np

from klosed.cli._output import Output, output_options
from klosed.cli._runs import TrainedRun
from klosed.plots import latent_map

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed encode runs/digits-001 --out latents.csv
  klosed encode runs/digits-001 --data new.npy --out latents.npy --std"""
)
@click.argument("run")
@click.option("--data", help="Data to encode.  [default: the run's test part]")
@click.option("--std", is_flag=True, help="Add the standard deviations of q(z | x).")
@output_options(".npy, .npz, .csv, or .png (a map) where the latent space is a plane")
def command(run: str, data: str | None, std: bool, out: str, force: bool) -> None:
    """Write the mean of q(z | x) of every row: columns z0, z1, ….

    With --std the columns std0, std1, … follow. A .csv ends with the label where the data have
    labels, as the number it had in training; `klosed decode` reads the file back.
    """
    output = Output(out, force=force)
    trained = TrainedRun(run)
    codec = trained.codec
    n_components = codec.model.spec.n_components
    if output.is_picture and n_components != 2:
        raise click.UsageError(
            f"a map needs a latent space of 2 dimensions; {run} has {n_components}. Use .csv.",
            click.get_current_context(),
        )
    source, rows = trained.load(data)
    mean, deviation = codec.encode(rows)
    codec.require_finite(rows, mean, deviation)
    if output.is_picture:
        title = f"Posterior means of {source.name}"
        output.write_picture(latent_map(mean, source.labels, title))
    else:
        names = [f"z{k}" for k in range(n_components)]
        columns = [mean]
        if std:
            columns.append(deviation)
            names += [f"std{k}" for k in range(n_components)]
        if source.labels is not None and output.path.suffix.lower() == ".csv":
            labels = source.labels[:, None]
            # float32 holds whole numbers up to 2**24; beyond, all columns widen.
            columns.append(labels.astype(mean.dtype) if np.abs(labels).max() < 2**24 else labels)
            names.append("label")
        output.write_rows(np.concatenate(columns, axis=1), names)
    output.report(f"{len(mean)} rows of {source.name} in {n_components} latent dimensions.")
