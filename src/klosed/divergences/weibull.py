"""KL from a Weibull distribution. Imports only distributions and below."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions import Weibull
from klosed.distributions._base import Gradients
from klosed.divergences._registry import register_kl
from klosed.special import digamma, digamma_difference, lgamma_bregman, lgamma_difference, psi

__all__ = ["kl_weibull_weibull"]


@register_kl(Weibull, Weibull)
def kl_weibull_weibull(q: Weibull, p: Weibull) -> Array:
    r"""KL of two Weibull distributions, in nats: a sum of two nonnegative terms.

    .. math::
        \mathrm{KL} = \psi(w) + \log\Gamma(r) + \gamma (r - 1), \qquad
        w = k_p \log\frac{\lambda_q}{\lambda_p} + \log\Gamma(1 + r), \quad r = k_p / k_q

    with ψ(w) = exp(w) − 1 − w; the rest is the Bregman divergence of log Γ from 1.

    Notes
    -----
    Bauckhage (2013), "Computing the Kullback–Leibler divergence between two Weibull
    distributions", arXiv:1310.3713, equation 18, regrouped. exp(w), the mean of (x/λp)^kp under
    q, loses about |w| units of the last place. The gradients in concentration are true sums,
    accurate relative to their terms.
    """
    return _Pair(q, p).value()


@kl_weibull_weibull.gradient
def _grad_weibull_weibull(q: Weibull, p: Weibull) -> tuple[Gradients, Gradients]:
    return _Pair(q, p).gradients()


class _Pair:
    def __init__(self, q: Weibull, p: Weibull) -> None:
        ratio = p.core.concentration / q.core.concentration
        self.r, self.t = ratio.value, ratio.minus_one
        self.shift = p.core.concentration.multiply((q.core.scale / p.core.scale).log)
        self.slope = p.core.concentration.value

    def value(self) -> Array:
        return psi(self._log_mean()) + lgamma_bregman(self.r, self._one(), self.t)

    def gradients(self) -> tuple[Gradients, Gradients]:
        excess = namespace(self.r).expm1(self._log_mean())
        of_scale = self.slope * excess
        # ∂/∂log r of log Γ(1 + r), and of what is left of log Γ(r)
        turn = self.r * digamma(1.0 + self.r)

        def of_ratio() -> Array:
            return self.r * digamma_difference(self.r, self._one(), self.t)

        return (
            {
                "log_scale": of_scale,
                "log_concentration": lambda: -(turn * excess + of_ratio()),
            },
            {
                "log_scale": -of_scale,
                "log_concentration": lambda: (self.shift + turn) * excess + of_ratio(),
            },
        )

    def _log_mean(self) -> Array:
        """Return w; log Γ(1 + r) from its nearer root, 1 or 2."""
        xp = namespace(self.r)
        low = self.r < 0.5
        root = xp.where(low, self._one(), 2.0)
        step = xp.where(low, self.r, self.t)
        return self.shift + lgamma_difference(1.0 + self.r, root, step)

    def _one(self) -> Array:
        return namespace(self.r).ones_like(self.r)
