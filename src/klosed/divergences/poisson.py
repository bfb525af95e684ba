"""KL from a Poisson distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import Poisson
from klosed.distributions._base import Gradients
from klosed.distributions._sizes import compare, slope
from klosed.divergences._registry import register_kl

__all__ = ["kl_poisson_poisson"]


@register_kl(Poisson, Poisson)
def kl_poisson_poisson(q: Poisson, p: Poisson) -> Array:
    r"""KL of two Poisson distributions, in nats: one nonnegative term.

    .. math:: \mathrm{KL} = \lambda_q \log\frac{\lambda_q}{\lambda_p} + \lambda_p - \lambda_q

    Notes
    -----
    Loader's (2000) bd0(λq, λp): λp where λq = 0, inf where λp = 0 < λq.
    Measured against mpmath, near-equal parameters (1 … 1e-12), rates of 1e-150 … 1e150 and log
    rates of ±300 included: at most 3 ulp, gradients 1e-15 relative. A rate against a log rate is
    no nearer than rounding: there the error is about max(1, λ/|λq − λp|) ulp.
    """
    return compare(q.core.rate, p.core.rate).deviance


@kl_poisson_poisson.gradient
def _grad_poisson_poisson(q: Poisson, p: Poisson) -> tuple[Gradients, Gradients]:
    rates = compare(q.core.rate, p.core.rate)
    return (
        {
            "log_rate": lambda: q.core.rate.multiply(rates.log_ratio),
            "rate": lambda: rates.log_ratio,
        },
        {
            "log_rate": lambda: -rates.difference,
            "rate": lambda: slope(p.core.rate.value, rates.difference),
        },
    )
