"""KL from a power spherical distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import PowerSpherical, SphericalUniform
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl

__all__ = ["kl_power_spherical_spherical_uniform"]


@register_kl(PowerSpherical, SphericalUniform)
def kl_power_spherical_spherical_uniform(q: PowerSpherical, p: SphericalUniform) -> Array:
    r"""KL from a power spherical to the uniform distribution, in nats.

    .. math:: \mathrm{KL} = \log\frac{\Gamma(\alpha + \beta)\,\Gamma(\beta)}
        {\Gamma(\alpha)\,\Gamma(2\beta)} - \kappa\left(\psi(\alpha + \beta) - \psi(\alpha)\right),
        \qquad \beta = \frac{d - 1}{2}, \quad \alpha = \beta + \kappa

    Notes
    -----
    De Cao and Aziz (2020), arXiv:2006.04437, equation 11. For κ < 5β the terms nearly cancel:
    there it is B(β, α) − B(2β, α + β), B the Bregman divergence of log Γ. The gradient in κ is
    κ(ψ'(α) − ψ'(α + β)). Two power spherical distributions of different directions have no KL in
    closed form: E[log(1 + μᵀx)] is a hypergeometric series.
    """
    return q.tilt.information


@kl_power_spherical_spherical_uniform.gradient
def _grad_uniform(q: PowerSpherical, p: SphericalUniform) -> tuple[Gradients, Gradients]:
    return {"log_concentration": lambda: q.tilt.grad_information}, {}
