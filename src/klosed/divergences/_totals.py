"""Which counts share their total, without which a KL has no closed form. Floor of divergences."""

from __future__ import annotations

from klosed._arrays import Array, is_nowhere, namespace

__all__ = ["never_differ", "where_equal"]


def never_differ(n: Array, m: Array, relevant: bool | Array = True) -> bool:
    """Return True unless n is known to differ from m somewhere relevant."""
    differ = (n != m) & relevant
    # a mask that holds nowhere is not known to while tracing
    unknown = not is_nowhere(differ & ~differ)
    return unknown or is_nowhere(differ)


def where_equal(n: Array, m: Array, value: Array) -> Array:
    """Return value where n = m; elsewhere NaN, which only tracing can let through."""
    return namespace(value).where(n == m, value, float("nan"))
