"""KL from a multinomial distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Multinomial
from klosed.distributions._base import Gradients
from klosed.distributions._categories_kl import contrast_of
from klosed.distributions._sizes import product
from klosed.divergences._registry import register_kl

__all__ = ["kl_multinomial_multinomial"]


@register_kl(Multinomial, Multinomial)
def kl_multinomial_multinomial(q: Multinomial, p: Multinomial) -> Array:
    r"""KL of two multinomial distributions of the same total n, in nats.

    .. math:: \mathrm{KL} = n \sum_k \pi^q_k \log\frac{\pi^q_k}{\pi^p_k}

    Notes
    -----
    It is n times the KL of the trials, which are categorical. Between different totals it is inf,
    by the supports: counts cannot sum to both. Measured against mpmath: as between categorical
    distributions.
    """
    return product(q.core.total_count, q.core.beside(p.core, contrast_of).divergence)


@kl_multinomial_multinomial.gradient
def _grad_multinomial_multinomial(q: Multinomial, p: Multinomial) -> tuple[Gradients, Gradients]:
    n = q.core.total_count[..., None]
    contrast = q.core.beside(p.core, contrast_of)
    names = ("logits", "probs")
    return (
        dict.fromkeys(names, lambda: product(n, contrast.grad_q)),
        dict.fromkeys(names, lambda: product(n, contrast.grad_p)),
    )
