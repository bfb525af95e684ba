"""What `klosed train` is about to do, checked as a whole before anything is written.

Imports no subcommand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from klosed.cli._config import read_config
from klosed.cli._rows import check_support
from klosed.cli._runs import data_config, load, resolved, what_changed
from klosed.cli._torch import settings
from klosed.datasets import Dataset, Splits
from klosed.datasets.dataset import pixel_side
from klosed.datasets.named import NAMED
from klosed.engines import Engine, engine, why_not_fused
from klosed.errors import CheckpointError
from klosed.models import Scaling, VAESpec
from klosed.training import RunFolder, TrainingConfig, TrainingData, check_rows

if TYPE_CHECKING:
    from klosed.engines.torch.processes import Processes

__all__ = ["Plan", "engine_of", "new_plan", "next_free", "resumed_plan", "run_to_resume"]

# option -> where config.json keeps its value
_PLACES = {
    "data": ("data", "source"),
    "test": ("data", "test"),
    "classes": ("data", "classes"),
    "stream": ("data", "stream"),
    "latent": ("spec", "n_components"),
    "hidden": ("spec", "hidden_layer_sizes"),
    "activation": ("spec", "activation"),
    "likelihood": ("spec", "likelihood"),
    "variance": ("spec", "variance"),
    "initialization": ("spec", "initialization"),
    "beta": ("training", "beta"),
    "epochs": ("training", "epochs"),
    "batch_size": ("training", "batch_size"),
    "learning_rate": ("training", "learning_rate"),
    "optimizer": ("training", "optimizer"),
    "seed": ("training", "seed"),
    "early_stopping": ("training", "early_stopping"),
    "patience": ("training", "patience"),
    "validation_fraction": ("training", "validation_fraction"),
}
_NEEDS_EARLY_STOPPING = ("patience", "validation_fraction")


@dataclass(frozen=True)
class Plan:
    """Everything about a training, checked, before anything is written."""

    config: dict[str, Any]
    splits: Splits
    spec: VAESpec
    training: TrainingConfig
    scaling: Scaling
    engine: Engine
    inferred: str | None = None
    """What --likelihood auto took flat rows of whole numbers for."""
    why_reference: str | None = None
    """Why --engine auto did not take the fast engine."""
    is_done: bool = False
    """There is nothing left to train."""

    @property
    def data(self) -> TrainingData:
        test = self.splits.test
        return TrainingData(self.splits.train.x, None if test is None else test.x, self.scaling)


def engine_of(run: RunFolder) -> str:
    """Return the name of the engine that the run was started with."""
    name: str = read_config(run)["engine"]
    return name


def new_plan(options: dict[str, Any], given: set[str], processes: Processes | None) -> Plan:
    if options["data"] is None:
        raise click.UsageError(
            "Missing argument DATA, such as digits.", click.get_current_context()
        )
    early_stopping = options["early_stopping"]
    if not early_stopping and (unused := given.intersection(_NEEDS_EARLY_STOPPING)):
        raise click.UsageError(f"{_flag(min(unused))} needs --early-stopping.")
    if early_stopping and options["stream"] is not None:
        raise click.UsageError("--early-stopping needs the rows in memory. Leave out --stream.")
    training = _training_config(options)
    classes = _classes(options["classes"])
    splits = load(options["data"], options["test"], classes, options["stream"])
    likelihood = options["likelihood"]
    if likelihood == "auto":
        parts = [splits.train] if splits.test is None else [splits.train, splits.test]
        likelihood = "gaussian" if any(part.kind == "real" for part in parts) else "bernoulli"
    if likelihood == "bernoulli" and "variance" in given:
        raise click.UsageError(
            "--variance belongs to the gaussian likelihood; this run has bernoulli. Add "
            "--likelihood gaussian or leave it out."
        )
    spec = VAESpec(
        n_features=splits.train.x.shape[1],
        n_components=options["latent"],
        hidden_layer_sizes=() if options["hidden"] == (0,) else options["hidden"],
        activation=options["activation"],
        likelihood=likelihood,
        variance=options["variance"],
        initialization=options["initialization"],
    )
    name, why_reference = options["engine"], None
    if name == "auto":
        why_reference = why_not_fused(spec)
        name = "reference" if why_reference else "fused"
    config = {
        "klosed": _version(),
        "engine": name,
        "threads": options["threads"],
        "precision": options["precision"] if name == "fused" else None,
        "data": data_config(options["data"], options["test"], classes, splits)
        | {"stream": options["stream"]},
        "spec": spec.to_dict(),
        "training": training.to_dict(),
    }
    config["torch"] = settings(options) if name == "torch" else None
    plan = _checked(config, splits, spec, training, processes)
    plan = replace(plan, why_reference=why_reference)
    is_flat_file = options["data"] not in NAMED and Path(options["data"]).expanduser().is_file()
    if options["likelihood"] == "auto" and is_flat_file and options["stream"] is None:
        return replace(plan, inferred=_inferred(splits.train, likelihood))
    return plan


def resumed_plan(
    run: RunFolder, options: dict[str, Any], given: set[str], processes: Processes | None
) -> Plan:
    config = read_config(run)
    for name in sorted(given & _PLACES.keys()):
        _refuse_contradiction(run, config, name, options[name])
    if "engine" in given and options["engine"] not in ("auto", config["engine"]):
        raise click.UsageError(_contradiction(run, "engine", options["engine"], config["engine"]))
    if "epochs" in given:
        config["training"]["epochs"] = options["epochs"]
    used = (config["torch"] or config)["precision"] or "float32"
    if "precision" in given and options["precision"] != used:
        raise click.UsageError(_contradiction(run, "precision", options["precision"], used))
    if "threads" in given:
        config["threads"] = options["threads"]
    for name, value in (config["torch"] or {}).items():
        if name not in given or options[name] == value:
            continue
        config["torch"][name] = options[name]
    data = config["data"]
    splits = load(data["source"], data["test"], data["classes"], data["stream"])
    if changed := what_changed(data, splits):
        raise CheckpointError(
            f"cannot resume {run.path}: {changed} has changed since. Train into another --out."
        )
    training = TrainingConfig.from_dict(config["training"])
    plan = _checked(config, splits, VAESpec.from_dict(config["spec"]), training, processes)
    state = run.load_state(plan.spec, training)
    return replace(plan, is_done=state.stopped_early or state.epoch >= training.epochs)


def _checked(
    config: dict[str, Any],
    splits: Splits,
    spec: VAESpec,
    training: TrainingConfig,
    processes: Processes | None,
) -> Plan:
    """Return the plan, or raise: nothing has been written yet."""
    scaling = Scaling.suited(spec, splits.train)
    check_rows(training, len(splits.train.x))
    for part in (splits.train, splits.test):
        if part is not None:
            check_support(scaling, spec, part)
    how: dict[str, Any] = {}
    if config["engine"] == "torch":
        how = {**config["torch"], "processes": processes}
    elif config["engine"] == "fused":
        how = {"threads": config["threads"], "precision": config["precision"] or "float32"}
    return Plan(config, splits, spec, training, scaling, engine(config["engine"], spec, **how))


def _inferred(data: Dataset, likelihood: str) -> str | None:
    """Say what whole numbers from 0 to 255 in a square number of columns were taken for."""
    side = None if data.kind == "unit" else pixel_side(data)
    if side is None:
        return None
    if data.kind == "bytes":
        return f"{data.name}: taken for {side}×{side} pixels, hence {likelihood}."
    if data.image_shape is None:
        return (
            f"{data.name}: no value is 255, so these rows are taken for a table, hence "
            f"{likelihood}. If they are pixels, save them as uint8 of shape (n, {side}, {side})."
        )
    return None


def _refuse_contradiction(run: RunFolder, config: dict[str, Any], name: str, value: Any) -> None:
    part, key = _PLACES[name]
    saved = config[part].get(key)
    if name == "epochs":
        if value < saved:
            raise click.UsageError(
                f"--epochs may only be raised on --resume; {run.path} has {saved}, got {value}."
            )
        return
    if name in ("data", "test"):
        value = resolved(value)
    elif name == "classes":
        value = _classes(value)
    elif name == "hidden":
        value = [] if value == (0,) else list(value)
    elif name == "variance":
        saved, value = str(saved), str(float(value)) if _is_number(value) else value
    elif name == "likelihood" and value == "auto":
        return
    if value != saved:
        raise click.UsageError(_contradiction(run, name, value, saved))


def _contradiction(run: RunFolder, name: str, value: Any, saved: Any) -> str:
    return (
        f"{_flag(name)} {_shown(value)} contradicts {run.path}, which has {_shown(saved)}. Leave "
        "it out, or train into another --out."
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _flag(name: str) -> str:
    return "DATA" if name == "data" else "--" + name.replace("_", "-")


def _training_config(options: dict[str, Any]) -> TrainingConfig:
    names = [key for part, key in _PLACES.values() if part == "training"]
    return TrainingConfig(**{name: options[name] for name in names})


def _classes(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _stem(data: str) -> str:
    """Return a name for a folder from the name or path of a data set."""
    path = Path(resolved(data) or data)
    name = path.name if path.is_dir() else path.stem
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name) or "data"


def next_free(data: str) -> Path:
    taken = [number for number, _ in _numbered(data)]
    return Path("runs") / f"{_stem(data)}-{max(taken, default=0) + 1:03}"


def run_to_resume(options: dict[str, Any]) -> Path:
    if options["out"] is not None:
        return Path(options["out"])
    if options["data"] is None:
        raise click.UsageError("--resume needs --out RUN, or DATA to find its latest run.")
    found = sorted(_numbered(options["data"]))
    if not found:
        raise click.UsageError(
            f"--resume found no {Path('runs') / _stem(options['data'])}-… here. Name the run "
            "with --out."
        )
    return found[-1][1]


def _numbered(data: str) -> list[tuple[int, Path]]:
    """Return (number, path) of what is called runs/DATA-number."""
    prefix = f"{_stem(data)}-"
    paths = Path("runs").glob("*") if Path("runs").is_dir() else ()
    ends = (
        (path.name.removeprefix(prefix), path) for path in paths if path.name.startswith(prefix)
    )
    return [(int(end), path) for end, path in ends if end.isdecimal()]


def _version() -> str:
    from importlib.metadata import version

    return version("klosed")
