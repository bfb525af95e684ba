"""KL from a product of independent distributions. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Distribution, Independent
from klosed.distributions._base import Gradients
from klosed.divergences._registry import has_closed_form, raw_grad_kl, raw_kl, register_kl

__all__ = ["kl_independent_independent"]


def _common(q: Independent, p: Independent) -> tuple[Distribution, Distribution, int]:
    n = min(q.reinterpreted_batch_ndims, p.reinterpreted_batch_ndims)

    def factors(d: Independent) -> Distribution:
        rest = d.reinterpreted_batch_ndims - n
        return Independent(d.base, rest) if rest else d.base

    return factors(q), factors(p), n


def _factors_have_closed_form(q: Independent, p: Independent) -> bool:
    return has_closed_form(*_common(q, p)[:2])


@register_kl(Independent, Independent, when=_factors_have_closed_form)
def kl_independent_independent(q: Independent, p: Independent) -> Array:
    r"""KL of two products, in nats: the sum over their factors.

    .. math:: \mathrm{KL} = \sum_i \mathrm{KL}(q_i \| p_i)
    """
    factors_q, factors_p, n = _common(q, p)
    each = raw_kl(factors_q, factors_p)
    return namespace(each).sum(each, axis=tuple(range(-n, 0))) if n else each


@kl_independent_independent.gradient
def _grad_independent_independent(q: Independent, p: Independent) -> tuple[Gradients, Gradients]:
    return raw_grad_kl(*_common(q, p)[:2])
