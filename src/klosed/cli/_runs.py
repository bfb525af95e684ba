"""Run folders and the data they were trained on.

Imports no subcommand.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import click
from numpy.typing import NDArray

from klosed._waiting import if_slow
from klosed.cli._codec import Codec
from klosed.cli._config import read_config
from klosed.cli._messages import note, warn
from klosed.cli._rows import Display, rows_for
from klosed.datasets import Dataset, Splits, StreamedDataset, load_dataset, open_stream
from klosed.datasets.dataset import aligned, with_classes, with_columns
from klosed.datasets.named import NAMED
from klosed.engines import engine
from klosed.errors import FileFormatError
from klosed.training import RunFolder

__all__ = ["TrainedRun", "data_config", "load", "resolved", "what_changed"]

Array = NDArray[Any]


def resolved(source: str | None) -> str | None:
    """Return a name as it is and a path as an absolute one, good from any working folder."""
    if source is None or source in NAMED:
        return source
    return str(Path(source).expanduser().absolute())


def load(source: str, test: str | None, classes: list[str] | None, stream: int | None) -> Splits:
    """Return a data set; its training rows stay on disk where `stream` MiB are to hold them."""
    if stream is None:
        return load_dataset(source, test=test, classes=classes)
    if classes is not None:
        raise click.UsageError("--classes needs the rows in memory. Leave out --stream.")
    train = open_stream(source, stream * 2**20)
    if test is None:
        return Splits(train)
    held_out = load_dataset(test)
    return Splits(train, aligned(held_out.test or held_out.train, train))


def fingerprint(data: Dataset) -> str:
    """Return the SHA-256 of shape, kind and values: the same data, whatever file they come from."""
    if isinstance(data, StreamedDataset):
        return data.streamed.facts.sha256
    digest = hashlib.sha256(f"{data.x.shape} {data.x.dtype}".encode())
    digest.update(data.x.data)
    return digest.hexdigest()


def data_config(
    source: str, test: str | None, classes: list[str] | None, splits: Splits
) -> dict[str, Any]:
    """Return the "data" section of config.json."""
    train = splits.train
    display = Display.of(train)
    return {
        "source": resolved(source),
        "test": resolved(test),
        "classes": classes,
        "rows": len(train.x),
        "sha256": fingerprint(train),
        "test_sha256": None if splits.test is None else fingerprint(splits.test),
        "picture": {"shape": display.shape, "low": display.low, "high": display.high},
        "feature_names": train.feature_names,
        "class_names": train.class_names,
    }


def what_changed(data: dict[str, Any], splits: Splits) -> str | None:
    """Return the source in the "data" section whose rows are no longer those of the run."""
    if fingerprint(splits.train) != data["sha256"]:
        return str(data["source"])
    saved = data["test_sha256"]  # absent from runs of the first builds
    if saved and (splits.test is None or fingerprint(splits.test) != saved):
        return str(data["test"] or data["source"])
    return None


def prepare(engine: Any, **options: Any) -> None:
    """Have an engine that compiles do so now, and say it if that takes a while."""
    if (compile_now := getattr(engine, "prepare", None)) is not None:
        text = "Compiling for this processor; the next run starts at once."
        with if_slow(lambda: note(text)):
            compile_now(**options)


class TrainedRun:
    """A run folder whose model is ready to use."""

    def __init__(self, path: str) -> None:
        self.folder = RunFolder.open(path)
        config = read_config(self.folder)
        self.data = config["data"]
        model = self.folder.load_model()
        if model.spec.to_dict() != config["spec"]:
            raise FileFormatError(
                f"{self.folder.config_path}: spec must be that of {self.folder.model_path}; it "
                "differs. Restore the file."
            )
        picture = self.data["picture"]
        display = Display(
            picture["shape"] and tuple(picture["shape"]), picture["low"], picture["high"]
        )
        # what an engine trained can be used where it is not installed
        without_torch = importlib.util.find_spec("torch") is None
        elsewhere = {"fused": "auto", "torch": "auto" if without_torch else "torch"}
        name = elsewhere.get(config["engine"], config["engine"])
        self.codec = Codec(engine(name, model.spec), model, display)
        prepare(self.codec.engine, steps=False)

    def load(self, source: str | None) -> tuple[Dataset, Array]:
        """Return a data set and its rows as the model's scaling expects them.

        `source` is what the user named, else the run's own data; of either, the test part where
        there is one. Columns are matched by name, and classes numbered, as in training.
        """
        if source is None:
            named = (self.data[key] for key in ("source", "test", "classes", "stream"))
            splits = load(*named)
            if changed := what_changed(self.data, splits):
                warn(f"{changed} has changed since the run was made.")
            if splits.test is None:
                warn(
                    f"the data of {self.folder.path} have no test part; using the training rows. "
                    "Name other data with --data."
                )
        else:
            splits = load_dataset(source)
        data = splits.train if splits.test is None else splits.test
        if data.x.shape[1] == self.codec.model.spec.n_features:
            data = with_columns(data, self.data["feature_names"], self.data["source"])
        data = with_classes(data, self.data["class_names"])
        return data, rows_for(self.codec.model, data)
