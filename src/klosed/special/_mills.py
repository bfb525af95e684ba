"""Mills' ratio of the normal distribution, by Gauss and Legendre's rule. Imports floor 0 only."""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, like, namespace

__all__ = ["FALL", "RULE", "mills", "mills_drop"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
RULE = ((0.5 + 0.5 * _NODES).tolist(), (0.5 * _WEIGHTS).tolist())
FALL = 38.0  # exp(−38) is beyond the last digit


def mills(x: Array) -> tuple[Array, Array]:
    """Return R(x) = ∫₀^∞ exp(−xs − s²/2) ds at x >= 0, and 1 − x R(x)."""
    s, fall = _fall(x)
    return namespace(x).sum(fall, axis=-1), namespace(x).sum(s * fall, axis=-1)


def mills_drop(x: Array, y: Array, gap: Array) -> tuple[Array, Array, Array]:
    """Return R(x), R(y) and R(x) − R(y), where y = x + gap."""
    xp = namespace(x)
    s, fall = _fall(x)
    near, far = xp.sum(fall, axis=-1), mills(y)[0]
    drop = xp.sum(-fall * xp.expm1(-gap[..., None] * s), axis=-1)
    return near, far, xp.where(gap * _end(x) <= FALL, drop, near - far)


def _end(x: Array) -> Array:
    """Return where exp(−xs − s²/2) has fallen by exp(−38)."""
    return 2.0 * FALL / (x + namespace(x).sqrt(x * x + 2.0 * FALL))


def _fall(x: Array) -> tuple[Array, Array]:
    """Return nodes s, and exp(−xs − s²/2) there times their weights."""
    nodes, weights = (like(values, x) for values in RULE)
    end = _end(x)[..., None]
    s = nodes * end
    return s, (weights * end) * namespace(x).exp(-s * (x[..., None] + 0.5 * s))
