"""Training into a run folder: resuming, and stopping on a signal without losing anything."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from klosed.engines import Engine
from klosed.errors import CheckpointError
from klosed.training.config import TrainingConfig
from klosed.training.data import TrainingData
from klosed.training.loop import Callback, fit
from klosed.training.run_folder import Recorder, RunFolder
from klosed.training.state import TrainingState

__all__ = ["stop_on_signal", "train"]


def train(
    engine: Engine,
    config: TrainingConfig,
    data: TrainingData,
    run: RunFolder,
    *,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    writes: bool = True,
    checkpoint_every: int | None = None,
) -> TrainingState:
    """Train into `run`; with `resume`, go on where its checkpoint stands, bit for bit.

    Of processes that train together one writes; the others only read the checkpoint.

    Ctrl-C or SIGTERM ends the current step, saves a checkpoint and raises TrainingInterrupted;
    a second one ends at once. Other errors are those of `fit`.
    """
    state = None
    if resume:
        state = run.load_state(engine.spec, config)
        if writes:
            run.keep_metrics(state.epoch)
        if not state.is_finite():
            raise CheckpointError(f"cannot resume from {run.checkpoint_path}: it is not finite.")
    recorders = [Recorder(run, engine.spec, config, data.scaling)] if writes else []
    with stop_on_signal() as should_stop:
        return fit(
            engine,
            config,
            data,
            state,
            callbacks=[*recorders, *callbacks],
            should_stop=should_stop,
            checkpoint_every=checkpoint_every,
        )


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into a question that answers True; the second acts.

    Signal handlers belong to the main thread; elsewhere the answer is always False.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[int] = []
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for each, handler in previous.items():
            signal.signal(each, handler)

    for number in previous:
        signal.signal(number, note)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
