"""KL divergences, entropies and cross-entropies in closed form, each beside its gradient.

Imports nothing from klosed above distributions. A file here registers its
pairs when it is imported, which `_registry` does when the first pair of that family is asked for.
"""

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

__all__ = [
    "KLRule",
    "closed_form_pairs",
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "entropy",
    "entropy_value_and_grad",
    "has_closed_form",
    "kl_divergence",
    "kl_monte_carlo",
    "kl_value_and_grad",
    "register_kl",
]
