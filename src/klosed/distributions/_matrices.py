"""Scatter matrices as they were given: covariance, precision or triangular factor.

Imports nothing from klosed above special.
"""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, kind, namespace
from klosed.distributions._parameters import Parameter
from klosed.distributions.supports import POSITIVE_DEFINITE, Matrices, Support

__all__ = ["Scatter", "ScatterValue", "eye_like", "outer", "solve_lower", "solve_upper"]


class Scatter(Parameter):
    """A covariance matrix Σ = LLᵀ, given as itself, its inverse, or its lower factor L.

    Formulas see a `ScatterValue` and state their gradient as `scatter`: the symmetric A for
    which the change is tr(A L⁻¹ dΣ L⁻ᵀ). Through a symmetric matrix the gradient is the symmetric
    G with the change Σ Gᵢⱼ dΣᵢⱼ; through `scale_tril` its upper triangle is zero.
    """

    names = ("covariance_matrix", "precision_matrix", "scale_tril")
    key = "scatter"
    event_ndim = 2

    def domain(self, name: str) -> tuple[Support, str]:
        advice = "Use scale_tril for a factor that is positive definite by construction."
        return (Matrices(factor=True), "") if name == "scale_tril" else (POSITIVE_DEFINITE, advice)

    def bind(self, name: str, array: Array) -> ScatterValue:
        return ScatterValue(name, array)

    def read(self, name: str, bound: ScatterValue) -> Array:
        if name == bound.name:
            return bound.given
        if name == "scale_tril":
            return bound.factor
        transpose = namespace(bound.given).matrix_transpose
        if name == "covariance_matrix":
            return bound.factor @ transpose(bound.factor)
        whitened = bound.whiten(eye_like(bound.given))
        return transpose(whitened) @ whitened

    def chain(self, name: str, array: Array, gradient: Array) -> Array:
        bound = self.bind(name, array)
        xp = namespace(array)
        if name == "scale_tril":
            return xp.tril(2.0 * bound.unwhiten(gradient))
        if name == "covariance_matrix":
            half = xp.matrix_transpose(bound.unwhiten(gradient))
            return symmetric(bound.unwhiten(half))
        half = xp.matrix_transpose(bound.colour(gradient))
        return -symmetric(bound.colour(half))


class ScatterValue:
    """A covariance matrix Σ = LLᵀ by a triangular root: L, or for a precision K = L⁻¹."""

    def __init__(self, name: str, given: Array) -> None:
        self.name, self.given = name, given
        self.inverted = name == "precision_matrix"
        self._root = given if name == "scale_tril" else None

    @property
    def root(self) -> Array:
        """Return L, or K = L⁻¹ for a precision; worked out on first use, after the checks."""
        if self._root is None:
            cholesky = namespace(self.given).linalg.cholesky
            self._root = _reverse_cholesky(self.given) if self.inverted else cholesky(self.given)
        return self._root

    @property
    def factor(self) -> Array:
        """Return L."""
        return solve_lower(self.root, eye_like(self.root)) if self.inverted else self.root

    @property
    def log_diagonal(self) -> Array:
        """Return log Lᵢᵢ, whose sum is half the log determinant."""
        xp = namespace(self.root)
        log = xp.log(xp.linalg.diagonal(self.root))
        return -log if self.inverted else log

    def whiten(self, x: Array) -> Array:
        """Return L⁻¹ x for columns x."""
        return self.root @ x if self.inverted else solve_lower(self.root, x)

    def unwhiten(self, x: Array) -> Array:
        """Return L⁻ᵀ x for columns x."""
        transposed = namespace(x).matrix_transpose(self.root)
        return transposed @ x if self.inverted else solve_upper(transposed, x)

    def colour(self, x: Array) -> Array:
        """Return L x for columns x."""
        return solve_lower(self.root, x) if self.inverted else self.root @ x


def outer(x: Array) -> Array:
    """Return x xᵀ for vectors along the last axis."""
    return x[..., :, None] * x[..., None, :]


def symmetric(x: Array) -> Array:
    """Return (x + xᵀ) / 2."""
    return 0.5 * (x + namespace(x).matrix_transpose(x))


def eye_like(x: Array) -> Array:
    """Return the identity matrix of the size, kind and dtype of the matrices x."""
    xp = namespace(x)
    if kind(x) == "JAX":  # a tracer has no device to name
        return xp.eye(x.shape[-1], dtype=x.dtype)
    return xp.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def solve_lower(lower: Array, b: Array) -> Array:
    """Return the solution of lower @ x = b; batches broadcast."""
    match kind(b):
        case "PyTorch":
            import torch

            return torch.linalg.solve_triangular(lower, b, upper=False)
        case "JAX":
            from jax.lax.linalg import triangular_solve

            batch = np.broadcast_shapes(lower.shape[:-2], b.shape[:-2])
            xp = namespace(b)
            lower = xp.broadcast_to(lower, (*batch, *lower.shape[-2:]))
            b = xp.broadcast_to(b, (*batch, *b.shape[-2:]))
            return triangular_solve(lower, b, left_side=True, lower=True)
        case "NumPy" if lower.ndim == b.ndim == 2:
            from scipy.linalg import solve_triangular  # which takes long to load

            return solve_triangular(lower, b, lower=True, check_finite=False)
        case _:
            return _substitute(lower, b)


def solve_upper(upper: Array, b: Array) -> Array:
    """Return the solution of upper @ x = b; batches broadcast."""
    xp = namespace(b)
    return xp.flip(solve_lower(xp.flip(upper, axis=(-2, -1)), xp.flip(b, axis=-2)), axis=-2)


def _substitute(lower: Array, b: Array) -> Array:
    xp = namespace(b)
    rows = [b[..., :1, :] / lower[..., :1, :1]]
    for i in range(1, lower.shape[-1]):
        known = lower[..., i : i + 1, :i] @ xp.concat(rows, axis=-2)
        rows.append((b[..., i : i + 1, :] - known) / lower[..., i : i + 1, i : i + 1])
        # the first row may lack axes of the batch
        rows[0] = xp.broadcast_to(rows[0], rows[-1].shape)
    return xp.concat(rows, axis=-2)


def _reverse_cholesky(precision: Array) -> Array:
    """Return the lower K with KᵀK = precision, so that K⁻¹ is the factor of the covariance."""
    xp = namespace(precision)
    reversed_factor = xp.linalg.cholesky(xp.flip(precision, axis=(-2, -1)))
    return xp.matrix_transpose(xp.flip(reversed_factor, axis=(-2, -1)))
