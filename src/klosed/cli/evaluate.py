"""`klosed evaluate`: ELBO and importance-sampled log-likelihood, with error bars."""

from __future__ import annotations

import json
import math
from typing import Any

import click
import numpy as np

from klosed.cli._messages import counting, warn
from klosed.cli._rows import has_grey
from klosed.cli._runs import TrainedRun, prepare
from klosed.evaluation import Summary, score_examples
from klosed.models.files import Model
from klosed.random import check_seed

__all__ = ["command"]


@click.command(
    epilog="""\b
Examples:
  klosed evaluate runs/digits-001
  klosed evaluate runs/digits-001 --data other.npy --samples 500 --json"""
)
@click.argument("run")
@click.option("--data", help="Data to evaluate on.  [default: the run's test part]")
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Samples of z an example.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="[default: all processors]")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def command(
    run: str, data: str | None, samples: int, seed: int, threads: int | None, as_json: bool
) -> None:
    """Estimate the ELBO and log p(x) of the model in RUN, in nats per example.

    log p(x) ≈ log 1/K Σ p(x|z) p(z) / q(z|x) over K samples z of q(z|x) (Burda et al. 2016). The
    first error is that of a mean over examples, the second the part that more samples would shrink.
    """
    check_seed(seed)
    trained = TrainedRun(run)
    source, rows = trained.load(data)
    codec = trained.codec
    prepare(codec.engine, steps=False, scoring=True)
    with counting("examples", len(rows)) as move:
        scores = score_examples(
            codec.engine,
            codec.model.params,
            rows,
            n_samples=samples,
            seed=seed,
            scaling=codec.model.scaling,
            n_threads=threads,
            on_progress=move,
        )
    summary = Summary.of(scores)
    grey = codec.model.spec.likelihood == "bernoulli" and has_grey(source)
    shift = _log_units(codec.model)
    if as_json:
        facts = {"run": run, "data": source.name, "seed": seed, "grey_values": grey}
        in_data_units = None if shift is None else summary.log_likelihood.value + shift
        facts |= summary.to_dict() | {"log_likelihood_in_data_units": in_data_units}
        click.echo(json.dumps(facts, indent=2, allow_nan=False))
    else:
        click.echo(
            f"{run} on {source.name}: {summary.n_examples} examples, {samples} samples each, "
            f"seed {seed}\n"
        )
        click.echo(_table(summary))
        click.echo(
            f"\nEffective sample size: median {summary.median_effective_sample_size:.1f} of "
            f"{samples}; below 10 for {summary.few_effective_samples:.1%} of the examples."
        )
        if shift is not None:
            value = summary.log_likelihood.value + shift
            click.echo(f"In the units of the data, log p(x) is {value:.3f}: {shift:+.3f}.")
    _warn(summary, samples, grey=grey)


def _table(summary: Summary) -> str:
    lines = [f"{'nats per example':18}{'mean':>12}{'std. error':>12}{'Monte Carlo':>13}"]
    for name, estimate in (
        ("log p(x)", summary.log_likelihood),
        ("ELBO", summary.elbo),
        ("  reconstruction", summary.reconstruction),
        ("  KL", summary.kl),
    ):
        value, error, noise = estimate.value, estimate.standard_error, estimate.monte_carlo_error
        lines.append(f"{name:18}{value:12.4f}{error:12.4f}{noise:13.4f}")
    return "\n".join(lines)


def _log_units(model: Model) -> float | None:
    """Return what turns log densities of scaled data into those of the data: −Σ log scale."""
    if model.spec.likelihood != "gaussian" or model.scaling.kind == "none":
        return None
    scale: Any = np.broadcast_to(model.scaling.scale, model.spec.n_features)
    return -math.fsum(np.log(scale))


def _warn(summary: Summary, samples: int, *, grey: bool) -> None:
    if grey:
        warn(
            "the data hold grey values: under a Bernoulli likelihood these figures are "
            "cross-entropies, not log-densities. Compare them only with figures for the same data."
        )
    if not summary.is_trustworthy:
        warn(
            f"log p(x) rests on few samples: the median effective sample size is "
            f"{summary.median_effective_sample_size:.1f} of {samples}, so the estimate is too low. "
            "Take more --samples."
        )
