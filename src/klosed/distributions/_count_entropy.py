"""Entropies of counts, which have no elementary closed form, as one smooth integral each.

For a count X of mean μ and generating function G(t) = E[exp(−tX)], Malmstén's integral for log Γ
and s = 1 − exp(−t) give, with an integrand that is never negative,

    E[log X!] − log Γ(1 + μ) = ∫ (G(t) − exp(−μt)) exp(−t) / (s t) dt,   0 < t < ∞.

After Cheraghchi (2018), "Expressions for the entropy of binomial-type distributions",
arXiv:1708.06394.
Imports nothing from klosed above special.
"""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.distributions._categories import CategoriesValue
from klosed.distributions._count_integrals import bounded, integrate, rule
from klosed.distributions._counts import factorial_excess, grad_factorial_excess
from klosed.distributions._probabilities import ProbabilityValue
from klosed.distributions._sizes import product
from klosed.special import lgamma_difference, log1p, psi, softplus_bregman
from klosed.special._evaluate import evaluate, is_single, scalar_form

__all__ = [
    "binomial_entropy",
    "binomial_gap",
    "grad_binomial_entropy",
    "grad_binomial_gap",
    "grad_multinomial_entropy",
    "grad_poisson_entropy",
    "multinomial_entropy",
    "poisson_entropy",
]


def poisson_entropy(rate: Array) -> Array:
    """Return the entropy of a Poisson count in nats."""
    return factorial_excess(rate) + evaluate(_POISSON_GAP, rate=rate)


def grad_poisson_entropy(rate: Array) -> Array:
    """Return the derivative of `poisson_entropy`, which is inf at 0."""
    return grad_factorial_excess(rate) + evaluate(_GRAD_POISSON_GAP, rate=rate)


def binomial_entropy(n: Array, p: ProbabilityValue) -> Array:
    """Return the entropy of a binomial count in nats."""
    xp = namespace(n)
    few = n * xp.minimum(p.value, p.complement)
    # Σ over both outcomes of log Γ(1 + their mean), less log n!, each less x log x − x
    many = factorial_excess(n - few) - factorial_excess(n)
    log_n = xp.log(xp.where(n > 0.0, n, 1.0))
    log_many = xp.maximum(p.log, p.log_complement)
    rare = lgamma_difference(n - few + 1.0, n + 1.0, -few) + (
        few * (log_n - 1.0) - (n - few) * log_many
    )
    gaps = binomial_gap(n, p.value, p.logits) + binomial_gap(n, p.complement, -p.logits)
    return factorial_excess(few) + xp.where(few < 1.0, rare, many) + gaps


def grad_binomial_entropy(n: Array, p: ProbabilityValue) -> Array:
    """Return the derivative of `binomial_entropy` in p; inf at 0 and −inf at 1."""
    x, y = n * p.value, n * p.complement
    means = product(n, grad_factorial_excess(x) - grad_factorial_excess(y))
    gaps = grad_binomial_gap(n, p.value, p.logits) - grad_binomial_gap(n, p.complement, -p.logits)
    return means + gaps


def multinomial_entropy(n: Array, pi: CategoriesValue) -> Array:
    """Return the entropy of a vector of counts in nats."""
    whole, value = n[..., None], pi.value
    each = factorial_excess(whole * value) + binomial_gap(whole, value, _log_odds(pi))
    return namespace(n).sum(each, axis=-1) - factorial_excess(n)


def grad_multinomial_entropy(n: Array, pi: CategoriesValue) -> Array:
    """Return the derivative of `multinomial_entropy` in each π, as if they were free; inf at 0."""
    whole, value = n[..., None], pi.value
    means = product(whole, grad_factorial_excess(whole * value))
    return means + grad_binomial_gap(whole, value, _log_odds(pi))


def binomial_gap(n: Array, p: Array, logits: Array) -> Array:
    """Return E[log X!] − log Γ(1 + np) for a binomial count X of probability p."""
    return evaluate(_BINOMIAL_GAP, n=n, p=p, logits=_finite(logits))


def grad_binomial_gap(n: Array, p: Array, logits: Array) -> Array:
    """Return the derivative of `binomial_gap` in p."""
    return evaluate(_GRAD_BINOMIAL_GAP, n=n, p=p, logits=_finite(logits))


def _poisson_gap(rate: Array) -> Array:
    rate = bounded(rate)[..., None]
    t, s, weights = rule(1.0 + rate)
    lift = rate * psi(-t)
    return integrate(-namespace(t).expm1(-lift) * namespace(t).exp(-rate * s - t) / s, t, weights)


def _grad_poisson_gap(rate: Array) -> Array:
    rate = bounded(rate)[..., None]
    t, s, weights = rule(1.0 + rate)
    slope = psi(-t)
    change = slope + t * namespace(t).expm1(-rate * slope)
    return integrate(change * namespace(t).exp(-rate * s - t) / s, t, weights)


def _binomial_gap(n: Array, p: Array, logits: Array) -> Array:
    n, p, a = n[..., None], p[..., None], logits[..., None]
    mean = bounded(n * p)
    t, s, weights = rule(1.0 + mean)
    # npt + n log(1 − ps), n times a divergence of Bernoullis tilted by −t
    lift = n * softplus_bregman(a - t, a, -t)
    weight = namespace(t).exp(lift - mean * t - t)
    return integrate(-namespace(t).expm1(-lift) * weight / s, t, weights)


def _grad_binomial_gap(n: Array, p: Array, logits: Array) -> Array:
    n, p, a = n[..., None], p[..., None], logits[..., None]
    xp = namespace(p)
    t, s, weights = rule(1.0 + bounded(n * p))
    each = softplus_bregman(a - t, a, -t)
    log_miss = each - p * t  # log(1 − ps)
    slope = psi(-t) + t * xp.expm1(-n * each)
    integrand = slope * xp.exp(n * log_miss - t) - p * s * s * xp.exp((n - 1.0) * log_miss - t)
    return integrate(n * integrand / s, t, weights)


def _log_odds(pi: CategoriesValue) -> Array:
    return pi.log - log1p(-pi.value)


def _finite(logits: Array) -> Array:
    # beyond, the probability is 0 or 1 and the integrand 0
    bound = 110.0 if is_single(logits) else 750.0
    return namespace(logits).clip(logits, min=-bound, max=bound)


_GRAD_POISSON_GAP = scalar_form(_grad_poisson_gap, None)
_POISSON_GAP = scalar_form(_poisson_gap, None)
_GRAD_BINOMIAL_GAP = scalar_form(_grad_binomial_gap, None, arity=3)
_BINOMIAL_GAP = scalar_form(_binomial_gap, None, arity=3)
