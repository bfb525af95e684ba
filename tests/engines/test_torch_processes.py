"""One and four processes on loopback take the same steps on rows that they stream from disk.

Two processes with rows in memory do in tests/cli.
"""

import multiprocessing
import os
import socket

import numpy as np
import pytest

from klosed import VAESpec
from klosed.datasets import open_stream
from klosed.engines.base import Batches, Task
from klosed.models import Scaling, initialize
from klosed.training import TrainingConfig
from klosed.training.data import order_of_epoch
from klosed.training.state import TrainingState

SPEC = VAESpec(20, 4, (16,))
# 83 rows in batches of 10: parts of unlike size, and 3 rows for 4 processes at the end.
# SGD, for a gradient of the wrong size would not show in Adam's steps.
CONFIG = TrainingConfig(batch_size=10, seed=5, optimizer="sgd", learning_rate=0.01)
STEPS = 50


def take_steps(rank, size, port, path, losses):
    """Train one process of `size`; what it saw goes into the shared list."""
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(size),
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port),
    )  # fmt: skip
    import torch

    from klosed.engines.torch import TorchEngine
    from klosed.engines.torch.processes import Processes

    torch.set_num_threads(1)
    x = open_stream(path, 4096).x
    params = initialize(SPEC, 5)
    optimizer = CONFIG.make_optimizer()
    state = TrainingState(params, optimizer.init(params))
    with Processes.join("cpu", timeout=60) as processes:
        task = Task(params, state.moments, optimizer, x, Scaling.none(), 10, 0.5, 0)
        stepper = TorchEngine(SPEC, device="cpu", processes=processes).stepper(task)
        while state.step < STEPS:
            order = order_of_epoch(CONFIG, x, range(83), state.epoch, stepper.permutation)
            for number in range(9):
                rows = order(number, number + 1)
                batch = Batches(rows, 10, CONFIG.seed, state.step, 4, np.float32)
                (loss,) = stepper.steps(batch).tolist()
                losses[rank].append(tuple(loss))
                state.step += 1
            state.epoch += 1
        assert stepper.agreed(float(rank)) == size - 1
        losses[rank].append(float(sum(abs(a).sum() for a in params.values())))


def together(size, path):
    """Return the losses that `size` processes saw, which must be the same in all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "klosed.engines.torch", "klosed.training"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with context.Manager() as manager:
        losses = [manager.list() for _ in range(size)]
        workers = [
            context.Process(target=take_steps, args=(rank, size, port, path, losses))
            for rank in range(size)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(90)
        assert [worker.exitcode for worker in workers] == [0] * size
        seen = [list(each) for each in losses]
    assert all(each == seen[0] for each in seen)
    return seen[0]


def test_one_and_four_processes_take_the_same_fifty_steps(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).random((83, 20), np.float32))
    *expected, total = together(1, path)
    assert len(expected) >= STEPS
    *got, parameters = together(4, path)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert parameters == pytest.approx(total, rel=1e-5)
