"""Derivatives by differences, along directions that keep a parameter in its domain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from klosed.distributions.multinomial import CountVectors
from klosed.distributions.supports import Integers, Matrices, Simplex, Sphere, Support

__all__ = ["direction", "kept_on", "kept_total", "slope"]

_STEP = 3e-4


def direction(name: str, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random direction: symmetric for symmetric matrices, lower for factors."""
    d = rng.standard_normal(np.shape(value))
    if name.startswith(("covariance_matrix", "precision_matrix")):
        return d + np.swapaxes(d, -1, -2)
    if name.startswith("scale_tril"):
        return np.tril(d)
    if name == "total_count":  # an integer, or a number that q and p must share
        return np.zeros_like(d)
    if name == "probs" and np.ndim(value) > 1:
        return d - d.mean(axis=-1, keepdims=True)
    return d


def kept_on(support: Support, x: Any) -> Any:
    """Let differences move the entries of x one by one: return what of it lies in the support."""
    if isinstance(support, Sphere):
        return x / ((x * x).sum(-1) ** 0.5)[..., None]
    if isinstance(support, Simplex):
        return x / x.sum(-1)[..., None]
    if isinstance(support, (Integers, CountVectors)):
        return x.round()
    return (x + x.mT) / 2 if isinstance(support, Matrices) else x


def kept_total(array: Any) -> Any:
    """Let differences move a total count: return the multiple of 1/64 that was given."""
    return (64.0 * array).round() / 64.0


def slope(f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return the directional derivative of f by five points; error of order step⁴."""
    at = np.asarray(at, dtype=float)
    one = f(at + _STEP * along) - f(at - _STEP * along)
    two = f(at + 2 * _STEP * along) - f(at - 2 * _STEP * along)
    return (8 * one - two) / (12 * _STEP)
