"""KL from an inverse gamma distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import InverseGamma
from klosed.distributions._base import Gradients
from klosed.divergences._gamma import TwoGammas
from klosed.divergences._registry import register_kl

__all__ = ["kl_inverse_gamma_inverse_gamma"]


@register_kl(InverseGamma, InverseGamma)
def kl_inverse_gamma_inverse_gamma(q: InverseGamma, p: InverseGamma) -> Array:
    r"""KL of two inverse gamma distributions, in nats: that of the two gammas.

    .. math:: \mathrm{KL} = \mathrm{KL}(\mathrm{Gamma}(a, b) \,\|\, \mathrm{Gamma}(c, d))

    Notes
    -----
    A one-to-one map changes no KL. `klosed.divergences.gamma` has the formula, its gradient and
    their accuracy.
    """
    return TwoGammas.between(q, p).value()


@kl_inverse_gamma_inverse_gamma.gradient
def _grad_inverse_gamma(q: InverseGamma, p: InverseGamma) -> tuple[Gradients, Gradients]:
    return TwoGammas.between(q, p).gradients()
