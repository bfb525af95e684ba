"""How every special function meets its arrays: kinds, blocks, branches, tables.

Imports floor 0 only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from klosed._arrays import Array, gather, kind, namespace
from klosed._autodiff import ClosedForm

__all__ = [
    "at_most",
    "choose",
    "evaluate",
    "evaluate_difference",
    "horner",
    "is_single",
    "ratio",
    "replace_where",
    "scalar_form",
    "select",
]

Table = tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]


def scalar_form(
    value: Callable[..., Array], grad: Callable[..., Sequence[Array]] | None, arity: int = 1
) -> ClosedForm:
    """Return an elementwise function beside its partial derivatives."""
    return ClosedForm(value, grad, ((),) * arity)


def evaluate(form: ClosedForm, **given: Any) -> Array:
    """Return form(*given) with plain numbers and integers promoted."""
    return form(*gather(**given).values())


def evaluate_difference(form: ClosedForm, diff: Any, **given: Any) -> Array:
    """Return form(x, m, diff) for two given arguments; a diff of None is x − m."""
    if diff is not None:
        return evaluate(form, **given, diff=diff)
    x, m = gather(**given).values()
    return form(x, m, x - m)


def choose(
    inside: Array,
    then: Callable[..., Array],
    otherwise: Callable[..., Array],
    *args: Array,
    then_at: Sequence[float],
    otherwise_at: Sequence[float],
) -> Array:
    """Return then(*args) where inside holds, otherwise(*args) elsewhere.

    A branch sees a harmless point (`then_at`, `otherwise_at`) where it is not wanted, so that no
    NaN reaches a derivative. NumPy, which differentiates nothing, gets the arguments as they
    are, and skips a branch that no element needs.
    """
    if isinstance(inside, (np.ndarray, np.generic)):
        if inside.all():
            return then(*args)
        if not inside.any():
            return otherwise(*args)
        return select(inside, then(*args), otherwise(*args))
    xp = namespace(args[0])
    if kind(inside) == "recording":
        return xp.where(inside, then(*args), otherwise(*args))
    left = [xp.where(inside, a, safe) for a, safe in zip(args, then_at, strict=True)]
    right = [xp.where(inside, safe, a) for a, safe in zip(args, otherwise_at, strict=True)]
    return xp.where(inside, then(*left), otherwise(*right))


def select(condition: Array, a: Any, b: Any) -> Array:
    """Return a where the condition holds, else b; at most one of them a plain number.

    For NumPy by masks of bits: np.where branches on each element, which on a random mask is four
    to eight times slower.
    """
    if not isinstance(condition, np.ndarray) or not condition.ndim:
        return namespace(condition).where(condition, a, b)
    if isinstance(b, np.ndarray) and b.shape == condition.shape and not condition.any():
        return b
    dtype = a.dtype if isinstance(a, np.ndarray) else b.dtype
    bits = np.dtype(f"i{dtype.itemsize}")
    x, y = (np.asarray(v, dtype=dtype).view(bits) for v in (a, b))
    mask = condition.astype(bits)
    np.negative(mask, out=mask)
    chosen: Array = (x ^ y) & mask
    chosen ^= y
    return chosen.view(dtype)


def replace_where(inside: Array, value: Array, by: Callable[..., Array], *args: Array) -> Array:
    """Return by(*args) where inside holds, value elsewhere; by is dear, an integral say.

    NumPy works it out for the elements that need it alone; others as in `choose`.
    """
    if not isinstance(inside, (np.ndarray, np.generic)):
        ones = (1.0,) * len(args)
        return choose(
            inside, lambda *a: by(*a[:-1]), lambda *a: a[-1], *args, value,
            then_at=(*ones, 1.0), otherwise_at=(*ones, 1.0),
        )  # fmt: skip
    mask = np.asarray(inside)
    if not mask.any():
        return value
    replaced = np.array(np.broadcast_to(value, mask.shape))
    replaced[mask] = by(*(np.broadcast_to(a, mask.shape)[mask] for a in args))
    return replaced


def at_most(x: Array, bound: float) -> Array:
    """Return the smaller of x and bound; NaN stays NaN."""
    if isinstance(x, np.ndarray):
        return np.minimum(x, x.dtype.type(bound))
    return namespace(x).clip(x, max=bound)


def ratio(x: Array, table: Table) -> Array:
    """Return the rational function of `table` that belongs to x's dtype."""
    top, bottom = table[is_single(x)]
    return horner(x, top) / horner(x, bottom) if bottom else horner(x, top)


def is_single(x: Array) -> bool:
    """Return True where x has no more digits than float32."""
    return bool(namespace(x).finfo(x.dtype).eps > 1e-12)


def horner(x: Array, coefficients: Sequence[float]) -> Array:
    """Return Σ coefficients[k] xᵏ, of at least two coefficients."""
    value = coefficients[-1] * x
    if isinstance(value, np.ndarray):  # in place: half the memory traffic
        value += coefficients[-2]
        for c in coefficients[-3::-1]:
            value *= x
            value += c
        return value
    value = value + coefficients[-2]
    for c in coefficients[-3::-1]:
        value = value * x + c
    return value
