"""`klosed train`: data, model and training from options, or from the run that is resumed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import click
from click.core import ParameterSource

from klosed.cli._messages import note, warn
from klosed.cli._plan import Plan, engine_of, new_plan, next_free, resumed_plan, run_to_resume
from klosed.cli._rows import Display, has_grey
from klosed.cli._runs import prepare
from klosed.cli._torch import check_options, on_what, processes_for, torch_options
from klosed.cli._watch import Painter, Reporter
from klosed.engines import ENGINES
from klosed.errors import NonFiniteLossError, TrainingInterrupted
from klosed.networks import ACTIVATIONS, INITIALIZATIONS
from klosed.training import OPTIMIZERS, RunFolder, TrainingState, train

__all__ = ["command"]

_COUNT: dict[str, Any] = {"type": click.IntRange(min=1), "metavar": "N", "show_default": True}
_NUMBER: dict[str, Any] = {"type": float, "metavar": "X", "show_default": True}


def _choice(values: Iterable[str]) -> dict[str, Any]:
    return {"type": click.Choice(list(values)), "show_default": True}


@click.command(
    epilog="""\b
Examples:
  klosed train digits
  klosed train mnist --latent 10 --hidden 500 --hidden 200 --epochs 20 --out runs/deep
  klosed train table.csv --test newer.csv --beta 0.5
  klosed train --resume --out runs/deep --epochs 40""",
)
@click.argument("data", required=False)
@click.option("--out", type=click.Path(), help="Run folder.  [default: next free runs/DATA-001]")
@click.option("--test", metavar="DATA", help="Data to report the test loss on.")
@click.option("--classes", metavar="A,B,…", help="Use only these classes.")
@click.option(
    "--stream",
    type=click.IntRange(min=1),
    metavar="MIB",
    help="Leave DATA (.npy, .parquet) on disk and hold this much of it.",
)
@click.option("--latent", **_COUNT, default=20, help="Latent size.")
@click.option(
    "--hidden",
    type=click.IntRange(min=0),
    metavar="N",
    multiple=True,
    default=(400,),
    show_default=True,
    help="Width of a hidden layer; once a layer. 0 alone: none.",
)
@click.option("--activation", **_choice(ACTIVATIONS), default="relu")
@click.option(
    "--likelihood",
    **_choice(["auto", "bernoulli", "gaussian"]),
    default="auto",
    help="auto: bernoulli for pixel bytes and values in [0, 1], else gaussian.",
)
@click.option(
    "--variance",
    default="scalar",
    show_default=True,
    metavar="X|scalar|per_feature",
    help="Of the gaussian likelihood: fixed, or learned.",
)
@click.option("--initialization", **_choice(INITIALIZATIONS), default="pytorch")
@click.option("--beta", **_NUMBER, default=1.0, help="Weight of the KL.")
@click.option("--epochs", **_COUNT, default=10, help="On --resume it may be raised.")
@click.option("--batch-size", **_COUNT, default=128, help="Rows a step.")
@click.option("--learning-rate", **_NUMBER, default=1e-3, help="Size of a step.")
@click.option("--optimizer", **_choice(OPTIMIZERS), default="adam", help="sgd has momentum 0.9.")
@click.option("--early-stopping", is_flag=True, help="Stop when held-out rows stop improving.")
@click.option("--patience", **_COUNT, default=10, help="Epochs to wait for an improvement.")
@click.option("--validation-fraction", **_NUMBER, default=0.1, help="Share of rows held out.")
@click.option(
    "--seed",
    type=int,
    metavar="N",
    default=0,
    show_default=True,
    help="Weights, order and noise follow from it.",
)
@click.option(
    "--engine",
    **_choice(["auto", *ENGINES]),
    default="auto",
    help="auto: fused, the fast one, where it is installed, else reference.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most so many.  [default: all processors]",
)
@click.option(
    "--precision",
    **_choice(["float32", "bf16x6", "bf16x3", "bf16"]),
    default="float32",
    help="bf16: multiply matrices in bfloat16, where there are units for it.",
)
@click.option(
    "--checkpoint-every",
    type=click.IntRange(min=1),
    metavar="STEPS",
    help="Also within an epoch.  [default: after each epoch]",
)
@torch_options
@click.option("--resume", is_flag=True, help="Go on with the run --out, or DATA's latest.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Train a VAE on DATA and leave a run folder with the model, metrics and pictures.

    DATA is digits (nothing to download), mnist, fashion-mnist, or a path: a folder of IDX files,
    .npy, .npz, .csv, .parquet, or a folder of images.

    Ctrl-C saves a checkpoint; --resume goes on from there, bit for bit.
    """
    given = {
        name for name in options if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE
    }
    every, run = options["checkpoint_every"], None
    if options["resume"]:
        run = RunFolder.open(run_to_resume(options))
    name = options["engine"] if run is None else engine_of(run)
    check_options(name, given)
    with processes_for(name, options) as processes:
        is_first = processes is None or processes.is_first
        # torchrun starts a training anew after a failure: it goes on where it can
        restarted = processes is not None and processes.restarts > 0 and options["out"] is not None
        if restarted and RunFolder(options["out"]).checkpoint_path.exists():
            run = RunFolder.open(options["out"])
        resume = run is not None
        if run is None:
            plan = new_plan(options, given, processes)
            run = RunFolder(options["out"] or next_free(options["data"]))
            if is_first and not (restarted and run.config_path.exists()):
                run = RunFolder.create(run.path, plan.config)
        else:
            plan = resumed_plan(run, options, given, processes)
            if is_first and not plan.is_done:
                run.update_config(plan.config)
        if is_first:
            _run(plan, run, resume=resume, checkpoint_every=every)
        else:
            try:
                train(
                    plan.engine,
                    plan.training,
                    plan.data,
                    run,
                    resume=resume,
                    writes=False,
                    checkpoint_every=every,
                )
            except TrainingInterrupted:
                raise click.exceptions.Exit(130) from None  # the first process speaks


