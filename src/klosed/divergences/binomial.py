"""KL from a binomial distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Binomial
from klosed.distributions._base import Gradients
from klosed.distributions._sizes import product
from klosed.divergences._registry import register_kl
from klosed.divergences._totals import never_differ, where_equal

__all__ = ["kl_binomial_binomial"]


def _share_totals(q: Binomial, p: Binomial) -> bool:
    """Return True unless q is known to have fewer trials than p somewhere.

    Where q has more, its support decides: the divergence is infinite.
    """
    return never_differ(
        q.core.total_count, p.core.total_count, relevant=p.support.covers(q.support)
    )


@register_kl(Binomial, Binomial, when=_share_totals)
def kl_binomial_binomial(q: Binomial, p: Binomial) -> Array:
    r"""KL of two binomial distributions of the same total n, in nats: two nonnegative terms.

    .. math::
        \mathrm{KL} = n \left(d(\pi_q, \pi_p) + d(1 - \pi_q, 1 - \pi_p)\right), \qquad
        d(x, m) = x \log\frac{x}{m} + m - x

    Notes
    -----
    It is n times the KL of the trials. With more trials in q than in p it is inf, by the supports;
    with fewer there is no closed form, and NoClosedFormError says so (NaN under jit).
    Measured against mpmath, near-equal parameters (1 … 1e-12), probs of 1e-280 … 1 − 1e-15 and
    logits of ±500 included: at most 4 ulp, gradients 1e-15 relative.
    """
    n = q.core.total_count
    value = product(n, q.core.probs.against(p.core.probs).divergence)
    return where_equal(n, p.core.total_count, value)


@kl_binomial_binomial.gradient
def _grad_binomial_binomial(q: Binomial, p: Binomial) -> tuple[Gradients, Gradients]:
    n = q.core.total_count
    contrast = q.core.probs.against(p.core.probs)
    return (
        {
            "logits": lambda: n * (q.core.probs.variance * contrast.log_odds),
            "probs": lambda: product(n, contrast.log_odds),
        },
        {
            "logits": lambda: -n * contrast.difference,
            "probs": lambda: n * p.core.probs.slope_against(contrast),
        },
    )
