"""KL between images under one invertible map. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import LogitNormal, LogNormal, TransformedDistribution
from klosed.distributions._base import Gradients
from klosed.distributions.transformed import Pushforward
from klosed.divergences._registry import has_closed_form, raw_grad_kl, raw_kl, register_kl

__all__ = ["kl_of_bases"]


def _comparable(q: Pushforward, p: Pushforward) -> bool:
    return q.transform == p.transform and has_closed_form(q.base, p.base)


def kl_of_bases(q: Pushforward, p: Pushforward) -> Array:
    r"""KL of two distributions of T(x), in nats: that of the distributions of x.

    .. math:: \mathrm{KL}(q_{T(X)} \| p_{T(X)}) = \mathrm{KL}(q_X \| p_X)

    Notes
    -----
    Kullback (1959), "Information theory and statistics", ch. 2, theorem 4.1: an invertible map
    loses no information. The digits, too, are those of the bases.
    """
    return raw_kl(q.base, p.base)


def _grad_of_bases(q: Pushforward, p: Pushforward) -> tuple[Gradients, Gradients]:
    return raw_grad_kl(q.base, p.base)


_PAIRS: list[tuple[type[Pushforward], type[Pushforward]]] = [
    (TransformedDistribution, TransformedDistribution)
]
for _named in (LogNormal, LogitNormal):
    _PAIRS += [(_named, _named), (_named, TransformedDistribution)]
    _PAIRS += [(TransformedDistribution, _named)]

for _q, _p in _PAIRS:
    register_kl(_q, _p, when=_comparable)(kl_of_bases).gradient(_grad_of_bases)