def _run(plan: Plan, run: RunFolder, *, resume: bool, checkpoint_every: int | None) -> None:
    train_rows, test_rows = plan.splits.train, plan.splits.test

    def open_with() -> None:
        note(f"{_summary(plan)} → {run.path}")
        if plan.inferred:
            note(plan.inferred)
        if plan.why_reference:
            note(f"The reference engine, which is slower: {plan.why_reference}.")
        if advice := getattr(plan.engine, "advice", None):
            note(advice)
        how = plan.training
        prepare(plan.engine, optimizer=how.optimizer, batch_size=how.batch_size)
        if not resume and plan.spec.likelihood == "bernoulli" and has_grey(train_rows):
            warn(
                f"{train_rows.name} holds grey values, not only 0 and 1: with a Bernoulli "
                "likelihood the loss is then a cross-entropy, not that of a normalised density. "
                "Compare it only with figures for the same grey values."
            )

    painter = Painter(
        run,
        plan.engine,
        plan.scaling,
        Display.of(train_rows),
        train_rows if test_rows is None else test_rows,
    )
    try:
        with Reporter(open_with) as reporter, _limited(plan.config["threads"]):
            state = train(
                plan.engine,
                plan.training,
                plan.data,
                run,
                resume=resume,
                callbacks=[reporter, painter],
                checkpoint_every=checkpoint_every,
            )
    except TrainingInterrupted as stop:
        raise TrainingInterrupted(f"{stop} Saved. Go on with: {_resume_line(run)}") from None
    except NonFiniteLossError as error:
        kept = f" The last good checkpoint is kept in {run.path}."
        raise NonFiniteLossError(f"{error}{kept if run.checkpoint_path.exists() else ''}") from None
    _report(run, plan, state, went_on=reporter.epochs_done > 0)


def _report(run: RunFolder, plan: Plan, state: TrainingState, *, went_on: bool) -> None:
    """Say on standard output what was reached, where to look and what to do next."""
    early = plan.training.early_stopping
    key, value = ("validation_loss", state.best_loss) if early else ("epoch", state.epoch)
    # metrics.jsonl is for people to use: lines may be gone.
    kept = next((line for line in run.read_metrics() if line.get(key) == value), {})
    facts = ["stopped early"] if state.stopped_early else []
    if early and kept:
        facts.append(f"epoch {kept['epoch']} kept")
    ended = f"{state.epoch} epochs" + (f" ({', '.join(facts)})" if facts else "")
    name = "train_loss" if plan.splits.test is None else "test_loss"
    if isinstance(loss := kept.get(name), (int, float)):
        ended += f", {name.replace('_', ' ')} {loss:.3f} nats per example"
    if went_on:
        click.echo(f"Done: {ended}.")
    elif state.stopped_early:
        click.echo(
            f"Nothing left to do: {ended}. For a longer training raise --patience, into another "
            "--out."
        )
    else:
        click.echo(f"Nothing left to do: {ended}. To train on, raise --epochs.")
    pictures = ("reconstructions.png", "samples.png", "training.png", "latent.png")
    for path in (run.path / picture for picture in pictures):
        if path.exists():
            click.echo(f"  {path}")
    where = shlex.quote(str(run.path))
    click.echo(
        f"Next:\n  klosed evaluate {where}\n  klosed sample {where} --n 64 --out samples.png"
    )


def _summary(plan: Plan) -> str:
    train_rows, test = plan.splits.train, plan.splits.test
    parts = [f"{train_rows.name}: {len(train_rows.x)} rows"]
    if test is not None:
        parts.append(f"{len(test.x)} to test")
    widths = (plan.spec.n_features, *plan.spec.hidden_layer_sizes, plan.spec.n_components)
    parts += [
        "-".join(map(str, widths)),
        str(plan.spec.likelihood),
        f"{plan.config['engine']} engine",
    ]
    if plan.engine.name == "torch":
        parts.append(on_what(plan.engine))
    return ", ".join(parts)


def _resume_line(run: RunFolder) -> str:
    return f"klosed train --resume --out {shlex.quote(str(run.path))}"


def _limited(threads: int | None) -> Any:
    if threads is None:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(threads)
