"""KL from a negative binomial distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import NegativeBinomial
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.divergences._totals import never_differ, where_equal

__all__ = ["kl_negative_binomial_negative_binomial"]


def _share_totals(q: NegativeBinomial, p: NegativeBinomial) -> bool:
    """Return True unless total_count is known to differ somewhere."""
    return never_differ(q.core.total_count.value, p.core.total_count.value)


@register_kl(NegativeBinomial, NegativeBinomial, when=_share_totals)
def kl_negative_binomial_negative_binomial(q: NegativeBinomial, p: NegativeBinomial) -> Array:
    r"""KL of two negative binomial distributions of the same total r, in nats.

    .. math::
        \mathrm{KL} = \frac{r}{1 - \pi_q}
        \left(d(\pi_q, \pi_p) + d(1 - \pi_q, 1 - \pi_p)\right), \qquad
        d(x, m) = x \log\frac{x}{m} + m - x

    The trials are Bernoulli, and r/(1 − πq) of them are expected. The gradient in logit πq is
    r πq/(1 − πq) · log(πq/πp), in logit πp it is r (πp − πq)/(1 − πq); in total_count, which
    q and p must share, it is 0.

    Notes
    -----
    Between different totals there is no closed form, and NoClosedFormError says so (NaN under
    jit). Divided by 1 − πq before it is summed, as the KL of geometric distributions is.
    Measured against mpmath, totals of 1e-8 … 1e8, near-equal parameters (1 … 1e-12) included: at
    most 4 ulp, gradients 1e-15 relative; logits of ±500: 2 ulp, gradients 2e-14.
    """
    failures = q.core.probs.against(p.core.probs).flipped
    r = q.core.total_count
    value = r.multiply(failures.divergence_per_event)
    return where_equal(r.value, p.core.total_count.value, value)


@kl_negative_binomial_negative_binomial.gradient
def _grad_negative_binomial(
    q: NegativeBinomial, p: NegativeBinomial
) -> tuple[Gradients, Gradients]:
    contrast = q.core.probs.against(p.core.probs)
    r = q.core.total_count

    def grad_probs_q() -> Array:
        y = q.core.probs.complement
        return r.multiply(contrast.log_ratio) / y / y

    def grad_probs_p() -> Array:
        return r.multiply(p.core.probs.slope_against(contrast)) / q.core.probs.complement

    return (
        {
            "logits": lambda: -r.multiply(contrast.flipped.slope_per_event),
            "probs": grad_probs_q,
        },
        {
            "logits": lambda: -r.multiply(contrast.flipped.excess_per_event),
            "probs": grad_probs_p,
        },
    )
