"""KL from a Pareto distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Pareto
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl

__all__ = ["kl_pareto_pareto"]


@register_kl(Pareto, Pareto)
def kl_pareto_pareto(q: Pareto, p: Pareto) -> Array:
    r"""KL of two Pareto distributions, in nats: a sum of two nonnegative terms; mq ≥ mp.

    .. math::
        \mathrm{KL} = (r - 1 - \log r) + \alpha_p \log\frac{m_q}{m_p}, \qquad
        r = \alpha_p / \alpha_q

    Notes
    -----
    log x − log m of a Pareto variable is exponential with rate α: the first term is their KL.
    """
    return (p.core.alpha / q.core.alpha).excess + p.core.alpha.multiply(_log_above(q, p))


@kl_pareto_pareto.gradient
def _grad_pareto_pareto(q: Pareto, p: Pareto) -> tuple[Gradients, Gradients]:
    t = (p.core.alpha / q.core.alpha).minus_one
    alpha = p.core.alpha.value
    return (
        {"log_scale": alpha, "log_alpha": -t},
        {
            "log_scale": -alpha,
            "log_alpha": lambda: t + p.core.alpha.multiply(_log_above(q, p)),
        },
    )


def _log_above(q: Pareto, p: Pareto) -> Array:
    """Return log(mq/mp), which rounding must not make negative."""
    log = (q.core.scale / p.core.scale).log
    return namespace(log).clip(log, min=0.0)
