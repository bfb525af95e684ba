"""KL from the uniform distribution on the sphere. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import PowerSpherical, SphericalUniform, VonMisesFisher
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special import bessel_ratio, log_bessel

__all__ = [
    "kl_spherical_uniform_power_spherical",
    "kl_spherical_uniform_spherical_uniform",
    "kl_spherical_uniform_von_mises_fisher",
]


@register_kl(SphericalUniform, SphericalUniform)
def kl_spherical_uniform_spherical_uniform(q: SphericalUniform, p: SphericalUniform) -> Array:
    """KL of the uniform distribution from itself: 0."""
    return 0.0 * (q.core.like + p.core.like)


@kl_spherical_uniform_spherical_uniform.gradient
def _grad_same(q: SphericalUniform, p: SphericalUniform) -> tuple[Gradients, Gradients]:
    return {}, {}


@register_kl(SphericalUniform, PowerSpherical)
def kl_spherical_uniform_power_spherical(q: SphericalUniform, p: PowerSpherical) -> Array:
    r"""KL from the uniform to a power spherical distribution, in nats.

    .. math:: \mathrm{KL} = \kappa\left(\psi(2\beta) - \psi(\beta)\right)
        - \log\frac{\Gamma(\alpha + \beta)\,\Gamma(\beta)}{\Gamma(\alpha)\,\Gamma(2\beta)}, \qquad
        \beta = \frac{d - 1}{2}, \quad \alpha = \beta + \kappa

    Notes
    -----
    For small κ as a difference of two Bregman divergences of log Γ; see `Tilt`. The gradient in
    κ is [ψ(2β) − ψ(β)] − [ψ(α + β) − ψ(α)].
    Measured against mpmath, d ≤ 17, κ of 1e-8 … 1e8: 5 ulp.
    """
    return p.tilt.information_from


@kl_spherical_uniform_power_spherical.gradient
def _grad_power(q: SphericalUniform, p: PowerSpherical) -> tuple[Gradients, Gradients]:
    return {}, {"log_concentration": lambda: p.tilt.grad_information_from}


@register_kl(SphericalUniform, VonMisesFisher)
def kl_spherical_uniform_von_mises_fisher(q: SphericalUniform, p: VonMisesFisher) -> Array:
    r"""KL from the uniform to a von Mises–Fisher distribution: G of `VonMisesFisher`, in nats.

    .. math:: \mathrm{KL} = G(\kappa), \qquad \partial_\kappa \mathrm{KL} = A(\kappa)

    Notes
    -----
    Measured against mpmath, d = 5, κ of 1e-8 … 1e8: 2 ulp.
    """
    return log_bessel(p.core.concentration.value, p.order)


@kl_spherical_uniform_von_mises_fisher.gradient
def _grad_fisher(q: SphericalUniform, p: VonMisesFisher) -> tuple[Gradients, Gradients]:
    kappa = p.core.concentration.value
    return {}, {"log_concentration": lambda: kappa * bessel_ratio(kappa, p.order)}
