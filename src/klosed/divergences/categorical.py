"""KL from a categorical distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Categorical
from klosed.distributions._base import Gradients
from klosed.distributions._categories_kl import contrast_of
from klosed.divergences._registry import register_kl
from klosed.errors import ShapeError

__all__ = ["kl_categorical_categorical"]


def _share_categories(q: Categorical, p: Categorical) -> bool:
    sizes = q.core.probs.size, p.core.probs.size
    if sizes[0] != sizes[1]:
        raise ShapeError(
            f"q and p must have the same number of categories; got {sizes[0]} and {sizes[1]}. "
            "Pad the shorter with probs of 0 or logits of -inf."
        )
    return True


@register_kl(Categorical, Categorical, when=_share_categories)
def kl_categorical_categorical(q: Categorical, p: Categorical) -> Array:
    r"""KL of two categorical distributions, in nats: a function of nonnegative terms.

    .. math::
        \mathrm{KL} = \log\Big(1 + \sum_k \pi^q_k\, \psi(\varepsilon_k)\Big), \qquad
        \psi(\varepsilon) = e^\varepsilon - 1 - \varepsilon, \quad
        \varepsilon = \delta - \sum_k \pi^q_k \delta_k, \quad \delta = b - a

    of logits a of q and b of p; given probs on both sides, δ is the protected log of their ratio.
    It is inf where p excludes a category that q allows. The gradient in a is −πq ε, in b πp − πq.

    Notes
    -----
    With ε centred, Σ πq e^ε = 1 + Σ πq ψ(ε): the log-normalisers cancel before any digit is lost.
    Measured against mpmath, 2 to 8 categories: ordinary parameters 9 ulp, near-equal ones
    (1 … 1e-12) 17 ulp, float32 24 ulp, gradients 2e-15 of the norm of the terms; logits of ±340:
    6e-14, gradients too; logits against probs: 3e-14. 1000 classes with noise of 1e-4: 2 ulp.
    Where probs of q and p sum to different numbers, or logits of one meet probs of the other, δ is
    known to 3 units of 2⁻⁵² only; give near-equal ones alike and with the same sum.
    """
    return q.core.beside(p.core, contrast_of).divergence


@kl_categorical_categorical.gradient
def _grad_categorical_categorical(q: Categorical, p: Categorical) -> tuple[Gradients, Gradients]:
    contrast = q.core.beside(p.core, contrast_of)
    names = ("logits", "probs")
    return (
        dict.fromkeys(names, lambda: contrast.grad_q),
        dict.fromkeys(names, lambda: contrast.grad_p),
    )
