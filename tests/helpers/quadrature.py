"""Nodes and weights that integrate over the support of a distribution in the law tests."""

from __future__ import annotations

import numpy as np

from klosed.distributions.multinomial import CountVectors
from klosed.distributions.one_hot_categorical import OneHots
from klosed.distributions.supports import (
    UNIT_INTERVAL,
    Integers,
    Interval,
    Matrices,
    Product,
    Simplex,
    Sphere,
    Support,
)

__all__ = ["nodes"]

_T = np.arange(-4.3, 4.3, 1 / 128)


def nodes(
    support: Support, batch: int, corner: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return points of shape (n, batch, *event) and weights of shape (n, batch).

    A corner of the integrand inside an interval spoils the rule: it is integrated piece by piece.
    """
    if corner is not None:
        pieces = (Interval(support.low, corner), Interval(corner, support.high))
        left, right = (nodes(piece, batch) for piece in pieces)
        return tuple(np.concatenate(both) for both in zip(left, right, strict=True))
    if isinstance(support, Integers):
        low, high = (np.broadcast_to(end, batch) for end in (support.low, support.high))
        x = low + np.arange(3000.0)[:, None]
        return np.minimum(x, high), (x <= high).astype(float)
    if isinstance(support, OneHots):
        x = np.eye(support.pi.size)[:, None]
        return np.repeat(x, batch, axis=1), np.ones((len(x), batch))
    if isinstance(support, CountVectors):
        return _counts(support.n, support.pi.size)
    if isinstance(support, Sphere):
        angle = np.linspace(0.0, 2 * np.pi, 4096, endpoint=False)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]
        return np.repeat(x, batch, axis=1), np.full((4096, batch), 2 * np.pi / 4096)
    if isinstance(support, Simplex):
        x, w = nodes(UNIT_INTERVAL, batch)
        return np.stack([x, 1.0 - x], axis=-1), w
    if isinstance(support, Matrices):
        x, w = _positive_definite()
        return np.repeat(x[:, None], batch, axis=1), np.repeat(w[:, None], batch, axis=1)
    if isinstance(support, Product):
        x, w = nodes(support.base, 1)
        every = max(1, len(x) // 300)
        x, w = x[::every, 0], w[::every, 0] * every
        event = (1,) * (support.ndim - 1) + (2,)  # a vector, or a matrix of one row
        grid = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 1, *event)
        weights = np.multiply.outer(w, w).reshape(-1, 1)
        return np.broadcast_to(grid, (len(grid), batch, *event)), np.broadcast_to(
            weights, (len(grid), batch)
        )
    if isinstance(support, Interval):
        low, high = (np.broadcast_to(end, batch) for end in (support.low, support.high))
        x, w = zip(*(_line(a, b) for a, b in zip(low, high, strict=True)), strict=True)
        return np.stack(x, axis=-1), np.stack(w, axis=-1)
    raise NotImplementedError(f"teach tests/helpers/quadrature.py about {support!r}")


def _counts(n: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every vector of counts up to the largest total; those of another total weigh 0."""
    grid = np.meshgrid(*[np.arange(n.max() + 1.0)] * size, indexing="ij")
    x = np.stack(grid, axis=-1).reshape(-1, 1, size)
    fits = x.sum(axis=-1) == n
    # where nothing fits stands another vector that does
    one = n[:, None] * np.eye(size)[0]
    return np.where(fits[..., None], x, one), fits.astype(float)


def _positive_definite() -> tuple[np.ndarray, np.ndarray]:
    """Return 2 × 2 matrices LLᵀ, with what dL is of their volume as weights."""
    (a, da), (b, db) = (
        [v[::8][np.abs(x[::8]) < 60] for v in (x, 8 * w)]
        for x, w in (_line(0.0, np.inf), _line(-np.inf, np.inf))
    )
    a, b, c = (g.ravel() for g in np.meshgrid(a, b, a, indexing="ij"))
    w = np.multiply.outer(np.multiply.outer(da, db), da).ravel() * 4 * a * a * c
    kept = np.minimum(a, c) > 1e-3
    x = np.stack([a * a, a * b, a * b, b * b + c * c], axis=-1).reshape(-1, 2, 2)
    return x[kept], w[kept]


def _line(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Double exponential rule on an interval, half-line or line (Takahasi and Mori, 1974)."""
    u = np.pi / 2 * np.sinh(_T)
    du = np.pi / 2 * np.cosh(_T) / 128
    if np.isinf(low) and np.isinf(high):
        return np.sinh(u), np.cosh(u) * du
    if np.isinf(high):
        return low + np.exp(u), np.exp(u) * du
    if np.isinf(low):
        return high - np.exp(u), np.exp(u) * du
    half = (high - low) / 2
    # distance from the nearer end, so that points do not round onto it
    edge = 2 * half / (1 + np.exp(2 * np.abs(u)))
    x = np.where(u < 0, low + edge, high - edge)
    return x, half / np.cosh(u) ** 2 * du
