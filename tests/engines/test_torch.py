"""Training by the torch engine against training by the reference engine, step for step."""

import dataclasses

import numpy as np
import pytest
import torch

import klosed
from klosed import VAESpec
from klosed.engines.torch import TorchEngine
from klosed.engines.torch.graph import Captured
from klosed.engines.torch.rules import TorchRule
from klosed.errors import NonFiniteLossError, TrainingInterrupted
from klosed.models import Scaling
from klosed.torch import VAEModule
from klosed.training import OPTIMIZERS, Adam, Callback, TrainingConfig, TrainingData, fit
from klosed.training.state import TrainingState

SPEC = VAESpec(12, 3, (9,), activation="tanh", likelihood="gaussian")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (230, 12), np.uint8)
    return TrainingData(x[:200], x[200:], Scaling.bytes())


class Log(Callback):
    def __init__(self):
        self.losses = []

    def on_epoch(self, record, state):
        self.losses.append((record.step, record.train_loss, record.train_kl, record.test_loss))

    def on_interrupt(self, state):
        self.state = state


def train(name, config, data, dtype=np.float64, state=None, **options):
    engine = klosed.engine(name, SPEC, **({"device": "cpu"} if name == "torch" else {}))
    if state is None:
        params = engine.init(config.seed, dtype)
        state = TrainingState(params, config.make_optimizer().init(params))
    log = Log()
    try:
        fit(engine, config, data, state, callbacks=[log], **options)
    except TrainingInterrupted:
        state = log.state
    return state, log.losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_trains_as_the_reference_engine_does(data, optimizer):
    # 200 rows in batches of 16: the last one is short; 78 steps pass the clearing of denormals
    config = TrainingConfig(epochs=6, batch_size=16, optimizer=optimizer, beta=0.7)
    expected, expected_losses = train("reference", config, data)
    got, losses = train("torch", config, data)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-11)
    for mine, truth in ((got.params, expected.params), (got.moments, expected.moments)):
        for name in truth:
            np.testing.assert_allclose(mine[name], truth[name], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(data, optimizer):
    config = TrainingConfig(epochs=3, batch_size=16, optimizer=optimizer)
    expected, _ = train("torch", config, data, np.float32)
    asked = iter(range(100))
    state, _ = train("torch", config, data, np.float32, should_stop=lambda: next(asked) == 17)
    assert state.step == 18
    copied = dataclasses.replace(
        state,
        params={k: a.copy() for k, a in state.params.items()},
        moments={k: a.copy() for k, a in state.moments.items()},
    )
    got, _ = train("torch", config, data, state=copied)
    for name in expected.params:
        assert np.array_equal(got.params[name], expected.params[name])
    for name in expected.moments:
        assert np.array_equal(got.moments[name], expected.moments[name])


def test_what_is_not_finite_stays_out_of_the_parameters():
    spec = dataclasses.replace(SPEC, variance=1.0)
    engine = klosed.engine("torch", spec, device="cpu")
    x = np.zeros((32, 12), np.float32)
    x[:, 0] = 3e30
    with pytest.raises(NonFiniteLossError, match=r"every layer is finite|overflowed"):
        fit(engine, TrainingConfig(epochs=1, batch_size=16), TrainingData(x))


def test_captured_steps_equal_eager_ones_and_warming_up_leaves_no_trace():
    torch.manual_seed(0)
    xs, noises = torch.rand(5, 8, 12), torch.randn(5, 8, 3)

    def training():
        module = VAEModule(SPEC)
        params = dict(module.named_parameters())
        moments = {f"{s}.{k}": torch.zeros_like(p) for s in "mv" for k, p in params.items()}
        rule = TorchRule(Adam(0.01), params, moments, 0)

        def step(x, noise):
            rule.zero_grad()
            terms = module(x, noise)
            terms.loss().backward()
            rule.step()
            return torch.stack([t.detach().sum() for t in terms])

        return module, rule, step

    module, _, step = training()
    expected = [step(x, noise) for x, noise in zip(xs, noises, strict=True)]
    replayed, rule, step = training()
    calls = []

    def capture(function):  # as CUDA does: what is recorded also has to have run before
        function()
        calls.append(function)
        return function

    captured = Captured(step, xs[0], noises[0], rule.touched(), capture)
    got = [captured(x, noise) for x, noise in zip(xs, noises, strict=True)]
    assert len(calls) == 1
    assert torch.equal(torch.stack(got), torch.stack(expected))
    for name, tensor in module.state_dict().items():
        assert torch.equal(replayed.state_dict()[name], tensor), name


def test_the_path_of_accelerators_takes_the_same_steps(data, monkeypatch):
    # As on a CUDA device: rows resident, many steps a call, one captured, the short last batch
    # not. Only the capture itself is a stand-in.
    captures = []

    def capture(function):
        captures.append(function)
        function()
        return function

    class Engine(TorchEngine):
        def stepper(self, task):
            stepper = super().stepper(task)
            stepper.steps_at_once, stepper._on_cpu, stepper._captures = 5, False, True
            stepper._rows._resident = torch.from_numpy(task.x)
            return stepper

    monkeypatch.setattr("klosed.engines.torch.stepper.cuda_capture", capture)
    config = TrainingConfig(epochs=2, batch_size=16)
    states = [fit(e(SPEC, device="cpu"), config, data) for e in (TorchEngine, Engine)]
    assert len(captures) == 1
    expected, got = states
    assert got.step == 26
    for name in expected.params:
        np.testing.assert_allclose(got.params[name], expected.params[name], rtol=1e-4, atol=1e-6)


# torch 2.13 instantiates a deprecated class while it traces
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_step_compiles_to_one_graph():
    module = VAEModule(SPEC)
    x, noise = torch.rand(8, 12), torch.randn(8, 3)
    # whatever would wait for the device, or hand control back to Python, breaks the graph
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    compiled(x, noise).loss(0.7).backward()
    grads = {name: p.grad.clone() for name, p in module.named_parameters()}
    module.zero_grad()
    module(x, noise).loss(0.7).backward()
    for name, p in module.named_parameters():
        torch.testing.assert_close(grads[name], p.grad)
