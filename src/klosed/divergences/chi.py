"""KL from a chi distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Chi
from klosed.distributions._base import Gradients
from klosed.divergences._gamma import grad_kl_of_df, kl_of_df
from klosed.divergences._registry import register_kl

__all__ = ["kl_chi_chi"]


@register_kl(Chi, Chi)
def kl_chi_chi(q: Chi, p: Chi) -> Array:
    r"""KL of two chi distributions, in nats: that of the chi-squared ones.

    .. math:: \mathrm{KL} = \log\Gamma(c) - \log\Gamma(a) - (c - a)\psi(a) \ge 0,
       \qquad a = \nu_q / 2, \quad c = \nu_p / 2

    Notes
    -----
    Squaring, which is one-to-one here, changes no KL. See `klosed.divergences.chi2`.
    """
    return kl_of_df(q.core.df, p.core.df)


@kl_chi_chi.gradient
def _grad_chi_chi(q: Chi, p: Chi) -> tuple[Gradients, Gradients]:
    return grad_kl_of_df(q.core.df, p.core.df)
