"""How far two distributions overlap, for bounds on mixtures. Imports only distributions and below.

Each function returns None for pairs of families it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from klosed._arrays import Array, constant, namespace
from klosed.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Chi2,
    ContinuousBernoulli,
    Dirichlet,
    Distribution,
    Exponential,
    Gamma,
    Geometric,
    HalfNormal,
    Independent,
    InverseGamma,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
    Poisson,
    Uniform,
    VonMisesFisher,
)
from klosed.distributions._categories import log_total
from klosed.distributions._matrices import ScatterValue, eye_like
from klosed.distributions.transformed import Pushforward
from klosed.divergences._functions import kl_divergence
from klosed.divergences.multivariate_normal import normal_vector

__all__ = ["chernoff", "cross_moment"]


def chernoff(f: Distribution, g: Distribution, tau: float) -> Array | None:
    r"""Return the Chernoff divergence of order τ ∈ (0, 1), in nats.

    .. math:: C_\tau = -\log\int f^{1-\tau} g^\tau
        = (1 - \tau)\,\mathrm{KL}(m \| f) + \tau\,\mathrm{KL}(m \| g), \qquad
        m \propto f^{1-\tau} g^\tau

    Within an exponential family m is the member halfway in the natural parameters (Nielsen,
    2013, "An information-geometric characterization of Chernoff information",
    doi:10.1109/LSP.2013.2243726). m minimises the right-hand side: its rounding enters only
    squared, nothing cancels, and the gradient is that with m held fixed.
    """
    if isinstance(f, Pushforward) and isinstance(g, Pushforward) and f.transform == g.transform:
        return chernoff(f.base, g.base, tau)  # an invertible map changes no integral
    if isinstance(f, Independent) and isinstance(g, Independent):
        return _of_factors(f, g, lambda a, b: chernoff(a, b, tau))
    if isinstance(f, (Bernoulli, Categorical, OneHotCategorical)) and type(f) is type(g):
        logs = (1.0 - tau) * _log_probs(f) + tau * _log_probs(g)
        return -log_total(logs)[..., 0]
    if isinstance(f, Uniform) and isinstance(g, Uniform):
        return _of_intervals(f, g, tau)
    member = _between(_fixed(f), _fixed(g), tau)
    if member is None:
        return None
    return (1.0 - tau) * kl_divergence(member, f) + tau * kl_divergence(member, g)


def cross_moment(f: Distribution, g: Distribution, t: float) -> Array | None:
    r"""Return what bounds the KL of a normal distribution from a sum by Jensen's inequality.

    .. math:: E_t = -t\,H(f) - \log\int f^t g
        = -\tfrac{td}2 + \tfrac12\log|I + t\,\Sigma_f^{-1}\Sigma_g|
        + \tfrac t2\,\Delta^\top(\Sigma_f + t\,\Sigma_g)^{-1}\Delta

    for any t > 0; t = 1 is the integral of a product of Durrieu, Thiran and Kelly (2012).
    """
    if isinstance(f, Normal) and isinstance(g, Normal):
        ratio = (g.core.scale / f.core.scale).value
        z = f.core.scale.divide(f.core.loc - g.core.loc)
        xp = namespace(z)
        spread = _finite((t * ratio) * ratio)
        of_shift = _finite((0.5 * t * z) * (z / (1.0 + spread)))
        return 0.5 * xp.log1p(spread) + of_shift - 0.5 * t
    if isinstance(f, Independent) and isinstance(g, Independent):
        return _of_factors(f, g, lambda a, b: cross_moment(a, b, t))
    vector_f, vector_g = _vector(f), _vector(g)
    if vector_f is None or vector_g is None:
        return None
    (loc_f, scatter_f), (loc_g, scatter_g) = vector_f, vector_g
    xp = namespace(loc_f)
    w = scatter_f.whiten(scatter_g.factor)
    root = ScatterValue("covariance_matrix", eye_like(w) + t * (w @ xp.matrix_transpose(w)))
    z = scatter_f.whiten((loc_f - loc_g)[..., None])
    y = root.whiten(z)[..., 0]
    return xp.sum(root.log_diagonal + (0.5 * t * y) * y - 0.5 * t, axis=-1)


def _fixed(d: Distribution) -> Distribution:
    return d.replace([constant(array) for array in d.parameters.values()])


def _of_factors(
    f: Independent, g: Independent, each: Callable[[Any, Any], Array | None]
) -> Array | None:
    if f.reinterpreted_batch_ndims != g.reinterpreted_batch_ndims:
        return None
    values = each(f.base, g.base)
    return None if values is None else f.sum_events(values)


def _log_probs(f: Any) -> Array:
    if isinstance(f, Bernoulli):
        p = f.core.probs
        return namespace(p.log).stack([p.log, p.log_complement], axis=-1)
    return f.core.probs.log


def _of_intervals(f: Uniform, g: Uniform, tau: float) -> Array:
    xp = namespace(f.width)
    high = xp.minimum(f.core.high, g.core.high)
    common = xp.clip(high - xp.maximum(f.core.low, g.core.low), min=0.0)
    return (1.0 - tau) * xp.log(f.width) + tau * xp.log(g.width) - xp.log(common)


# family -> parameters that are linear in the natural ones
_LINEAR: dict[type[Distribution], tuple[str, ...]] = {
    Beta: ("concentration1", "concentration0"),
    Chi2: ("df",),
    ContinuousBernoulli: ("logits",),
    Dirichlet: ("concentration",),
    Exponential: ("rate",),
    Gamma: ("concentration", "rate"),
    InverseGamma: ("concentration", "rate"),
}


def _between(f: Any, g: Any, tau: float) -> Distribution | None:
    """Return the distribution proportional to f^(1 − τ) g^τ."""
    for family, names in _LINEAR.items():
        if isinstance(f, family) and isinstance(g, family):
            return family(**{n: _mean(getattr(f, n), getattr(g, n), tau) for n in names})
    match f, g:
        case Normal(), Normal():
            log_scale, weight = _log_scale(f, g, tau)
            return Normal(f.core.loc + weight * (g.core.loc - f.core.loc), log_scale=log_scale)
        case HalfNormal(), HalfNormal():
            return HalfNormal(log_scale=_log_scale(f, g, tau)[0])
        case Poisson(), Poisson():
            log_rate = _mean(f.core.rate.log, g.core.rate.log, tau)
            return Poisson(rate=namespace(log_rate).exp(log_rate))  # which may be 0
        case Geometric(), Geometric():
            failure = _mean(f.core.probs.log_complement, g.core.probs.log_complement, tau)
            return Geometric(probs=-namespace(failure).expm1(failure))
        case VonMisesFisher(), VonMisesFisher():
            x = _mean(_natural(f), _natural(g), tau)
            return VonMisesFisher(x, _length(x)[..., 0])
    vectors = _vector(f), _vector(g)
    if vectors[0] is None or vectors[1] is None:
        return None
    return _normal_vector_between(*vectors, tau)


def _normal_vector_between(f: Any, g: Any, tau: float) -> Distribution:
    (loc_f, scatter_f), (loc_g, scatter_g) = f, g
    xp = namespace(loc_f)
    transpose = xp.matrix_transpose
    # in the coordinates in which f is standard normal: precision (1 − τ) I + τ V⁻ᵀV⁻¹
    w = scatter_g.whiten(scatter_f.factor)
    precision = (1.0 - tau) * eye_like(w) + tau * (transpose(w) @ w)
    shift = scatter_g.whiten((loc_g - loc_f)[..., None])
    inner = ScatterValue("covariance_matrix", precision)
    step = inner.unwhiten(inner.whiten(tau * (transpose(w) @ shift)))
    loc = loc_f + scatter_f.colour(step)[..., 0]
    half = transpose(inner.whiten(transpose(scatter_f.factor)))
    return MultivariateNormal(loc, covariance_matrix=half @ transpose(half))


def _vector(d: Distribution) -> tuple[Array, ScatterValue] | None:
    if isinstance(d, LowRankMultivariateNormal):
        return d.core.loc, ScatterValue("covariance_matrix", d.covariance_matrix)
    if isinstance(d, MultivariateNormal) or (
        isinstance(d, Independent)
        and isinstance(d.base, Normal)
        and d.reinterpreted_batch_ndims == 1
    ):
        return normal_vector(d)
    return None


def _log_scale(f: Any, g: Any, tau: float) -> tuple[Array, Array]:
    """Return log σ of the product of powers of normal densities, and g's share of precision."""
    a = math.log1p(-tau) - 2.0 * f.core.scale.log
    b = math.log(tau) - 2.0 * g.core.scale.log
    xp = namespace(a)
    top = xp.maximum(a, b)
    log_precision = top + xp.log1p(xp.exp(-xp.abs(a - b)))
    return -0.5 * log_precision, xp.exp(b - log_precision)


def _natural(d: VonMisesFisher) -> Array:
    direction = d.core.mean_direction
    return direction * (d.core.concentration.value[..., None] / _length(direction))


def _length(x: Array) -> Array:
    return namespace(x).linalg.vector_norm(x, axis=-1, keepdims=True)


def _mean(a: Array, b: Array, tau: float) -> Array:
    return (1.0 - tau) * a + tau * b


def _finite(x: Array) -> Array:
    return namespace(x).clip(x, max=float(namespace(x).finfo(x.dtype).max))
