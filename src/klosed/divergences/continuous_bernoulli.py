"""KL from a continuous Bernoulli distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array
from klosed.distributions import ContinuousBernoulli
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special.langevin import langevin_difference, log_sinhc_bregman

__all__ = ["kl_continuous_bernoulli_continuous_bernoulli"]


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def kl_continuous_bernoulli_continuous_bernoulli(
    q: ContinuousBernoulli, p: ContinuousBernoulli
) -> Array:
    r"""KL of two continuous Bernoulli distributions, in nats: one Bregman divergence.

    .. math::
        \mathrm{KL} = L(t_p) - L(t_q) - L'(t_q)(t_p - t_q) \ge 0, \qquad
        t = \tfrac12 \log\frac{\pi}{1 - \pi}, \quad L(t) = \log\frac{\sinh t}{t}

    Notes
    -----
    The family is exponential with log-normaliser t + L(t), whose linear part cancels; t_p − t_q
    comes from probs or logits without cancellation. In the logits the gradient is
    −¼ L''(t_q)(η_p − η_q) for q and ½(L'(t_p) − L'(t_q)) for p, a difference of means.
    """
    return log_sinhc_bregman(p.tilt, q.tilt, 0.5 * _step(q, p))


@kl_continuous_bernoulli_continuous_bernoulli.gradient
def _grad_same(q: ContinuousBernoulli, p: ContinuousBernoulli) -> tuple[Gradients, Gradients]:
    step = _step(q, p)
    return (
        {"logits": lambda: -q.variance * step},
        {"logits": lambda: 0.5 * langevin_difference(p.tilt, q.tilt, 0.5 * step)},
    )


def _step(q: ContinuousBernoulli, p: ContinuousBernoulli) -> Array:
    """Return the logit of p less that of q."""
    return p.core.probs.against(q.core.probs).log_odds
