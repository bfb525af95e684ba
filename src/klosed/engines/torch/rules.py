"""klosed's optimizers as PyTorch's, which keep their moments where the parameters are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from klosed.engines.base import Rule
from klosed.errors import ParameterError

__all__ = ["TorchRule"]

# Moments of weights whose gradient stays zero decay into denormal numbers, on which processors
# are slow.
_FLUSH_EVERY = 64


class TorchRule:
    """A klosed optimizer at work on PyTorch parameters.

    Parameters
    ----------
    rule : Rule
    params : mapping of name to nn.Parameter
    moments : mapping of ``slot.name`` to tensor
        Beside the parameters; updated in place.
    step : int
        Number of steps taken before.
    """

    def __init__(
        self, rule: Rule, params: Mapping[str, Any], moments: Mapping[str, Tensor], step: int
    ) -> None:
        settings: Any = rule
        device = next(iter(params.values())).device
        self._on_cpu, self._moments, self._steps = device.type == "cpu", dict(moments), step
        self._params = list(params.values())
        # PyTorch keeps v = μ v + g and steps by −α v: with α in g, −v is klosed's velocity
        self._is_sgd = rule.name == "sgd"
        self._rate = rule.learning_rate
        optimizer: Any
        if rule.name == "adam":
            optimizer = torch.optim.Adam(
                self._params,
                rule.learning_rate,
                (settings.beta1, settings.beta2),
                settings.epsilon,
                fused=device.type in ("cpu", "cuda"),
                capturable=device.type == "cuda",
            )
            slots = {"exp_avg": "m", "exp_avg_sq": "v"}
        elif rule.name == "adagrad":
            optimizer = torch.optim.Adagrad(
                self._params, rule.learning_rate, eps=settings.epsilon, foreach=True
            )
            slots = {"sum": "sum_of_squares"}
        elif rule.name == "sgd":
            optimizer = torch.optim.SGD(self._params, 1.0, settings.momentum, foreach=True)
            slots = {"momentum_buffer": "velocity"}
            self._moments = {name: -moment for name, moment in moments.items()}
        else:
            raise ParameterError(f"optimizer must be one of adam, sgd, adagrad; got {rule.name!r}.")
        where = device if rule.name == "adam" and device.type == "cuda" else "cpu"
        for name, param in params.items():
            optimizer.state[param] = {
                theirs: self._moments[f"{ours}.{name}"] for theirs, ours in slots.items()
            } | {"step": torch.tensor(float(step), device=where)}
        self._optimizer = optimizer

    def zero_grad(self) -> None:
        """Forget the gradients of the step before."""
        self._optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Update parameters and moments by the gradients; never waits for the device."""
        if self._is_sgd:
            torch._foreach_mul_([param.grad for param in self._params], self._rate)
        self._optimizer.step()
        self._steps += 1
        if self._on_cpu and self._steps % _FLUSH_EVERY == 0:
            for moment in self._moments.values():
                moment.masked_fill_(moment.abs() < torch.finfo(moment.dtype).tiny, 0.0)

    def touched(self) -> list[Tensor]:
        """Return every tensor that a step changes."""
        states = self._optimizer.state.values()
        return [*self._params, *(t for state in states for t in state.values())]

    def moments(self) -> dict[str, Tensor]:
        """Return the moments as klosed keeps them."""
        return {k: -t if self._is_sgd else t for k, t in self._moments.items()}
