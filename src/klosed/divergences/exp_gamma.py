"""KL from an exp-gamma distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import ExpGamma
from klosed.distributions._base import Gradients
from klosed.divergences._gamma import TwoGammas
from klosed.divergences._registry import register_kl

__all__ = ["kl_exp_gamma_exp_gamma"]


@register_kl(ExpGamma, ExpGamma)
def kl_exp_gamma_exp_gamma(q: ExpGamma, p: ExpGamma) -> Array:
    r"""KL of two exp-gamma distributions, in nats: that of the two gammas.

    .. math:: \mathrm{KL} = \mathrm{KL}(\mathrm{Gamma}(a, b) \,\|\, \mathrm{Gamma}(c, d))

    Notes
    -----
    A one-to-one map changes no KL. `klosed.divergences.gamma` has the formula, its gradient and
    their accuracy.
    """
    return TwoGammas.between(q, p).value()


@kl_exp_gamma_exp_gamma.gradient
def _grad_exp_gamma(q: ExpGamma, p: ExpGamma) -> tuple[Gradients, Gradients]:
    return TwoGammas.between(q, p).gradients()
