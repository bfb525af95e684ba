"""KL from a Bernoulli distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Bernoulli
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl

__all__ = ["kl_bernoulli_bernoulli"]


@register_kl(Bernoulli, Bernoulli)
def kl_bernoulli_bernoulli(q: Bernoulli, p: Bernoulli) -> Array:
    r"""KL of two Bernoulli distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = d(\pi_q, \pi_p) + d(1 - \pi_q, 1 - \pi_p), \qquad
        d(x, m) = x \log\frac{x}{m} + m - x

    Both terms share πq − πp, taken before dividing. Given logits a and b, the same number is the
    Bregman divergence of softplus, S(b) − S(a) − σ(a)(b − a). It is inf where a πp of exactly 0
    or 1 excludes what πq allows.

    Notes
    -----
    Loader (2000), "Fast and accurate computation of binomial probabilities", for d.
    """
    return q.core.probs.against(p.core.probs).divergence


@kl_bernoulli_bernoulli.gradient
def _grad_bernoulli_bernoulli(q: Bernoulli, p: Bernoulli) -> tuple[Gradients, Gradients]:
    contrast = q.core.probs.against(p.core.probs)

    return (
        {
            "logits": lambda: q.core.probs.variance * contrast.log_odds,
            "probs": lambda: contrast.log_odds,
        },
        {
            "logits": lambda: -contrast.difference,
            "probs": lambda: p.core.probs.slope_against(contrast),
        },
    )
