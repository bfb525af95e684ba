"""KL from a power spherical to a Fisher distribution, integrated. Imports floor 0 only."""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, like, namespace
from klosed._autodiff import ClosedForm
from klosed.special._evaluate import evaluate
from klosed.special.elementary import phi, psi
from klosed.special.logistic import log_sigmoid

__all__ = ["divergence_from_fisher"]

_POINTS = 201


def divergence_from_fisher(kappa: Array, lam: Array, beta: float) -> Array:
    r"""Return KL of the cosines t of a power spherical and of a Fisher distribution, in nats.

    .. math:: \mathrm{E}_q\left[e^\ell - 1 - \ell\right] \ge 0, \qquad
        \ell = \log\frac{p(t)}{q(t)} = \lambda t - \kappa \log(1 + t) + \text{constant}

    Parameters
    ----------
    kappa, lam : array
        Concentrations κ of q and λ of p, positive, broadcastable, such that KL is below about 1.
    beta : float
        (d − 1)/2.

    Notes
    -----
    E exp(ℓ) = 1 gives the constant, and its error acts only by its square. (1 + t)/2 is
    Beta(β + κ, β) under q; the rule is that of trapezoids in v, where its log-odds are those of the
    mean plus σ sinh v, so that both tails, which fall as exp(−β|log-odds|), are met.
    """
    return evaluate(ClosedForm(_divergence, None, ((), (), ())), kappa=kappa, lam=lam, beta=beta)


def _divergence(kappa: Array, lam: Array, beta: Array) -> Array:
    xp = namespace(kappa)
    alpha = kappa + beta
    sigma = xp.sqrt(1.0 / alpha + 1.0 / beta)
    reach = xp.clip((40.0 + xp.clip(2.0 * beta, max=16.0)) / (beta * sigma), min=10.0)
    reach = xp.log(reach + xp.sqrt(1.0 + reach * reach))  # arsinh
    v = reach[..., None] * like(np.linspace(-1.0, 1.0, _POINTS), kappa)
    kappa, lam, alpha, beta, sigma = (a[..., None] for a in (kappa, lam, alpha, beta, sigma))
    step = 0.5 * sigma * (xp.exp(v) - xp.exp(-v))
    odds = xp.log(alpha / beta) + step
    log_u, log_rest = log_sigmoid(odds), log_sigmoid(-odds)
    # log (1 + t)/2 and 1 + t, beside those of the mean
    log_x = log_u + xp.log1p(beta / alpha)
    x = xp.where(step < 0.0, xp.exp(log_rest), xp.exp(log_rest + step)) * (
        xp.where(step < 0.0, xp.expm1(step), -xp.expm1(-step))
    )
    near = xp.abs(x) < 0.5
    excess = xp.where(near, phi(xp.where(near, x, 0.0)), x - log_x)
    mean = alpha / (alpha + beta)
    ell = (2.0 * lam * mean - kappa) * x + kappa * excess

    log_w = alpha * log_u + beta * log_rest + xp.log(xp.exp(v) + xp.exp(-v))
    log_w = log_w - xp.max(log_w, axis=-1, keepdims=True)
    log_w = log_w - xp.log(xp.sum(xp.exp(log_w), axis=-1, keepdims=True))
    w = xp.exp(log_w)

    def total(ell: Array, small: Array, linear: Array) -> Array:
        """Return Σ w times a function: `small` near 0, elsewhere exp(ℓ) − 1 − linear."""
        # the product before its factors, one of which may overflow
        large = xp.exp(log_w + ell) - w * (1.0 + linear)
        return xp.sum(xp.where(ell < 1.0, w * small, large), axis=-1)

    tame = xp.clip(ell, max=1.0)
    constant = -xp.log1p(total(ell, xp.expm1(tame), 0.0 * ell))
    ell = ell + constant[..., None]
    return total(ell, psi(xp.clip(ell, max=1.0)), ell)
