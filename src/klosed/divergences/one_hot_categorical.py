"""KL from a one-hot categorical distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import OneHotCategorical
from klosed.distributions._base import Gradients
from klosed.distributions._categories_kl import contrast_of
from klosed.divergences._registry import register_kl

__all__ = ["kl_one_hot_categorical_one_hot_categorical"]


@register_kl(OneHotCategorical, OneHotCategorical)
def kl_one_hot_categorical_one_hot_categorical(q: OneHotCategorical, p: OneHotCategorical) -> Array:
    """KL of two one-hot categorical distributions, in nats: that of their class numbers.

    Notes
    -----
    See `kl_categorical_categorical`, also for what was measured.
    """
    return q.core.beside(p.core, contrast_of).divergence


@kl_one_hot_categorical_one_hot_categorical.gradient
def _grad_one_hot_categorical(
    q: OneHotCategorical, p: OneHotCategorical
) -> tuple[Gradients, Gradients]:
    contrast = q.core.beside(p.core, contrast_of)
    names = ("logits", "probs")
    return (
        dict.fromkeys(names, lambda: contrast.grad_q),
        dict.fromkeys(names, lambda: contrast.grad_p),
    )
