"""The dense layer y = x Wᵀ + b and its backward pass, one example a row.

Derivation by differentials, with A:B = tr(AᵀB) (the Frobenius product). Write G = ∂λ/∂y:

    dλ = G : dy = G : (dx Wᵀ + x dWᵀ + 1 dbᵀ)
       = G W : dx  +  Gᵀ x : dW  +  Gᵀ 1 : db
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

__all__ = ["dense", "dense_grad_input", "dense_grad_params"]

Array = NDArray[Any]


def dense(x: Array, weight: Array, bias: Array) -> Array:
    """Return x Wᵀ + b.

    Parameters
    ----------
    x : array of shape (batch, n_in)
    weight : array of shape (n_out, n_in), laid out as in PyTorch
    bias : array of shape (n_out,)

    Returns
    -------
    array of shape (batch, n_out)
    """
    y: Array = x @ weight.T
    y += bias
    return y


def dense_grad_input(grad_y: Array, weight: Array) -> Array:
    """Return ∂λ/∂x = G W for G = ∂λ/∂y, shape (batch, n_in).

    The first layer of a network never calls this: nothing asks for the gradient with respect to
    the data, and the product costs as much as the forward pass.
    """
    grad_x: Array = grad_y @ weight
    return grad_x


def dense_grad_params(grad_y: Array, x: Array) -> tuple[Array, Array]:
    """Return (∂λ/∂W, ∂λ/∂b) = (Gᵀ x, Gᵀ 1) for G = ∂λ/∂y."""
    return grad_y.T @ x, grad_y.sum(axis=0)
