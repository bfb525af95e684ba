"""Run folders and the data they were trained on.

Imports no subcommand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from klosed.cli._codec import Codec
from klosed.cli._messages import warn
from klosed.cli._rows import Display, rows_for
from klosed.datasets import Dataset, load_dataset
from klosed.datasets.named import NAMED
from klosed.engines import engine
from klosed.errors import FileFormatError
from klosed.training import RunFolder

__all__ = ["TrainedRun", "data_config", "fingerprint", "resolved", "section"]

Array = NDArray[Any]


def resolved(source: str | None) -> str | None:
    """Return a name as it is and a path as an absolute one, good from any working folder."""
    if source is None or source in NAMED:
        return source
    return str(Path(source).expanduser().absolute())


def fingerprint(data: Dataset) -> str:
    """Return the SHA-256 of shape, kind and values: the same data, whatever file they come from."""
    digest = hashlib.sha256(f"{data.x.shape} {data.x.dtype}".encode())
    digest.update(data.x.data)
    return digest.hexdigest()


def data_config(
    source: str, test: str | None, classes: list[str] | None, train: Dataset
) -> dict[str, Any]:
    """Return the "data" section of config.json."""
    display = Display.of(train)
    return {
        "source": resolved(source),
        "test": resolved(test),
        "classes": classes,
        "rows": len(train.x),
        "sha256": fingerprint(train),
        "picture": {"shape": display.shape, "low": display.low, "high": display.high},
        "feature_names": train.feature_names,
    }


def section(run: RunFolder, config: dict[str, Any], name: str, *keys: str) -> dict[str, Any]:
    """Return a section of config.json that holds `keys`, or raise FileFormatError."""
    part = config.get(name)
    if not isinstance(part, dict) or not part.keys() >= set(keys):
        raise FileFormatError(
            f"{run.config_path} lacks what klosed writes there: {name} with "
            f"{', '.join(keys) or 'its fields'}. Restore the file."
        )
    return part


class TrainedRun:
    """A run folder whose model is ready to use."""

    def __init__(self, path: str) -> None:
        self.folder = RunFolder.open(path)
        config = self.folder.read_config()
        self.data = section(
            self.folder, config, "data", "source", "test", "classes", "sha256", "picture"
        )
        picture = self.data["picture"]
        model = self.folder.load_model()
        display = Display(
            picture["shape"] and tuple(picture["shape"]), picture["low"], picture["high"]
        )
        self.codec = Codec(engine(config.get("engine", "reference"), model.spec), model, display)

    def load(self, source: str | None) -> tuple[Dataset, Array]:
        """Return a data set and its rows as the model's scaling expects them.

        `source` is what the user named, else the run's own data; of either, the test part where
        there is one.
        """
        if source is None:
            splits = load_dataset(
                self.data["source"], test=self.data["test"], classes=self.data["classes"]
            )
            if fingerprint(splits.train) != self.data["sha256"]:
                warn(f"{self.data['source']} has changed since the model was trained on it.")
            if splits.test is None:
                warn(
                    f"the data of {self.folder.path} have no test part; using the training rows. "
                    "Name other data with --data."
                )
        else:
            splits = load_dataset(source)
        data = splits.train if splits.test is None else splits.test
        return data, rows_for(self.codec.model, data)
