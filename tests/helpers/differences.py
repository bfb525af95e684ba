"""Derivatives by differences, along directions that keep a parameter in its domain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["direction", "slope"]

_STEP = 3e-4


def direction(name: str, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random direction: symmetric for symmetric matrices, lower for factors."""
    d = rng.standard_normal(np.shape(value))
    if name in ("covariance_matrix", "precision_matrix"):
        return d + np.swapaxes(d, -1, -2)
    if name == "scale_tril":
        return np.tril(d)
    if name == "probs" and np.ndim(value) > 1:
        return d - d.mean(axis=-1, keepdims=True)
    return d


def slope(f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the directional derivative of f by five points; error of order step⁴."""
    at = np.asarray(at, dtype=float)
    one = f(at + _STEP * along) - f(at - _STEP * along)
    two = f(at + 2 * _STEP * along) - f(at - 2 * _STEP * along)
    return (8 * one - two) / (12 * _STEP)
