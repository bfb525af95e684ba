"""KL from a Cauchy distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Cauchy
from klosed.distributions._base import Gradients
from klosed.distributions.cauchy import log1p_square
from klosed.divergences._registry import register_kl
from klosed.special import sigmoid

__all__ = ["kl_cauchy_cauchy"]


@register_kl(Cauchy, Cauchy)
def kl_cauchy_cauchy(q: Cauchy, p: Cauchy) -> Array:
    r"""KL of two Cauchy distributions, in nats; it is symmetric.

    .. math::
        \mathrm{KL} = \log\frac{(\sigma_q + \sigma_p)^2 + (\mu_q - \mu_p)^2}{4\sigma_q\sigma_p}
        = \log\left(1 + \sinh^2\!\frac{\log r}{2}
        + \frac{(\mu_q - \mu_p)^2}{4\sigma_q\sigma_p}\right), \qquad r = \sigma_q / \sigma_p

    Notes
    -----
    Chyzak and Nielsen (2019), "A closed-form formula for the Kullback–Leibler divergence between
    Cauchy distributions", arXiv:1905.10965, theorem 1; the second form does not cancel.
    Measured: within 4 units of the last place everywhere. The gradients in the scales are
    accurate relative to the sizes of their two terms, which may cancel.
    """
    distance = namespace(q.core.loc).abs(q.core.loc - p.core.loc)
    xp = namespace(distance)
    # the root of a product of quotients, each of which may be far larger than the product
    roots = xp.sqrt(q.core.scale.divide(distance)) * xp.sqrt(p.core.scale.divide(distance))
    scales = xp.sinh(0.5 * (q.core.scale / p.core.scale).log)
    return log1p_square(xp.hypot(scales, 0.5 * roots))


@kl_cauchy_cauchy.gradient
def _grad_cauchy_cauchy(q: Cauchy, p: Cauchy) -> tuple[Gradients, Gradients]:
    shift = q.core.loc - p.core.loc
    xp = namespace(shift)
    log = (q.core.scale / p.core.scale).log
    narrow = log < 0.0
    share = sigmoid(-xp.abs(log))

    def over_sum(x: Array) -> Array:
        """Return x / (σq + σp), by the larger of the two."""
        larger = xp.where(narrow, p.core.scale.divide(x), q.core.scale.divide(x))
        return larger * (1.0 - share)

    largest = float(xp.finfo(shift.dtype).max)
    z = xp.clip(over_sum(shift), min=-largest, max=largest)
    # 1 + z² = h², in parts that do not overflow
    h = xp.hypot(z, xp.ones_like(z))
    of_shift = (z / h) * (z / h)
    of_scale = xp.tanh(0.5 * log) / h / h
    slope = 2.0 * over_sum(z / h / h)
    return (
        {"loc": slope, "log_scale": of_scale - of_shift},
        {"loc": -slope, "log_scale": -of_scale - of_shift},
    )
