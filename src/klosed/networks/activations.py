"""Activation functions, each beside its derivative.

``backward(grad_y, x, y)`` returns ∂λ/∂x = ∂λ/∂y ∘ f′(x): the elementwise (Hadamard) product
that the differential dy = f′(x) ∘ dx gives. x is the input and y = f(x) the output; a
derivative uses whichever makes it cheaper.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "Activation"]

Array = NDArray[Any]

LEAKY_RELU_SLOPE = 0.01  # PyTorch's default


@dataclass(frozen=True)
class Activation:
    """A function of one variable and its derivative, applied elementwise."""

    name: str
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array]
    equation: str


def _identity(x: Array) -> Array:
    return x


def _identity_backward(grad_y: Array, x: Array, y: Array) -> Array:
    return grad_y


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _relu_backward(grad_y: Array, x: Array, y: Array) -> Array:
    # Heaviside step, with the value 0 at 0 as in PyTorch.
    return grad_y * (y > 0)


def _leaky_relu(x: Array) -> Array:
    return np.maximum(x, LEAKY_RELU_SLOPE * x)


def _leaky_relu_backward(grad_y: Array, x: Array, y: Array) -> Array:
    return np.where(x > 0, grad_y, LEAKY_RELU_SLOPE * grad_y)


def _tanh(x: Array) -> Array:
    return np.tanh(x)


def _tanh_backward(grad_y: Array, x: Array, y: Array) -> Array:
    return grad_y * ((1 - y) * (1 + y))


def _sigmoid(x: Array) -> Array:
    # exp of a nonpositive number never overflows.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _sigmoid_backward(grad_y: Array, x: Array, y: Array) -> Array:
    # y (1 − y) would lose the digits of 1 − y; e / (1 + e)² keeps them.
    e = np.exp(-np.abs(x))
    return grad_y * (e / (1 + e) ** 2)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _softplus_backward(grad_y: Array, x: Array, y: Array) -> Array:
    return grad_y * _sigmoid(x)


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _elu_backward(grad_y: Array, x: Array, y: Array) -> Array:
    return grad_y * np.exp(np.minimum(x, 0))


def _gelu_cdf(x: Array) -> Array:
    from scipy.special import ndtr

    cdf: Array = ndtr(x)
    return cdf


def _gelu(x: Array) -> Array:
    return x * _gelu_cdf(x)


def _gelu_backward(grad_y: Array, x: Array, y: Array) -> Array:
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return grad_y * (_gelu_cdf(x) + x * density)


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("identity", _identity, _identity_backward, "x"),
        Activation("relu", _relu, _relu_backward, "max(x, 0)"),
        Activation("leaky_relu", _leaky_relu, _leaky_relu_backward, "max(x, 0.01 x)"),
        Activation("tanh", _tanh, _tanh_backward, "tanh x"),
        Activation("sigmoid", _sigmoid, _sigmoid_backward, "1 / (1 + exp(−x))"),
        Activation("softplus", _softplus, _softplus_backward, "log(1 + exp x)"),
        Activation("elu", _elu, _elu_backward, "x for x > 0, else exp(x) − 1"),
        Activation("gelu", _gelu, _gelu_backward, "x Φ(x)"),
    )
}
