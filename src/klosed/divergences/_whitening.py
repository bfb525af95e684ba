"""The factor of one scatter matrix seen from another, to the digits of what was given.

Imports only distributions and below.
"""

from __future__ import annotations

from typing import Any

from klosed._arrays import Array, namespace
from klosed.distributions._matrices import ScatterValue, eye_like, solve_upper, symmetric
from klosed.distributions._parameters import RatioOfNumbers

__all__ = ["relative_factor"]


def relative_factor(q: ScatterValue, p: ScatterValue) -> tuple[Array, RatioOfNumbers]:
    """Return E = Lp⁻¹Lq − I, lower triangular, and the ratio Lqᵢᵢ / Lpᵢᵢ.

    Factors of near-equal matrices have lost the digits of their difference; two steps of
    E ← low(M − EEᵀ), where low keeps the lower triangle and half the diagonal, bring them back
    from the whitened difference M = WWᵀ − I of the matrices themselves.
    """
    xp = namespace(q.root)
    diagonal = xp.linalg.diagonal
    transpose = xp.matrix_transpose
    if q.inverted and p.inverted:
        ratio = RatioOfNumbers(diagonal(p.root), diagonal(q.root), 1.0)
        e = _divide_right(p.root - q.root, q.root)
        half = _divide_right(p.given - q.given, q.root)
        m = symmetric(_divide_right(transpose(half), q.root))
        return _refined(e, m, lambda e: transpose(e) @ e), ratio
    if p.inverted:
        w = p.whiten(q.factor)
        return w - eye_like(w), RatioOfNumbers(diagonal(w), xp.ones_like(diagonal(w)), 1.0)
    ratio = RatioOfNumbers(diagonal(q.factor), diagonal(p.root), 1.0)
    e = p.whiten(q.factor - p.root)
    if q.name == p.name == "covariance_matrix":
        half = p.whiten(q.given - p.given)
        m = symmetric(p.whiten(transpose(half)))
        return _refined(e, m, lambda e: e @ transpose(e)), ratio
    return e, ratio


def _divide_right(x: Array, lower: Array) -> Array:
    """Return x lower⁻¹."""
    transpose = namespace(x).matrix_transpose
    return transpose(solve_upper(transpose(lower), transpose(x)))


def _refined(e: Array, m: Array, square: Any) -> Array:
    xp = namespace(e)
    near = xp.sum(m * m, axis=(-2, -1), keepdims=True) < 0.25
    better = e
    for _ in range(2):
        rest = m - square(better)
        better = xp.tril(rest) - 0.5 * eye_like(rest) * rest
    return xp.where(near, better, e)
