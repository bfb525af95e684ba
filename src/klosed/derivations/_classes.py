"""Three classes 0, 1, 2: which one it is, as polynomials of the number. Mirrors nothing."""

from __future__ import annotations

from typing import Any

from klosed.derivations._families import Moment

__all__ = ["indicators", "moments_of_class"]

Expr = Any


def indicators(k: Expr) -> tuple[Expr, Expr, Expr]:
    """Return 1 where k is 0, 1 or 2, and 0 at the other two."""
    return (k - 1) * (k - 2) / 2, k * (2 - k), k * (k - 1) / 2


def moments_of_class(k: Expr, probabilities: tuple[Expr, Expr, Expr]) -> tuple[Moment, ...]:
    """Return E[k] and E[k²], from which the mean of every function of the class follows."""
    _, one, two = probabilities
    return (
        Moment(k, one + 2 * two, "sum over the classes"),
        Moment(k**2, one + 4 * two, "sum over the classes"),
    )
