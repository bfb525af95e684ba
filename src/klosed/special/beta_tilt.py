"""KL from a beta to a nearby exponentially tilted uniform distribution. Imports floor 0 only."""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, like, namespace
from klosed.special._evaluate import evaluate, scalar_form
from klosed.special.elementary import _log1mexp, _psi
from klosed.special.gamma import lgamma
from klosed.special.gamma_differences import lgamma_difference
from klosed.special.langevin import _log_sinhc
from klosed.special.logistic import _sigmoid, _softplus

__all__ = ["beta_tilt_divergence"]

# of the trapezoidal rule
_POINTS = 160


def beta_tilt_divergence(a: Array, b: Array, t: Array) -> Array:
    r"""Return KL of Beta(a, b) from the density proportional to exp(2tx) on [0, 1], in nats.

    .. math:: \mathrm{E}\left[e^\ell - 1 - \ell\right] \ge 0, \qquad \ell = \log\frac{p(X)}{q(X)}

    Parameters
    ----------
    a, b : array
        Positive, broadcastable with t and such that KL is not large: the points follow q.
    t : array
        Half the logit, any real number.

    Returns
    -------
    array
        ≥ 0, of the broadcast shape.

    Notes
    -----
    E exp(ℓ) is 1, so that, unlike in −E ℓ, no terms cancel, and an error in the densities'
    constants acts only by its square. The variable is κ = log(x/(1 − x)), by the double exponential
    rule of Takahasi and Mori (1974), doi:10.2977/prims/1195192451.

    Examples
    --------
    >>> from klosed.special.beta_tilt import beta_tilt_divergence
    >>> round(float(beta_tilt_divergence(2.0, 1.0, 0.0)), 12)  # log 2 − 1/2
    0.19314718056
    """
    return evaluate(_DIVERGENCE, a=a, b=b, t=t)


def _divergence(a: Array, b: Array, t: Array) -> Array:
    xp = namespace(a)
    one = 1.0 + 0.0 * (a + b + t)
    left, right = -1.0 - xp.log1p(b) * one, 1.0 + xp.log1p(a) * one
    # past these, κ goes exponentially to where the tails of q and p are below exp(−40)
    start = left - xp.log(40.0 / xp.clip(a, max=1.0))
    stop = right + xp.log(40.0 / xp.clip(b, max=1.0))
    step = ((stop - start) / (_POINTS - 1))[..., None]
    s = start[..., None] + step * like(np.arange(_POINTS), one)
    up, down = xp.exp(s - right[..., None]), xp.exp(left[..., None] - s)
    kappa, weights = s + up - down, step * (1.0 + up + down)

    wide_a, wide_b, wide_t = a[..., None], b[..., None], t[..., None]
    log_x, log_rest = -_softplus(-kappa), -_softplus(kappa)
    log_q = wide_a * log_x + wide_b * log_rest - _log_beta(a, b)[..., None]
    log_p = _log_tilted(kappa, wide_t) + log_x + log_rest
    ell = log_p - log_q
    large = ell > 1.0
    surprise = xp.where(large, -1.0 - ell, _psi(xp.where(large, 0.0, ell)))
    beyond = xp.where(large, xp.exp(log_p), 0.0)
    return xp.sum(weights * (xp.exp(log_q) * surprise + beyond), axis=-1)


def _log_tilted(kappa: Array, t: Array) -> Array:
    """Return 2t(x − ½) − log(sinh(t)/t), counted from the likely end where t is large."""
    xp = namespace(t)
    far = xp.abs(t) > 1.0
    size = xp.where(far, xp.abs(t), 1.0)
    from_end = _sigmoid(xp.where(t > 0.0, -kappa, kappa))
    steep = xp.log(2.0 * size) - _log1mexp(2.0 * size) - 2.0 * size * from_end
    inner = xp.where(far, 0.0, t)
    return xp.where(far, steep, inner * (_sigmoid(kappa) - _sigmoid(-kappa)) - _log_sinhc(inner))


def _log_beta(a: Array, b: Array) -> Array:
    xp = namespace(a)
    low, high = xp.minimum(a, b), xp.maximum(a, b)
    return lgamma(low) - lgamma_difference(high + low, high, low)


_DIVERGENCE = scalar_form(_divergence, None, arity=3)
