"""KL from an exponential distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Exponential
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl

__all__ = ["kl_exponential_exponential"]


@register_kl(Exponential, Exponential)
def kl_exponential_exponential(q: Exponential, p: Exponential) -> Array:
    r"""KL of two exponential distributions, in nats.

    .. math:: \mathrm{KL} = r - 1 - \log r, \qquad r = \lambda_p / \lambda_q
    """
    return (p.core.rate / q.core.rate).excess


@kl_exponential_exponential.gradient
def _grad_exponential_exponential(q: Exponential, p: Exponential) -> tuple[Gradients, Gradients]:
    t = (p.core.rate / q.core.rate).minus_one
    return {"log_rate": -t}, {"log_rate": t}
