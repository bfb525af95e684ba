"""KL divergences, entropies and cross-entropies in closed form, each beside its gradient.

Imports nothing from klosed above distributions. A file here registers its
pairs when it is imported, which `_registry` does when the first pair of that family is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klosed.divergences._functions import (
    cross_entropy,
    cross_entropy_value_and_grad,
    entropy,
    entropy_value_and_grad,
    kl_divergence,
    kl_monte_carlo,
    kl_value_and_grad,
)
from klosed.divergences._registry import KLRule, closed_form_pairs, has_closed_form, register_kl

if TYPE_CHECKING:
    from klosed.divergences._bounds import KLBounds as KLBounds
    from klosed.divergences._bounds import kl_bounds as kl_bounds

__all__ = [
    "KLBounds",
    "KLRule",
    "closed_form_pairs",
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "entropy",
    "entropy_value_and_grad",
    "has_closed_form",
    "kl_bounds",
    "kl_divergence",
    "kl_monte_carlo",
    "kl_value_and_grad",
    "register_kl",
]


def __getattr__(name: str) -> Any:
    if name not in ("KLBounds", "kl_bounds"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from klosed.divergences import _bounds  # on first use: it knows many families

    return getattr(_bounds, name)
