"""KL from a von Mises distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import VonMises
from klosed.distributions._base import Gradients
from klosed.distributions.von_mises import Turn
from klosed.divergences._registry import register_kl
from klosed.special import (
    bessel_ratio,
    bessel_ratio_difference,
    bessel_slope,
    log_bessel_bregman,
)

__all__ = ["kl_von_mises_von_mises"]


@register_kl(VonMises, VonMises)
def kl_von_mises_von_mises(q: VonMises, p: VonMises) -> Array:
    r"""KL of two von Mises distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = \left[G(\kappa_p) - G(\kappa_q) - A(\kappa_q)(\kappa_p - \kappa_q)\right]
        + 2 \kappa_p A(\kappa_q) \sin^2\frac{\mu_q - \mu_p}{2}, \qquad
        G = \log I_0, \quad A = G' = I_1 / I_0

    Notes
    -----
    The first term is `log_bessel_bregman`, a Bregman divergence of the log-normaliser. The
    gradient in κ is A'(κq)(κq − κp + κp(1 − cos Δ)) for q and A(κp) − A(κq) + A(κq)(1 − cos Δ) for
    p, two terms that may cancel; in μq κp A(κq) sin Δ, Δ = μq − μp.

    Measured against mpmath, concentrations 1e-8 … 1e8, near-equal parameters (1 … 1e-12)
    included: at most 9 ulp, from log concentrations 34 ulp, which is the rounding of exp; gradients
    1e-14 relative to the size of their terms.
    """
    of_q, of_p = q.core.concentration.value, p.core.concentration.value
    apart = Turn(q.core.loc, p.core.loc).one_minus_cos
    return log_bessel_bregman(of_p, of_q, 0.0, _step(q, p)) + of_p * (
        bessel_ratio(of_q, 0.0) * apart
    )


@kl_von_mises_von_mises.gradient
def _grad_same(q: VonMises, p: VonMises) -> tuple[Gradients, Gradients]:
    of_q, of_p = q.core.concentration.value, p.core.concentration.value
    step, turn = _step(q, p), Turn(q.core.loc, p.core.loc)
    slope = of_p * (bessel_ratio(of_q, 0.0) * turn.sin)

    def log_concentration_q() -> Array:
        return of_q * bessel_slope(of_q, 0.0) * (of_p * turn.one_minus_cos - step)

    def log_concentration_p() -> Array:
        shift = bessel_ratio(of_q, 0.0) * turn.one_minus_cos
        return of_p * (bessel_ratio_difference(of_p, of_q, 0.0, step) + shift)

    return (
        {"loc": slope, "log_concentration": log_concentration_q},
        {"loc": -slope, "log_concentration": log_concentration_p},
    )


def _step(q: VonMises, p: VonMises) -> Array:
    """Return κp − κq."""
    ratio = p.core.concentration / q.core.concentration
    return q.core.concentration.value * ratio.minus_one
