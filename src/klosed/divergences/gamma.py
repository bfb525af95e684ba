"""KL from a gamma distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Gamma
from klosed.distributions._base import Gradients
from klosed.divergences._gamma import TwoGammas
from klosed.divergences._registry import register_kl

__all__ = ["kl_gamma_gamma"]


@register_kl(Gamma, Gamma)
def kl_gamma_gamma(q: Gamma, p: Gamma) -> Array:
    r"""KL of two gamma distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = c\,\varphi\!\left(\frac{ad}{bc} - 1\right)
        + \tfrac12\varphi\!\left(\frac{c - a}{a}\right) + \Delta(c) - \Delta(a) - (c - a)\Delta'(a)

    for q = Gamma(a, b) and p = Gamma(c, d); Δ is what Stirling's formula leaves of log Γ.

    Notes
    -----
    The textbook's (a − c)ψ(a) − log Γ(a) + log Γ(c) + c log(b/d) + a(d − b)/b (Kullback 1959,
    "Information theory and statistics", ch. 4, for equal rates), regrouped. ad − bc comes with
    the products' rounding errors, because for large concentrations its digits decide. With
    logarithms given, or a rate beside a scale, log u is a sum of two logarithms: then about √c
    units of the last place are lost where the two cancel.

    The gradient is c(u − 1)/a − (c − a)(ψ'(a) − 1/a) in a, −c(u − 1) in log b, c(u − 1) in log d,
    and (ψ(c) − log c) − (ψ(a) − log a) − log u in c, each a protected difference.
    """
    return TwoGammas.between(q, p).value()


@kl_gamma_gamma.gradient
def _grad_gamma_gamma(q: Gamma, p: Gamma) -> tuple[Gradients, Gradients]:
    return TwoGammas.between(q, p).gradients()
