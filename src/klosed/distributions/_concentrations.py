"""What the beta and the Dirichlet share: formulas on concentrations along the last axis.

A beta is a Dirichlet of two parts. Imports nothing from klosed above special.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed._arrays import Array, constant, namespace
from klosed.distributions._gamma import entropy_of_log, log_peak
from klosed.distributions._sampling import as_numpy
from klosed.special import (
    bd0,
    digamma_minus_log,
    log_gamma_quantile,
    log_ratio,
    trigamma,
    trigamma_minus_reciprocal,
)

__all__ = [
    "draw_parts",
    "entropy",
    "grad_entropy",
    "grad_log_density",
    "log_density",
    "parts_of_noise",
    "total",
]


def total(x: Array) -> Array:
    """Return the sum over the last axis, which stays with length one."""
    return namespace(x).sum(x, axis=-1, keepdims=True)


def log_density(alpha: Array, x: Array) -> Array:
    """Return Σ (α − 1) log x − log B(α), without the cancellation at large α.

    Loader (2000), "Fast and accurate computation of binomial probabilities". At x = 0 it is
    ±inf, and finite where α = 1.
    """
    xp = namespace(alpha)
    whole = total(alpha)
    inside = x > 0.0
    y = xp.where(inside, x, 1.0)
    edge = xp.where(alpha < 1.0, math.inf, xp.where(alpha > 1.0, -math.inf, log_peak(alpha)))
    at_edge = edge + (alpha - alpha * xp.log(alpha / whole))
    each = xp.where(inside, log_peak(alpha) - bd0(alpha, whole * y) - xp.log(y), at_edge)
    return xp.sum(each, axis=-1) - log_peak(whole)[..., 0]


def grad_log_density(alpha: Array, x: Array) -> Array:
    """Return log x − ψ(α) + ψ(Σα), the gradient of `log_density` in α; that in x is (α − 1)/x."""
    whole = total(alpha)
    return log_ratio(whole * x, alpha) - digamma_minus_log(alpha) + digamma_minus_log(whole)


def entropy(alpha: Array) -> Array:
    """Return log B(α) − Σ (α − 1)(ψ(α) − ψ(Σα)), in nats, without the cancellation at large α."""
    whole = total(alpha)
    mean_log = log_ratio(alpha, whole) + digamma_minus_log(alpha) - digamma_minus_log(whole)
    each = entropy_of_log(alpha) + mean_log
    return namespace(alpha).sum(each, axis=-1) - entropy_of_log(whole)[..., 0]


def grad_entropy(alpha: Array) -> Array:
    """Return the gradient of `entropy` in α."""
    whole, n = total(alpha), alpha.shape[-1]
    spread = whole * trigamma_minus_reciprocal(whole) - alpha * trigamma_minus_reciprocal(alpha)
    return spread + (trigamma(alpha) - n * trigamma(whole))


def parts_of_noise(alpha: Array, noise: Array) -> Array:
    """Return parts of 1, along the last axis, for noise that is uniform on (0, 1)."""
    xp = namespace(noise)
    # by logarithms, because gamma draws of small α underflow
    logs = log_gamma_quantile(alpha, noise)
    parts = xp.exp(logs - constant(xp.max(logs, axis=-1, keepdims=True)))
    return parts / total(parts)


def draw_parts(rng: np.random.Generator, alpha: Array, shape: tuple[int, ...]) -> NDArray[Any]:
    """Draw Dirichlet parts of the given full shape in float64, however small α is.

    A Gamma(α) draw is a Gamma(α + 1) draw times u^(1/α), taken in logarithms: it may underflow.
    """
    concentration = as_numpy(alpha)
    logs = np.log(rng.standard_gamma(concentration + 1.0, shape))
    logs = logs - rng.standard_exponential(shape) / concentration
    parts = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return parts / parts.sum(axis=-1, keepdims=True)
