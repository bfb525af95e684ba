"""A stack of dense layers with one activation: h₀ = x, hₖ = f(hₖ₋₁ Wₖᵀ + bₖ)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

from numpy.typing import NDArray

from klosed.networks.activations import Activation
from klosed.networks.dense import dense, dense_grad_input, dense_grad_params

__all__ = ["mlp", "mlp_backward"]

Array = NDArray[Any]
Tape = list[tuple[Array, Array, Array]]


def mlp(
    params: Mapping[str, Array], prefix: str, depth: int, activation: Activation, x: Array
) -> tuple[Array, Tape]:
    """Return the last hidden layer and the tape (input, pre-activation, output) of each layer.

    Layer k reads ``params[f"{prefix}.{k}.weight"]`` and ``params[f"{prefix}.{k}.bias"]``.
    """
    tape: Tape = []
    h = x
    for k in range(depth):
        pre = dense(h, params[f"{prefix}.{k}.weight"], params[f"{prefix}.{k}.bias"])
        post = activation.forward(pre)
        tape.append((h, pre, post))
        h = post
    return h, tape


@overload
def mlp_backward(
    params: Mapping[str, Array],
    prefix: str,
    activation: Activation,
    tape: Tape,
    grad_h: Array,
) -> tuple[Array, dict[str, Array]]: ...
@overload
def mlp_backward(
    params: Mapping[str, Array],
    prefix: str,
    activation: Activation,
    tape: Tape,
    grad_h: Array,
    *,
    need_grad_x: Literal[False],
) -> tuple[None, dict[str, Array]]: ...
def mlp_backward(
    params: Mapping[str, Array],
    prefix: str,
    activation: Activation,
    tape: Tape,
    grad_h: Array,
    *,
    need_grad_x: bool = True,
) -> tuple[Array | None, dict[str, Array]]:
    """Return ∂λ/∂x (None where it is not needed) and {name: ∂λ/∂parameter}.

    ``grad_h`` is ∂λ/∂h of the last hidden layer.
    """
    grads: dict[str, Array] = {}
    grad = grad_h
    for k in reversed(range(len(tape))):
        h, pre, post = tape[k]
        grad_pre = activation.backward(grad, pre, post)
        grads[f"{prefix}.{k}.weight"], grads[f"{prefix}.{k}.bias"] = dense_grad_params(grad_pre, h)
        if need_grad_x or k > 0:
            grad = dense_grad_input(grad_pre, params[f"{prefix}.{k}.weight"])
    return (grad if need_grad_x else None), grads
