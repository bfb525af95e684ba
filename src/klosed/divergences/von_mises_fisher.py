"""KL from a von Mises–Fisher distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import SphericalUniform, VonMisesFisher
from klosed.distributions._base import Gradients
from klosed.distributions._directions import Angle
from klosed.divergences._registry import register_kl
from klosed.special import (
    bessel_ratio,
    bessel_ratio_difference,
    bessel_slope,
    log_bessel_bregman,
)

__all__ = ["kl_von_mises_fisher_spherical_uniform", "kl_von_mises_fisher_von_mises_fisher"]


@register_kl(VonMisesFisher, VonMisesFisher)
def kl_von_mises_fisher_von_mises_fisher(q: VonMisesFisher, p: VonMisesFisher) -> Array:
    r"""KL of two von Mises–Fisher distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = \left[G(\kappa_p) - G(\kappa_q) - A(\kappa_q)(\kappa_p - \kappa_q)\right]
        + \kappa_p A(\kappa_q) (1 - \cos\theta), \qquad
        A = G' = I_{d/2} / I_{d/2 - 1}

    Notes
    -----
    θ is the angle between the mean directions, G as in `VonMisesFisher`. The first term is
    `log_bessel_bregman`; 1 − cos θ = ½‖μ̂q − μ̂p‖². The gradient in κ is
    A'(κq)(κq − κp + κp(1 − cos θ)) for q and A(κp) − A(κq) + A(κq)(1 − cos θ) for p, two terms
    that may cancel; in μq −κp A(κq) ∂cos θ/∂μq.

    Measured against mpmath, d ≤ 17, concentrations 1e-8 … 1e8, near-equal parameters (1 … 1e-12)
    included: at most 14 ulp; gradients 5e-15 relative to the norm of these terms' gradients.
    """
    of_q, of_p = q.core.concentration.value, p.core.concentration.value
    apart = Angle(q.core.mean_direction, p.core.mean_direction).one_minus_cos
    return log_bessel_bregman(of_p, of_q, q.order, _step(q, p)) + of_p * (
        bessel_ratio(of_q, q.order) * apart
    )


@kl_von_mises_fisher_von_mises_fisher.gradient
def _grad_same(q: VonMisesFisher, p: VonMisesFisher) -> tuple[Gradients, Gradients]:
    of_q, of_p = q.core.concentration.value, p.core.concentration.value
    angle, step = Angle(q.core.mean_direction, p.core.mean_direction), _step(q, p)
    pull = -(of_p * bessel_ratio(of_q, q.order))[..., None]

    def log_concentration_q() -> Array:
        return of_q * bessel_slope(of_q, q.order) * (of_p * angle.one_minus_cos - step)

    def log_concentration_p() -> Array:
        shift = bessel_ratio(of_q, q.order) * angle.one_minus_cos
        return of_p * (bessel_ratio_difference(of_p, of_q, q.order, step) + shift)

    return {
        "mean_direction": lambda: pull * angle.slope_a,
        "log_concentration": log_concentration_q,
    }, {
        "mean_direction": lambda: pull * angle.slope_b,
        "log_concentration": log_concentration_p,
    }


@register_kl(VonMisesFisher, SphericalUniform)
def kl_von_mises_fisher_spherical_uniform(q: VonMisesFisher, p: SphericalUniform) -> Array:
    r"""KL from a von Mises–Fisher to the uniform distribution, in nats.

    .. math:: \mathrm{KL} = \kappa A(\kappa) - G(\kappa), \qquad
        \partial_\kappa \mathrm{KL} = \kappa A'(\kappa)

    Notes
    -----
    The Bregman divergence of G from κ to 0. Davidson, Falorsi, De Cao, Kipf and Tomczak (2018),
    "Hyperspherical variational auto-encoders", arXiv:1804.00891, equation 6.
    Measured against mpmath, d = 5, κ of 1e-8 … 1e8: 6 ulp.
    """
    kappa = q.core.concentration.value
    return log_bessel_bregman(0.0 * kappa, kappa, q.order, -kappa)


@kl_von_mises_fisher_spherical_uniform.gradient
def _grad_uniform(q: VonMisesFisher, p: SphericalUniform) -> tuple[Gradients, Gradients]:
    kappa = q.core.concentration.value
    return {"log_concentration": lambda: kappa * (kappa * bessel_slope(kappa, q.order))}, {}


def _step(q: VonMisesFisher, p: VonMisesFisher) -> Array:
    """Return κp − κq."""
    ratio = p.core.concentration / q.core.concentration
    return q.core.concentration.value * ratio.minus_one
