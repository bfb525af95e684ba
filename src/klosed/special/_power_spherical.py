"""KL from a power spherical to a Fisher distribution, integrated. Imports floor 0 only."""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, like, namespace
from klosed._autodiff import ClosedForm
from klosed.special._evaluate import evaluate
from klosed.special.elementary import phi, psi

__all__ = ["divergence_from_fisher"]

_POINTS = 201
# standard deviations of a normal q, out to where also a p is met whose KL is 32
_WIDTH = 17.4
# what is below exp(−42) of the middle is left out; exp(1.4 + 2 · 42) is a float32 yet
_DEPTH = 42.0


def divergence_from_fisher(kappa: Array, lam: Array, beta: float) -> Array:
    r"""Return KL of the cosines t of a power spherical and of a Fisher distribution, in nats.

    .. math:: \mathrm{E}_q\left[e^\ell - 1 - \ell\right] \ge 0, \qquad
        \ell = \log\frac{p(t)}{q(t)} = \lambda t - \kappa \log(1 + t) + \text{constant}

    Parameters
    ----------
    kappa, lam : array
        Concentrations κ of q and λ of p, positive, broadcastable, such that KL is below 32.
    beta : float
        (d − 1)/2.

    Notes
    -----
    E exp(ℓ) = 1 gives the constant, and its error acts only by its square. (1 + t)/2 is
    Beta(β + κ, β) under q; the rule is that of trapezoids in v, where its log-odds are those of the
    mean plus σ sinh v, so that both tails, which fall as exp(−β|log-odds|), are met. Where the best
    fit leaves a KL of order 1/κ², nothing but 2λ − κ has cancelled.
    """
    return evaluate(ClosedForm(_divergence, None, ((), (), ())), kappa=kappa, lam=lam, beta=beta)


def _divergence(kappa: Array, lam: Array, beta: Array) -> Array:
    xp = namespace(kappa)
    alpha = kappa + beta
    sigma = xp.sqrt(1.0 / alpha + 1.0 / beta)
    down, up = _reach(lam, alpha, beta, sigma)
    start, stop = -_arsinh(down / sigma)[..., None], _arsinh(up / sigma)[..., None]
    v = start + (stop - start) * like(np.linspace(0.0, 1.0, _POINTS), kappa)
    kappa, lam, alpha, beta, sigma = (a[..., None] for a in (kappa, lam, alpha, beta, sigma))
    step = 0.5 * sigma * (xp.exp(v) - xp.exp(-v))
    # 1 + t is 1 + x times its mean; log_x is log(1 + x)
    odds = beta / alpha
    moved = odds * xp.exp(-step)
    x = -odds * xp.expm1(-step) / (1.0 + moved)
    near = xp.abs(x) < 0.5
    log_x = xp.log1p(odds) - xp.log1p(moved)
    excess = xp.where(near, phi(xp.where(near, x, 0.0)), x - log_x)
    log_x = xp.where(near, x - excess, log_x)
    # 2λ − κ first: at the best fit it is about 2β
    lean = (2.0 * lam - kappa) - 2.0 * lam * (beta / (alpha + beta))
    ell = lean * x + kappa * excess

    log_w = ((alpha + beta) * log_x - beta * step) + xp.log(xp.exp(v) + xp.exp(-v))
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


def _reach(lam: Array, alpha: Array, beta: Array, sigma: Array) -> tuple[Array, Array]:
    """Return how far the log-odds must go down and up from those of the mean."""
    xp = namespace(alpha)
    y = _WIDTH * sigma
    # as of log G for a gamma G of shape β, and at most as exp(−β log-odds)
    up = xp.minimum(y + y * y / 6.0 + y * y * y / 36.0, 1.4 + _DEPTH / beta)
    # downwards q falls faster, but p may not
    odds = beta / alpha
    far = xp.log1p(1.0 / odds)
    of_q = (1.0 + odds) * far + _DEPTH / alpha
    of_p = 2.0 * far + xp.clip(_DEPTH - 2.0 * lam * alpha / (alpha + beta), min=0.0) / beta
    return xp.minimum(up, xp.maximum(of_q, of_p)), up


def _arsinh(x: Array) -> Array:
    xp = namespace(x)
    return xp.log(x + xp.sqrt(1.0 + x * x))
