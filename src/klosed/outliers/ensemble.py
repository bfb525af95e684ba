"""Training: one VAE a fold, all stopped where the held-out rows are most probable."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines import Engine
from klosed.errors import NonFiniteLossError
from klosed.models import Parameters, Scaling
from klosed.random import Purpose, permutation
from klosed.training import TrainingConfig, TrainingData, TrainingState, fit, mean_loss

__all__ = ["Fold", "folds_of", "train_members"]

Array = NDArray[Any]

# Steps between two looks at the held-out rows, and looks without improvement that end training.
_STEPS_A_LOOK = 50
_PATIENCE = 10
# More rows than these teach a member nothing in the steps that it takes, and judge no better.
_MOST_TRAINING_ROWS = 20_000
_MOST_HELD_OUT_ROWS = 1_000
_LOG_VARIANCE_AT_START = -3.0


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers that one member learns from, and those that it is judged by."""

    train: Array
    held_out: Array


def folds_of(n_rows: int, n_members: int, most_rows: int, seed: int) -> list[Fold]:
    """Return a fold for each member, which learns from `most_rows` at most.

    Every row is held out once, unless it is the only one.
    """
    most_rows = min(most_rows, _MOST_TRAINING_ROWS)
    if n_rows == 1:
        return [Fold(np.zeros(1, int), np.zeros(0, int))]
    n_members = min(n_members, n_rows)
    order = permutation(seed, Purpose.SPLIT, 0, n_rows)
    if n_members == 1:
        cut = max(1, n_rows // 5)
        return [Fold(order[cut:][:most_rows], order[:cut])]
    parts = [order[k::n_members] for k in range(n_members)]
    return [
        Fold(np.concatenate(parts[:k] + parts[k + 1 :])[:most_rows], part)
        for k, part in enumerate(parts)
    ]


def train_members(
    engine: Engine, config: TrainingConfig, x: Array, folds: list[Fold], max_steps: int
) -> tuple[list[Parameters], list[tuple[int, float]]]:
    """Train a VAE a fold; return their parameters and (steps, mean held-out loss) at each look.

    The members take their steps side by side, at most `max_steps` each. What they are stopped by
    is the mean loss of all held-out rows together: on 30 rows, 30 judge the length of training
    instead of 3. An epoch must not take more steps than `max_steps`.
    """
    batch_size = min([config.batch_size, *(len(fold.train) for fold in folds)])
    configs = [
        dataclasses.replace(config, seed=config.seed + k, batch_size=batch_size)
        for k in range(len(folds))
    ]
    steps_an_epoch = math.ceil(max(len(fold.train) for fold in folds) / batch_size)
    epochs_a_look = max(1, min(round(_STEPS_A_LOOK / steps_an_epoch), max_steps // steps_an_epoch))
    data = [TrainingData(x[fold.train], allow_missing=True) for fold in folds]
    held_out = [x[fold.held_out[:_MOST_HELD_OUT_ROWS]] for fold in folds]
    states = [_start(engine, each) for each in configs]
    looks: list[tuple[int, float]] = []
    best: list[Parameters] = []
    best_look = 0
    for look in range(1, max_steps // (epochs_a_look * steps_an_epoch) + 1):
        epochs = look * epochs_a_look
        try:
            trained = [
                fit(engine, dataclasses.replace(each, epochs=epochs), rows, state)
                for each, rows, state in zip(configs, data, states, strict=True)
            ]
        except NonFiniteLossError:
            if not best:
                raise
            break
        states = trained
        loss = _held_out_loss(engine, configs, states, held_out)
        looks.append((epochs * steps_an_epoch, loss))
        if not best or loss < looks[best_look - 1][1]:
            best_look = len(looks)
            best = [{k: v.copy() for k, v in state.params.items()} for state in states]
        if look - best_look > _PATIENCE:
            break
    return [
        {name: array.astype(np.float64) for name, array in params.items()} for params in best
    ], looks


def _start(engine: Engine, config: TrainingConfig) -> TrainingState:
    """Return fresh parameters of a decoder that is sure of itself.

    A decoder that starts unsure can explain every column by a wide normal distribution alone and
    leave the latent space unused for good: posterior collapse.
    """
    params = engine.init(config.seed)
    params["decoder.loc_and_log_variance.bias"][engine.spec.n_features :] += _LOG_VARIANCE_AT_START
    return TrainingState(params=params, moments=config.make_optimizer().init(params))


def _held_out_loss(
    engine: Engine,
    configs: list[TrainingConfig],
    states: list[TrainingState],
    held_out: list[Array],
) -> float:
    """Return the mean loss of all held-out rows, each under the member that has not seen it."""
    total, n = 0.0, 0
    for config, state, rows in zip(configs, states, held_out, strict=True):
        if len(rows):
            total += len(rows) * mean_loss(
                engine, state.params, rows, Scaling.none(), seed=config.seed
            )
            n += len(rows)
    return total / n if n else math.nan
