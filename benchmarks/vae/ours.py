"""klosed, through the loop and the functions that its users call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from workloads import Workload

from klosed import VAESpec, engine
from klosed.evaluation import score_examples
from klosed.models import Scaling
from klosed.training import Callback, TrainingConfig, TrainingData, fit


def spec_of(load: Workload) -> VAESpec:
    return VAESpec(
        load.n_features,
        load.latent,
        load.hidden,
        activation=load.activation,
        likelihood=load.likelihood,
        variance="per_feature",
    )


def scaling_of(load: Workload) -> Scaling:
    return Scaling.bytes() if load.likelihood == "bernoulli" else Scaling.none()


def train(load: Workload, name: str, turn: Callable[[float | None], bool]) -> None:
    """Train an epoch for each True of `turn`, which is told the epoch's loss."""

    class Turns(Callback):
        def on_start(self, state: Any, progress: Any) -> None:
            turn(None)

        def on_epoch(self, record: Any, state: Any) -> None:
            if not turn(record.train_loss):
                raise SystemExit

    config = TrainingConfig(epochs=10**6, batch_size=load.batch_size)
    data = TrainingData(load.rows(), scaling=scaling_of(load))
    kind, _, precision = name.partition(" ")
    how = {"precision": precision} if precision else {}
    fit(engine(kind, spec_of(load), **how), config, data, callbacks=[Turns()])


def train_a_model(load: Workload, epochs: int, path: Path) -> None:
    """Save what the fused engine learns in a few epochs, by the names of parameters."""
    config = TrainingConfig(epochs=epochs, batch_size=load.batch_size)
    data = TrainingData(load.rows(), scaling=scaling_of(load))
    np.savez(path, **fit(engine("fused", spec_of(load)), config, data).params)


def inference(
    load: Workload,
    threads: int,
    pictures: NDArray[np.uint8],
    n_samples: int,
    contender: str,
    params: dict[str, NDArray[Any]],
) -> dict[str, Callable[[], Any]]:
    """Return functions that encode, decode and score pictures with `n_samples` each."""
    model = engine(contender.split()[0], spec_of(load))
    if contender.endswith("untrained"):
        params = model.init(0)
    scaling = scaling_of(load)
    x = scaling.apply(pictures)
    z = np.random.default_rng(2).standard_normal((len(x), load.latent)).astype(np.float32)

    def decode() -> object:
        output = model.decode(params, z)
        return 1 / (1 + np.exp(-output))

    def likelihood() -> float:
        scores = score_examples(
            model, params, pictures, n_samples=n_samples, scaling=scaling, n_threads=threads
        )
        return float(scores.log_likelihood.mean())

    return {
        "encode": lambda: model.encode(params, x),
        "decode": decode,
        "likelihood": likelihood,
    }
