"""The training loop: data → batches → loss and gradient → step, epoch after epoch.

It touches no file and prints nothing; callbacks do. What happens at a step depends on the
position alone, so a loop entered in the middle goes on as if it had never stopped.
"""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.datasets import StreamedRows
from klosed.engines import Engine, Loss
from klosed.engines.base import Batches, Stepper, Task
from klosed.errors import (
    KlosedWarning,
    NonFiniteLossError,
    ParameterError,
    TrainingInterrupted,
)
from klosed.models import Parameters, Scaling
from klosed.random import Purpose, standard_normal
from klosed.training.config import TrainingConfig
from klosed.training.data import TrainingData, check_data, check_rows, order_of_epoch, split
from klosed.training.state import TrainingState
from klosed.training.stepping import stepper_for

__all__ = ["Callback", "EpochRecord", "Progress", "fit", "mean_loss"]

Array = NDArray[Any]
_EVALUATION_ROWS = 1024


@dataclass(frozen=True)
class Progress:
    """Where the loop is, with the running means of the current epoch, in nats per example."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    reconstruction: float
    kl: float


@dataclass(frozen=True)
class EpochRecord:
    """One line of metrics.jsonl; losses in nats per example, seconds of training this epoch."""

    epoch: int
    step: int
    train_loss: float
    train_reconstruction: float
    train_kl: float
    test_loss: float | None
    test_reconstruction: float | None
    test_kl: float | None
    validation_loss: float | None
    beta: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return dataclasses.asdict(self)


class Callback:
    """What may happen around training; override what you need."""

    def on_start(self, state: TrainingState, progress: Progress) -> None:
        """Before the first step, also of a resumed run."""

    def on_step(self, progress: Progress) -> None:
        """After every step."""

    def on_epoch(self, record: EpochRecord, state: TrainingState) -> None:
        """After every epoch."""

    def on_checkpoint(self, state: TrainingState) -> None:
        """Within an epoch, every so many steps as `fit` was asked."""

    def on_interrupt(self, state: TrainingState) -> None:
        """After the step at which training was asked to stop."""

    def on_end(self, state: TrainingState) -> None:
        """After the last epoch."""


def mean_loss(
    engine: Engine,
    params: Parameters,
    x: Array | StreamedRows,
    scaling: Scaling,
    *,
    seed: int,
    beta: float = 1.0,
) -> Loss:
    """Return the mean loss over all rows in nats per example, with one noise sample a row.

    The noise is a function of the seed and the row, so that epochs are compared on equal terms.
    """
    dtype = params["encoder.loc.weight"].dtype
    reconstruction = kl = 0.0
    for chunk, start in enumerate(range(0, len(x), _EVALUATION_ROWS)):
        rows = scaling.apply(x[start : start + _EVALUATION_ROWS], dtype)
        shape = (len(rows), engine.spec.n_components)
        noise = standard_normal(seed, Purpose.EVALUATION_NOISE, chunk, shape, dtype)
        loss = engine.loss(params, rows, noise, beta=beta)
        reconstruction += loss.reconstruction * len(rows)
        kl += loss.kl * len(rows)
    return Loss(reconstruction / len(x), kl / len(x), beta)


def fit(
    engine: Engine,
    config: TrainingConfig,
    data: TrainingData,
    state: TrainingState | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
    checkpoint_every: int | None = None,
) -> TrainingState:
    """Train until `config.epochs` epochs are done, or early stopping ends the run.

    Parameters
    ----------
    engine, config, data
        What to train, how, and on what.
    state : TrainingState, optional
        Where to go on; updated in place. A fresh one by default.
    callbacks : sequence of Callback
    should_stop : callable
        Asked after every step, or every few where the engine takes several at once; when true,
        training stops there.
    checkpoint_every : int, optional
        Call `on_checkpoint` whenever so many steps more are taken, for epochs that take long.

    Raises
    ------
    DataError
        Data of the wrong shape, not finite, outside the likelihood's support, or fewer rows
        than one batch; before anything is trained.
    NonFiniteLossError
        The loss or a parameter became NaN or infinite: names epoch, step and likely cause.
    TrainingInterrupted
        `should_stop` said so; `on_interrupt` has run.
    """
    check_data(engine.spec, data)
    check_rows(config, len(data.train))
    if config.early_stopping and isinstance(data.train, StreamedRows):
        raise ParameterError("early_stopping must be False for streamed data; got True.")
    train_rows, validation_rows = split(config, len(data.train))
    optimizer = config.make_optimizer()
    if state is None:
        params = engine.init(config.seed)
        state = TrainingState(params=params, moments=optimizer.init(params))
    state.check(engine.spec, config)
    dtype = state.params["encoder.loc.weight"].dtype
    n_batches = math.ceil(len(train_rows) / config.batch_size)
    stepper = stepper_for(
        engine,
        Task(
            params=state.params,
            moments=state.moments,
            optimizer=optimizer,
            x=data.train,
            scaling=data.scaling,
            batch_size=config.batch_size,
            beta=config.beta,
            step=state.step,
        ),
    )
    for callback in callbacks:
        callback.on_start(state, _progress(config, state, n_batches))
    # a small model takes longer to tell of a step than to take it: only those who listen are told
    told = [
        each
        for each in callbacks
        if getattr(each.on_step, "__func__", None) is not Callback.on_step
    ]
    # A diverging run is reported by its loss, not by a stream of floating-point warnings.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        while state.epoch < config.epochs and not state.stopped_early:
            order = order_of_epoch(config, data.train, train_rows, state.epoch, stepper.permutation)
            while state.batch < n_batches:
                rows = order(state.batch, min(state.batch + stepper.steps_at_once, n_batches))
                started, first = time.perf_counter(), state.step
                batches = Batches(
                    rows, config.batch_size, config.seed, first, engine.spec.n_components, dtype
                )
                losses = stepper.steps(batches)
                seconds = (time.perf_counter() - started) / len(losses)
                is_finite = np.isfinite(losses[:, 0] + config.beta * losses[:, 1])
                done = len(losses) if is_finite.all() else int(np.argmin(is_finite))
                sizes, means = batches.sizes(), losses.tolist()
                for at in range(0, done, 1 if told else len(losses)):
                    some = slice(at, at + 1 if told else done)
                    _count_steps(state, means[some], sizes[some], seconds)
                    for callback in told:
                        callback.on_step(_progress(config, state, n_batches))
                if done < len(losses):
                    stepper.sync()
                    bad = rows[done * config.batch_size :][: config.batch_size]
                    x = data.scaling.apply(data.train[bad], dtype)
                    reconstruction, kl = means[done]
                    loss = Loss(reconstruction, kl, config.beta)
                    raise NonFiniteLossError(_why_not_finite(engine, config, state, x, loss))
                if checkpoint_every and state.step // checkpoint_every > first // checkpoint_every:
                    stepper.sync()
                    _check_finite(config, state)
                    for callback in callbacks:
                        callback.on_checkpoint(state)
                if stepper.agreed(float(should_stop())):
                    stepper.sync()
                    _interrupt(config, state, callbacks)
            stepper.sync()
            record = _finish_epoch(engine, config, data, validation_rows, state, stepper)
            for callback in callbacks:
                callback.on_epoch(record, state)
    for callback in callbacks:
        callback.on_end(state)
    return state


def _count_steps(
    state: TrainingState, losses: list[list[float]], sizes: list[int], seconds: float
) -> None:
    sums = state.sums
    n, reconstruction, kl = (sums.get(name, 0.0) for name in ("n", "reconstruction", "kl"))
    for (mean_reconstruction, mean_kl), size in zip(losses, sizes, strict=True):
        n += size
        reconstruction += mean_reconstruction * size
        kl += mean_kl * size
    sums.update(n=n, reconstruction=reconstruction, kl=kl)
    state.batch += len(losses)
    state.step += len(losses)
    state.seconds += seconds * len(losses)


def _means(config: TrainingConfig, state: TrainingState) -> Loss:
    n = state.sums.get("n", math.nan)
    reconstruction, kl = (state.sums.get(name, math.nan) / n for name in ("reconstruction", "kl"))
    return Loss(reconstruction, kl, config.beta)


def _progress(config: TrainingConfig, state: TrainingState, batches: int) -> Progress:
    mean = _means(config, state)
    return Progress(
        epoch=state.epoch + 1,
        epochs=config.epochs,
        batch=state.batch,
        batches=batches,
        loss=float(mean),
        reconstruction=mean.reconstruction,
        kl=mean.kl,
    )


def _interrupt(config: TrainingConfig, state: TrainingState, callbacks: Sequence[Callback]) -> None:
    _check_finite(config, state)
    for callback in callbacks:
        callback.on_interrupt(state)
    raise TrainingInterrupted(
        f"interrupted in epoch {state.epoch + 1} of {config.epochs}, after step {state.step}."
    )


def _check_finite(config: TrainingConfig, state: TrainingState) -> None:
    """Raise before what is not finite can replace the last good checkpoint."""
    if not state.is_finite():
        raise NonFiniteLossError(
            f"a parameter or the optimizer's moments became infinite or NaN by epoch "
            f"{state.epoch + 1}, step {state.step}. Lower the learning rate (now "
            f"{config.learning_rate:g}) or check the data's scale."
        )


def _finite_or_none(loss: Loss | None, part: str, epoch: int) -> Loss | None:
    """Return the loss; None, with a warning, where rows far from all others overflow it."""
    if loss is None or math.isfinite(loss):
        return loss
    warnings.warn(
        f"the {part} loss of epoch {epoch} is {float(loss)}: some rows lie too far from the "
        "training data for float32. It is left out of the metrics.",
        KlosedWarning,
        stacklevel=2,
    )
    return None


def _finish_epoch(
    engine: Engine,
    config: TrainingConfig,
    data: TrainingData,
    validation_rows: Array | None,
    state: TrainingState,
    stepper: Stepper,
) -> EpochRecord:
    _check_finite(config, state)

    def loss_on(x: Array) -> Loss:
        seed, beta = config.seed, config.beta
        return mean_loss(engine, state.params, x, data.scaling, seed=seed, beta=beta)

    epoch, train = state.epoch + 1, _means(config, state)
    test = None if data.test is None else loss_on(data.test)
    test = _finite_or_none(test, "test", epoch)
    validation = None if validation_rows is None else loss_on(data.train[validation_rows])
    validation = _finite_or_none(validation, "validation", epoch)
    record = EpochRecord(
        epoch=epoch,
        step=state.step,
        train_loss=float(train),
        train_reconstruction=train.reconstruction,
        train_kl=train.kl,
        test_loss=None if test is None else float(test),
        test_reconstruction=None if test is None else test.reconstruction,
        test_kl=None if test is None else test.kl,
        validation_loss=None if validation is None else float(validation),
        beta=config.beta,
        seconds=state.seconds,
    )
    state.epoch += 1
    state.batch, state.sums, state.seconds = 0, {}, 0.0
    if validation_rows is not None:
        # machines that train together may round differently, and must decide alike
        loss = stepper.agreed(math.inf if validation is None else float(validation))
        _note_validation(config, state, loss)
    return record


def _note_validation(config: TrainingConfig, state: TrainingState, loss: float) -> None:
    if state.best_loss is None or loss < state.best_loss:
        state.best_loss = loss
        state.best_params = {name: array.copy() for name, array in state.params.items()}
        state.epochs_without_improvement = 0
    else:
        state.epochs_without_improvement += 1
        state.stopped_early = state.epochs_without_improvement >= config.patience


def _why_not_finite(
    engine: Engine, config: TrainingConfig, state: TrainingState, x: Array, loss: Loss
) -> str:
    """Say where the loss stopped being finite and what most likely caused it."""
    where = f"the loss became {float(loss)} in epoch {state.epoch + 1}, step {state.step + 1}"
    lower = f"Lower the learning rate (now {config.learning_rate:g})."
    if not np.isfinite(x).all():
        return f"{where}: the batch holds values beyond {x.dtype}. Rescale the data."
    if not state.is_finite():
        return f"{where}: a parameter had become infinite or NaN. {lower}"
    loc, log_variance = engine.encode(state.params, x)
    largest = float(np.abs(log_variance).max())
    if math.isfinite(largest) and largest >= np.log(np.finfo(x.dtype).max):
        return f"{where}: the encoder's log-variance reached {largest:.3g}; exp overflowed. {lower}"
    if not (np.isfinite(log_variance).all() and np.isfinite(loc).all()):
        return f"{where}: the encoder's output overflowed. {lower}"
    if not np.isfinite(engine.decode(state.params, loc)).all():
        return f"{where}: the decoder's output overflowed. {lower}"
    spec = engine.spec
    fixed = "" if isinstance(spec.variance, str) else f", the variance ({spec.variance:g})"
    return (
        f"{where}, though every layer is finite: a sum overflowed. Check the data's scale (largest "
        f"value {np.abs(x).max():.3g}){fixed} and beta ({config.beta:g})."
    )
