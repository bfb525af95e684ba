"""How an estimator trains: sizes that suit the data, where training starts, what it records."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

import klosed.training as training
from klosed._waiting import if_slow
from klosed.engines import Engine, engine
from klosed.estimator.table import Table
from klosed.models import Parameters, VAESpec, likelihood_of
from klosed.training import Callback, EpochRecord, TrainingConfig, TrainingData, TrainingState

__all__ = [
    "History",
    "Verbose",
    "batch_size_for",
    "evaluation_engine",
    "patience_for",
    "prepare",
    "start",
]

Array = NDArray[Any]

# Early stopping counts in epochs; on small tables an epoch is a few steps, which prove nothing.
_PATIENCE_STEPS = 500
_PATIENCE_EPOCHS = 10


def batch_size_for(n_rows: int) -> int:
    """Return a batch size: small tables need many steps, large ones cheap epochs."""
    return int(np.clip(2 ** round(math.log2(max(n_rows, 1)) / 2 + 0.5), 16, 512))


def patience_for(n_rows: int, batch_size: int) -> int:
    """Return the number of epochs without improvement that ends training."""
    return max(_PATIENCE_EPOCHS, math.ceil(_PATIENCE_STEPS / math.ceil(n_rows / batch_size)))


def prepare(model: Engine, config: TrainingConfig, state: TrainingState) -> None:
    """Have an engine that compiles do so now, and write that it does if that takes a while."""
    if (compile_now := getattr(model, "prepare", None)) is None:
        return
    text = "[VAE] compiling for this processor; the next run starts at once\n"
    with if_slow(lambda: sys.stdout.write(text)):
        compile_now(state.params["encoder.loc.weight"].dtype, optimizer=config.optimizer)
        compile_now(np.float64, steps=False)  # a fitted model is evaluated so


def start(model: Engine, config: TrainingConfig, table: Table, x: Array) -> TrainingState:
    """Return fresh parameters with the decoder's last bias at the columns' marginal fit."""
    params = model.init(config.seed)
    outputs, log_total_counts = table.marginal_outputs(x)
    params[f"decoder.{likelihood_of(model.spec).head}.bias"] += outputs.astype(np.float32)
    begin = 0
    for i, (name, width) in enumerate(table.blocks):
        if name == "negative_binomial":
            prefix = "decoder" if len(table.blocks) == 1 else f"decoder.{i}"
            params[f"{prefix}.log_total_count"] += log_total_counts[begin : begin + width].astype(
                np.float32
            )
        begin += width
    return TrainingState(params=params, moments=config.make_optimizer().init(params))


def run(
    model: Engine,
    config: TrainingConfig,
    data: TrainingData,
    state: TrainingState,
    callbacks: list[Callback],
) -> TrainingState:
    """Train and return a state that a later call can go on from, by another optimizer too."""
    moments = config.make_optimizer().init(state.params)
    if state.moments.keys() != moments.keys():
        state.moments = moments
    state = training.fit(model, config, data, state, callbacks=callbacks)
    state.params = state.final_params
    state.best_params, state.best_loss = None, None
    state.epochs_without_improvement, state.stopped_early = 0, False
    return state


class History(Callback):
    """Keeps what each epoch reports, as lists by name."""

    def __init__(self, records: dict[str, list[Any]]) -> None:
        self.records = records
        self.stopped_improving = False

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """Append one epoch."""
        kept = record.to_dict()
        for name in ("epoch", "train_loss", "train_reconstruction", "train_kl", "validation_loss"):
            self.records.setdefault(name, []).append(kept[name])
        self.stopped_improving = state.stopped_early


class Verbose(Callback):
    """Writes a line to standard output after every tenth epoch."""

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """Write epoch and losses, in nats per row."""
        if record.epoch % 10 and not state.stopped_early:
            return
        held_out = record.validation_loss
        held_out_text = "" if held_out is None else f", held out {held_out:.4f}"
        sys.stdout.write(
            f"[VAE] epoch {record.epoch}: loss {record.train_loss:.4f}{held_out_text}\n"
        )


class _BoundedEngine:
    """An engine whose encoder reads no further than the training rows reached.

    Any q(z | x) gives valid importance weights; a row far out would only overflow exp of a
    log-variance that the encoder never learned to give there. The likelihood sees the row as
    it is.
    """

    def __init__(self, spec: VAESpec, low: Array, high: Array) -> None:
        self.spec = spec
        self._engine = engine("auto", spec)
        self._low, self._high = low, high
        self.decode = self._engine.decode
        self.scorer = getattr(self._engine, "scorer", None)

    def encode(self, params: Parameters, x: Array) -> tuple[Array, Array]:
        """Return (loc, log_variance) of q(z | x), x held between the bounds."""
        return self._engine.encode(params, np.clip(x, self._low, self._high))


def evaluation_engine(spec: VAESpec, bounds: Array) -> Any:
    """Return the engine that a fitted estimator evaluates with; `bounds` has shape (2, width)."""
    return _BoundedEngine(spec, *bounds)
