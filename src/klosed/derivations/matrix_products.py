"""Hadamard and Frobenius products: the rules by which gradients of matrices are moved about."""

from __future__ import annotations

from typing import Any

import sympy as sp

from klosed.derivations._steps import Step
from klosed.derivations._texts import identity

__all__ = ["PRODUCTS", "frobenius", "hadamard"]

Expr = Any


def frobenius(first: Expr, second: Expr) -> Expr:
    """Return A : B."""
    return sum(u * v for u, v in zip(first, second, strict=True))


def hadamard(first: Expr, second: Expr) -> Expr:
    """Return A ∘ B."""
    return first.multiply_elementwise(second)


PRODUCTS: tuple[Step, ...] = (
    *identity(
        "Frobenius product",
        r"A : B = \operatorname{tr}(A^\top B)",
        {"A": (2, 3), "B": (2, 3)},
        lambda A, B: (frobenius(A, B), (A.T * B).trace()),
        "definition A : B = Σ AᵢⱼBᵢⱼ",
    ),
    *identity(
        "transposition",
        r"A : B = A^\top : B^\top",
        {"A": (2, 3), "B": (2, 3)},
        lambda A, B: (frobenius(A, B), frobenius(A.T, B.T)),
        "the same sum in another order",
    ),
    *identity(
        "moving a factor to the right",
        r"A : BC = A C^\top : B",
        {"A": (2, 2), "B": (2, 3), "C": (3, 2)},
        lambda A, B, C: (frobenius(A, B * C), frobenius(A * C.T, B)),
        "tr(AᵀBC) = tr(CAᵀB)",
    ),
    *identity(
        "moving a factor to the left",
        r"A : BC = B^\top A : C",
        {"A": (2, 2), "B": (2, 3), "C": (3, 2)},
        lambda A, B, C: (frobenius(A, B * C), frobenius(B.T * A, C)),
        "tr(AᵀBC) = tr((BᵀA)ᵀC); the text uses it without listing it",
    ),
    *identity(
        "order",
        r"A : B = B : A",
        {"A": (2, 3), "B": (2, 3)},
        lambda A, B: (frobenius(A, B), frobenius(B, A)),
        "numbers commute",
    ),
    *identity(
        "order",
        r"A \circ B = B \circ A",
        {"A": (2, 3), "B": (2, 3)},
        lambda A, B: (hadamard(A, B), hadamard(B, A)),
        "numbers commute",
    ),
    *identity(
        "both products",
        r"A : (B \circ C) = (A \circ B) : C",
        {"A": (2, 3), "B": (2, 3), "C": (2, 3)},
        lambda A, B, C: (frobenius(A, hadamard(B, C)), frobenius(hadamard(A, B), C)),
        "both are Σ AᵢⱼBᵢⱼCᵢⱼ",
    ),
    *identity(
        "identity element",
        r"A \circ 1 = A",
        {"A": (2, 3)},
        lambda A: (hadamard(A, sp.ones(*A.shape)), A),
        "1 is the matrix of ones",
    ),
    *identity(
        "Hadamard product as a matrix",
        r"h \circ v = \operatorname{Diag}(h)\, v",
        {"h": (2, 1), "v": (2, 1)},
        lambda h, v: (hadamard(h, v), sp.diag(*h) * v),
        "for one column; for a batch of columns h ∘ V stays as it is",
    ),
)
"""Each for symbols, and for larger matrices of numbers."""
