"""KL from a beta distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Beta
from klosed.distributions._base import Gradients
from klosed.distributions.beta import pair, split
from klosed.divergences import _concentrations as core
from klosed.divergences._registry import register_kl

__all__ = ["kl_beta_beta"]


@register_kl(Beta, Beta)
def kl_beta_beta(q: Beta, p: Beta) -> Array:
    r"""KL of two beta distributions, in nats: that of two Dirichlets of two parts.

    .. math::
        \mathrm{KL} = B(\alpha_p, \alpha_q) + B(\beta_p, \beta_q)
        - B(\alpha_p + \beta_p, \alpha_q + \beta_q), \qquad
        B(y, x) = \log\Gamma(y) - \log\Gamma(x) - (y - x)\psi(x)

    Notes
    -----
    See `kl_dirichlet_dirichlet` for how it keeps its digits, and for its gradient.
    """
    return core.kl(*_sides(q, p))


@kl_beta_beta.gradient
def _grad_beta_beta(q: Beta, p: Beta) -> tuple[Gradients, Gradients]:
    sides = _sides(q, p)
    return split(q, core.grad_q(*sides)), split(p, core.grad_p(*sides))


def _sides(q: Beta, p: Beta) -> tuple[Array, Array, Array, Array]:
    diff1, slack1 = core.difference(q.core.concentration1, p.core.concentration1)
    diff0, slack0 = core.difference(q.core.concentration0, p.core.concentration0)
    return q.concentrations, p.concentrations, pair(diff1, diff0), pair(slack1, slack0)
