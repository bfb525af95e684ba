"""Entropy of the negative binomial, which has no elementary closed form, as smooth integrals.

With r, the mean μ, s = 1 − exp(−t), y = μs/r and G = (1 + y)^−r,

    H = −r log(1 − π) − μ log π + ∫ (1 − G) (exp(−rt) − exp(−t)) / (s t) dt,   0 < t < ∞,

a sum of positive terms for r < 1. For r ≥ 1 the same, with log Γ at the means taken out:

    H = log[Γ(1 + μ) Γ(r) / Γ(r + μ)] + … + ∫ (G − exp(−μt)) (exp(−t) − exp(−rt)) / (s t) dt.

After Cheraghchi (2018), "Expressions for the entropy of binomial-type distributions",
arXiv:1708.06394. Imports nothing from klosed above special.
"""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions._count_integrals import bounded, integrate, wide_rule
from klosed.distributions._counts import factorial_excess, grad_factorial_excess
from klosed.distributions._probabilities import ProbabilityValue
from klosed.distributions._sizes import product
from klosed.special import (
    digamma_minus_log,
    digamma_minus_log_difference,
    lgamma_difference,
    log1p,
    phi,
    psi,
)
from klosed.special._evaluate import evaluate, scalar_form

__all__ = ["grad_negative_binomial_entropy", "negative_binomial_entropy"]


def negative_binomial_entropy(r: Array, p: ProbabilityValue) -> Array:
    """Return the entropy in nats of the successes, of probability p, before r failures."""
    xp = namespace(r)
    mean = r * p.odds
    surprise = -p.log_complement
    below = r * surprise + product(mean, -p.log) + evaluate(_BELOW, r=r, mean=mean)
    plain = factorial_excess(r) - factorial_excess(r + mean) + surprise
    rare = mean * (xp.log(r) - 1.0) + (r + mean) * surprise - lgamma_difference(r + mean, r, mean)
    above = factorial_excess(mean) + xp.where(mean < 1.0, rare, plain)
    return xp.where(r < 1.0, below, above + evaluate(_ABOVE, r=r, mean=mean))


def grad_negative_binomial_entropy(r: Array, p: ProbabilityValue) -> tuple[Array, Array]:
    """Return its derivatives in r and in the mean."""
    where = namespace(r).where
    mean = r * p.odds
    in_r = where(
        r < 1.0,
        evaluate(_BELOW_IN_R, r=r, mean=mean) - p.log_complement,
        evaluate(_ABOVE_IN_R, r=r, mean=mean) - digamma_minus_log_difference(r + mean, r, mean),
    )
    in_mean = where(
        r < 1.0,
        evaluate(_BELOW_IN_MEAN, r=r, mean=mean) - p.log,
        evaluate(_ABOVE_IN_MEAN, r=r, mean=mean)
        + (grad_factorial_excess(mean) - digamma_minus_log(r + mean)),
    )
    return in_r, in_mean


def _below(r: Array, mean: Array) -> Array:
    r, mean, t, s, weights = _wide(r, mean)
    xp = namespace(t)
    hit = -xp.expm1(-r * log1p(mean * s / r))
    return integrate(hit * (xp.exp(-r * t) - xp.exp(-t)) / s, t, weights)


def _below_in_mean(r: Array, mean: Array) -> Array:
    r, mean, t, s, weights = _wide(r, mean)
    xp = namespace(t)
    miss = xp.exp(-(r + 1.0) * log1p(mean * s / r))
    return integrate(miss * (xp.exp(-r * t) - xp.exp(-t)), t, weights)


def _below_in_r(r: Array, mean: Array) -> Array:
    r, mean, t, s, weights = _wide(r, mean)
    xp = namespace(t)
    y = mean * s / r
    log_miss, slow = -r * log1p(y), xp.exp(-r * t)
    growth = xp.exp(log_miss) * phi(-y / (1.0 + y)) * (slow - xp.exp(-t))
    return integrate((growth + xp.expm1(log_miss) * t * slow) / s, t, weights)


def _wide(r: Array, mean: Array) -> tuple[Array, ...]:
    # above 1 these integrals are not used
    r, mean = namespace(r).clip(r, max=1.0)[..., None], bounded(mean)[..., None]
    return r, mean, *wide_rule(1.0 + mean, r)


def _above(r: Array, mean: Array) -> Array:
    def part(decay: Array) -> Array:
        t, s, weights, lift, log_miss = _lifted(r, mean, decay)
        xp = namespace(t)
        weight = xp.exp(log_miss - decay * t)
        return integrate(-xp.expm1(-lift) * weight / s, t, weights)

    r, mean = _columns(r, mean)
    return part(namespace(r).ones_like(r)) - part(r)


def _above_in_mean(r: Array, mean: Array) -> Array:
    def part(decay: Array) -> Array:
        t, s, weights, lift, log_miss = _lifted(r, mean, decay)
        xp = namespace(t)
        y = mean * s / r
        change = psi(-t) + s * (y / (1.0 + y)) + t * xp.expm1(-lift)
        return integrate(change * xp.exp(log_miss - decay * t) / s, t, weights)

    r, mean = _columns(r, mean)
    return part(namespace(r).ones_like(r)) - part(r)


def _above_in_r(r: Array, mean: Array) -> Array:
    def part(decay: Array, share: float) -> Array:
        t, s, weights, lift, log_miss = _lifted(r, mean, decay)
        xp = namespace(t)
        y = mean * s / r
        change = share * t * xp.expm1(-lift) - phi(-y / (1.0 + y))
        return integrate(change * xp.exp(log_miss - decay * t) / s, t, weights)

    r, mean = _columns(r, mean)
    return part(namespace(r).ones_like(r), 0.0) - part(r, 1.0)


def _columns(r: Array, mean: Array) -> tuple[Array, Array]:
    return bounded(r)[..., None], bounded(mean)[..., None]


def _lifted(r: Array, mean: Array, decay: Array) -> tuple[Array, ...]:
    """Return points, s, weights, log G + μt and log G, for a fall like exp(−decay t)."""
    t, s, weights = wide_rule(decay + mean, decay)
    y = mean * s / r
    return t, s, weights, mean * psi(-t) + r * phi(y), -r * log1p(y)


_BELOW = scalar_form(_below, None, arity=2)
_BELOW_IN_MEAN = scalar_form(_below_in_mean, None, arity=2)
_BELOW_IN_R = scalar_form(_below_in_r, None, arity=2)
_ABOVE = scalar_form(_above, None, arity=2)
_ABOVE_IN_MEAN = scalar_form(_above_in_mean, None, arity=2)
_ABOVE_IN_R = scalar_form(_above_in_r, None, arity=2)
