"""KL from a uniform distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Uniform
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special import log_ratio

__all__ = ["kl_uniform_uniform"]


@register_kl(Uniform, Uniform)
def kl_uniform_uniform(q: Uniform, p: Uniform) -> Array:
    r"""KL of two uniform distributions, in nats; q's interval lies in p's.

    .. math::
        \mathrm{KL} = \log\frac{w_p}{w_q}, \quad w = b - a, \quad
        w_p - w_q = (b_p - b_q) + (a_q - a_p)

    Notes
    -----
    The difference of the widths is a sum of two nonnegative numbers.
    """
    wider = (p.core.high - q.core.high) + (q.core.low - p.core.low)
    return log_ratio(p.width, q.width, wider)


@kl_uniform_uniform.gradient
def _grad_uniform_uniform(q: Uniform, p: Uniform) -> tuple[Gradients, Gradients]:
    slope_q, slope_p = 1.0 / q.width, 1.0 / p.width
    return {"low": slope_q, "high": -slope_q}, {"low": -slope_p, "high": slope_p}
