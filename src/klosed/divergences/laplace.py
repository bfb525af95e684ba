"""KL from a Laplace distribution. Imports only distributions and below."""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array, namespace
from klosed.distributions import Laplace, Normal
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.divergences._to_normal import ToNormal
from klosed.special import psi

__all__ = ["kl_laplace_laplace", "kl_laplace_normal"]

_OWN = 0.5 * (math.log(math.pi) - 1.0)


@register_kl(Laplace, Laplace)
def kl_laplace_laplace(q: Laplace, p: Laplace) -> Array:
    r"""KL of two Laplace distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + r\,\psi(-u), \qquad
        r = b_q / b_p, \quad u = |\mu_q - \mu_p| / b_q, \quad \psi(x) = e^x - 1 - x

    Notes
    -----
    The textbook form log(bp/bq) + u r + r exp(−u) − 1, regrouped so that nothing cancels.
    The gradient in log bp is −(r − 1) − r ψ(−u), in log bq (r − 1) − r (1 − (1 + u) exp(−u)), in
    μq sign(μq − μp) (1 − exp(−u)) / bp.
    Measured: within 5 units of the last place, near-equal or not; 6e-14 relative for logarithms
    of scales within ±345. The gradients in the scales are accurate relative to the sizes of
    their two terms, which may cancel.
    """
    ratio = q.core.scale / p.core.scale
    return ratio.excess + _shift_term(q, p)


@kl_laplace_laplace.gradient
def _grad_laplace_laplace(q: Laplace, p: Laplace) -> tuple[Gradients, Gradients]:
    shift = q.core.loc - p.core.loc
    xp = namespace(shift)
    ratio = q.core.scale / p.core.scale
    u = q.core.scale.divide(xp.abs(shift))
    slope = p.core.scale.divide(_odd_decay(q.core.scale.divide(shift)))

    def grad_log_scale_q() -> Array:
        return ratio.minus_one - _finite(xp, ratio.value) * _gamma_2(u)

    return (
        {"loc": slope, "log_scale": grad_log_scale_q},
        {"loc": -slope, "log_scale": lambda: -(ratio.minus_one + _shift_term(q, p))},
    )


def _shift_term(q: Laplace, p: Laplace) -> Array:
    """Return r ψ(−u), for large u in a form whose parts do not overflow before it does."""
    shift = q.core.loc - p.core.loc
    xp = namespace(shift)
    u, v = q.core.scale.divide(xp.abs(shift)), p.core.scale.divide(xp.abs(shift))
    ratio = _finite(xp, (q.core.scale / p.core.scale).value)
    far = u > 1.0
    near_u, far_u = xp.where(far, 0.0, u), xp.where(far, u, 2.0)
    return xp.where(far, v * (1.0 + xp.expm1(-far_u) / far_u), ratio * psi(-near_u))


def _odd_decay(z: Array) -> Array:
    """Return sign(z)(1 − exp(−|z|)), smooth at 0."""
    xp = namespace(z)
    u = xp.abs(z)
    decay = -xp.expm1(-u)
    near = (u > 0) & (u < 1.0)
    share = xp.where(near, decay / xp.where(near, u, 1.0), 1.0)
    return xp.where(z > 1.0, decay, xp.where(z < -1.0, -decay, share * xp.clip(z, -1.0, 1.0)))


def _gamma_2(u: Array) -> Array:
    """Return 1 − (1 + u) exp(−u), the incomplete gamma function γ(2, u)."""
    xp = namespace(u)
    far = u > 1.0
    near_u, far_u = xp.where(far, 0.0, u), xp.clip(xp.where(far, u, 2.0), max=1e3)
    near = xp.exp(-near_u) * psi(near_u)
    return xp.where(far, -xp.expm1(-far_u) - far_u * xp.exp(-far_u), near)


def _finite(xp: Any, x: Array) -> Array:
    return xp.clip(x, max=float(xp.finfo(x.dtype).max))


@register_kl(Laplace, Normal)
def kl_laplace_normal(q: Laplace, p: Normal) -> Array:
    r"""KL of a Laplace from a normal distribution, in nats: a sum of four nonnegative terms.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12 (r - 1)^2 + \tfrac12 z^2
        + \tfrac12(\log\pi - 1), \qquad r = \sqrt2\, b / \sigma, \quad z = (\mu_q - \mu_p)/\sigma

    Notes
    -----
    From the entropy 1 + log(2b) and the variance 2b². It is at least ½(log π − 1) = 0.072.
    Measured against mpmath, scales of 1e-150 … 1e150 too: 3 ulp.
    """
    return _to_normal(q, p).value(_OWN)


@kl_laplace_normal.gradient
def _grad_laplace_normal(q: Laplace, p: Normal) -> tuple[Gradients, Gradients]:
    parts = _to_normal(q, p)
    of_q: Gradients = {
        "loc": parts.of_mean,
        "log_scale": parts.of_spread,
        "scale": lambda: parts.of_scale(q.core.scale, math.sqrt(2.0)),
    }
    return of_q, parts.of_p


def _to_normal(q: Laplace, p: Normal) -> ToNormal:
    return ToNormal(q.core.loc - p.core.loc, q.core.scale.times(math.sqrt(2.0)), p)
