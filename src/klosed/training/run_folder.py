"""The folder that a run leaves behind: config, metrics, model, checkpoint, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klosed._files import atomic_write
from klosed.errors import CheckpointError, FileFormatError, RunFolderError
from klosed.models.files import Model, load_model, save_model
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec
from klosed.training.config import TrainingConfig
from klosed.training.loop import Callback, EpochRecord
from klosed.training.state import TrainingState

__all__ = ["Recorder", "RunFolder"]


class RunFolder:
    """Paths of a run folder, and what is read from and written to them.

    ``config.json`` what was asked for · ``metrics.jsonl`` one object an epoch ·
    ``model.safetensors`` the weights to use · ``checkpoint.safetensors`` all that resuming needs.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config_path = self.path / "config.json"
        self.metrics_path = self.path / "metrics.jsonl"
        self.model_path = self.path / "model.safetensors"
        self.checkpoint_path = self.path / "checkpoint.safetensors"

    @classmethod
    def create(cls, path: str | Path, config: dict[str, Any]) -> RunFolder:
        """Make a new run folder holding `config`; an existing one is never overwritten.

        Raises
        ------
        RunFolderError
            Something that is not an empty folder stands at `path`.
        """
        run = cls(path)
        if run.path.exists() and (not run.path.is_dir() or any(run.path.iterdir())):
            raise RunFolderError(
                f"{run.path} already exists and is not empty. Go on with it by --resume, or "
                "choose another --out."
            )
        run.path.mkdir(parents=True, exist_ok=True)
        atomic_write(run.config_path, (json.dumps(config, indent=2) + "\n").encode())
        return run

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Return an existing run folder.

        Raises
        ------
        RunFolderError
            There is no run at `path`.
        """
        run = cls(path)
        if not run.config_path.is_file():
            raise RunFolderError(f"{run.path} is not a run folder: it holds no config.json.")
        return run

    def read_config(self) -> dict[str, Any]:
        """Return config.json.

        Raises
        ------
        FileFormatError
            It is not a JSON object.
        """
        try:
            config = json.loads(self.config_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FileFormatError(f"{self.config_path} is not readable JSON: {error}") from None
        if not isinstance(config, dict):
            raise FileFormatError(f"{self.config_path} must hold a JSON object.")
        return config

    def update_config(self, config: dict[str, Any]) -> None:
        """Replace config.json, atomically."""
        atomic_write(self.config_path, (json.dumps(config, indent=2) + "\n").encode())

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the objects of metrics.jsonl, one an epoch, up to a torn or foreign line."""
        if not self.metrics_path.is_file():
            return []
        records = []
        for line in self.metrics_path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                break
            if not isinstance(record, dict) or not isinstance(record.get("epoch"), int):
                break
            records.append(record)
        return records

    def append_metrics(self, record: EpochRecord) -> None:
        """Add one line to metrics.jsonl."""
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record.to_dict(), allow_nan=False) + "\n")

    def keep_metrics(self, epochs: int) -> None:
        """Drop the lines of later epochs than `epochs`, which a crash may have left."""
        kept = [record for record in self.read_metrics() if record["epoch"] <= epochs]
        text = "".join(json.dumps(record) + "\n" for record in kept)
        atomic_write(self.metrics_path, text.encode())

    def load_model(self) -> Model:
        """Return the saved model."""
        return load_model(self.model_path)

    def load_state(self, spec: VAESpec, config: TrainingConfig) -> TrainingState:
        """Return the saved training state.

        Raises
        ------
        CheckpointError
            There is none, or it belongs to another model or training.
        """
        if not self.checkpoint_path.is_file():
            raise CheckpointError(
                f"{self.path} holds no checkpoint to resume from: its run ended before the first "
                "epoch was saved. Remove the folder and start again."
            )
        return TrainingState.load(self.checkpoint_path, spec, config)


class Recorder(Callback):
    """Writes metrics, checkpoint and model of a run as it goes."""

    def __init__(
        self, run: RunFolder, spec: VAESpec, config: TrainingConfig, scaling: Scaling
    ) -> None:
        self.run, self.spec, self.config, self.scaling = run, spec, config, scaling

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """Add the metrics line, then replace model and checkpoint.

        In this order a crash in between leaves work that resuming does again, bit for bit, and
        never a line or a model that is missing.
        """
        self.run.append_metrics(record)
        self._save(state)

    def on_checkpoint(self, state: TrainingState) -> None:
        """Save the position within the epoch."""
        state.save(self.run.checkpoint_path, self.spec, self.config)

    def on_interrupt(self, state: TrainingState) -> None:
        """Save the position within the epoch."""
        self._save(state)

    def on_end(self, state: TrainingState) -> None:
        """Write the model also where nothing was left to train: it may have been removed."""
        self._save_model(state)

    def _save(self, state: TrainingState) -> None:
        self._save_model(state)
        state.save(self.run.checkpoint_path, self.spec, self.config)

    def _save_model(self, state: TrainingState) -> None:
        save_model(self.run.model_path, Model(self.spec, state.final_params, self.scaling))
