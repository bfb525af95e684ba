"""What the gamma and its relatives share: the density and entropy of log y, y ~ Gamma(α, 1).

A relative is x = c y^p: its log density is that of log y less log |dx/d log y|, its entropy that
of log y plus E[log |dx/d log y|]. Imports nothing from klosed above special.
"""

from __future__ import annotations

import math

from klosed._arrays import Array, namespace
from klosed.special import (
    bd0,
    digamma_minus_log,
    log_ratio,
    trigamma_minus_reciprocal,
)
from klosed.special.stirling import stirling_remainder

__all__ = [
    "entropy_of_log",
    "grad_entropy_of_log",
    "grad_log_density",
    "log_density",
    "log_peak",
]

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def log_peak(alpha: Array) -> Array:
    """Return α log α − α − log Γ(α), the density of log y at its mode, without cancellation."""
    return 0.5 * namespace(alpha).log(alpha) - _HALF_LOG_2PI - stirling_remainder(alpha)


def log_density(alpha: Array, y: Array) -> Array:
    """Return α log y − y − log Γ(α), the log density of log y.

    Loader (2000), "Fast and accurate computation of binomial probabilities".
    """
    xp = namespace(y)
    finite = y < math.inf
    return xp.where(finite, log_peak(alpha) - bd0(alpha, xp.where(finite, y, 1.0)), -math.inf)


def grad_log_density(alpha: Array, y: Array) -> Array:
    """Return α ∂/∂α of `log_density`; its ∂/∂ log y is α − y."""
    return alpha * (log_ratio(y, alpha) - digamma_minus_log(alpha))


def entropy_of_log(alpha: Array) -> Array:
    """Return log Γ(α) + α − α ψ(α), the entropy of log y in nats."""
    return -log_peak(alpha) - alpha * digamma_minus_log(alpha)


def grad_entropy_of_log(alpha: Array) -> Array:
    """Return α ∂/∂α of `entropy_of_log`."""
    return -alpha * (alpha * trigamma_minus_reciprocal(alpha))
