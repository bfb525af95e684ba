"""Quantiles of the inverse Gaussian distribution, and how they move with its shape.

With mean 1 and concentration φ, a = √φ (√y − 1/√y) and b = √φ (√y + 1/√y) = √(a² + 4φ),

    F = N(a) + n(a) R(b),    1 − F = n(a) (R(a) − R(b)),

with the normal distribution function N, its density n and Mills' ratio R = N(−x)/n(x), because
exp(2φ) n(b) = n(a). The density of a is n(a) (1 − a/b). Imports floor 0 and special.
"""

from __future__ import annotations

import math
from typing import Any

from klosed._arrays import Array, clip, gather, namespace, repeat
from klosed.special._evaluate import scalar_form
from klosed.special._mills import mills, mills_drop
from klosed.special.erf import erf

__all__ = ["inverse_gaussian_quantile"]

_LEAST = -0.6744897501960818  # of a where F >= 1/2, because F <= 2 N(a)
_ROOT_2PI = math.sqrt(2.0 * math.pi)
_STEPS = 8


def inverse_gaussian_quantile(shape: Any, z: Any) -> Array:
    r"""Return y with F(y) = N(z), for the inverse Gaussian of mean 1 and a standard normal z.

    .. math:: \int_0^y \sqrt{\frac{\varphi}{2\pi t^3}}\, e^{-\varphi (t - 1)^2 / (2t)}\,dt
       = \frac1{\sqrt{2\pi}} \int_{-\infty}^z e^{-t^2/2}\,dt, \qquad
       \partial_\varphi y = -\frac{\partial_\varphi F}{f(y)}

    Parameters
    ----------
    shape, z : array
        φ > 0, the concentration over the mean, and z; any shapes that broadcast.

    Returns
    -------
    array
        Broadcast shape, kind and dtype; positive unless it underflows.

    Notes
    -----
    Newton's iteration for a, on log F or log(1 − F), from a = z, which is a bound; at a given z,
    φ ∂a/∂φ = (a + b)(1 − bR(b))/2. F is that of Folks and Chhikara (1978), "The inverse Gaussian
    distribution and its statistical application", doi:10.1111/j.2517-6161.1978.tb01039.x. Measured
    against mpmath for φ in 1e-12 … 1e12 and |z| <= 20: 2e-14 of y, gradient 1e-13; 10 µs each.

    Examples
    --------
    >>> from klosed.special import inverse_gaussian_quantile
    >>> round(float(inverse_gaussian_quantile(1.0, 0.0)), 6)      # the median
    0.675841
    """
    phi, z = gather(shape=shape, z=z).values()
    xp = namespace(phi)
    return xp.exp(2.0 * xp.asinh(_ROOT(phi, z) / (2.0 * xp.sqrt(phi))))


def _solve(phi: Array, z: Array) -> Array:
    """Return a."""
    xp = namespace(phi)
    phi, z = xp.broadcast_arrays(phi, z)
    right = z > 0.0
    target = xp.log(mills(xp.abs(z))[0])

    def step(state: tuple[Array]) -> tuple[Array]:
        (a,) = state
        b, plus, minus = _sums(phi, a)
        gap = xp.where(a > 0.0, minus, plus)
        near, far, drop = mills_drop(xp.abs(a), b, gap)
        # to the right a is at least _LEAST; the mass between a and −a joins where a < 0
        inner = clip(-a, 0.0, 1.0)
        between = _ROOT_2PI * erf(inner / math.sqrt(2.0)) * xp.exp(0.5 * inner * inner)
        mass = xp.where(right, drop + between, near + far)
        off = ((xp.log(mass) - target) - 0.5 * (a - z) * (a + z)) * (mass / minus)
        # left of the median log F is concave in a, right of it log(1 − F) in log y
        turn = xp.where(right, off, 0.0)
        turned = a * xp.exp(xp.where(a > 0.0, turn, -turn)) + gap * xp.sinh(turn)
        return (xp.minimum(xp.where(right, clip(turned, _LEAST), a - b * off), z),)

    return repeat(step, (z,), _STEPS)[0]


def _sums(phi: Array, a: Array) -> tuple[Array, Array, Array]:
    """Return b, b + a and b − a."""
    xp = namespace(phi)
    b = xp.hypot(a, 2.0 * xp.sqrt(phi))
    both = b + xp.abs(a)
    gap = 4.0 * phi / both
    return b, xp.where(a > 0.0, both, gap), xp.where(a > 0.0, gap, both)


def _grad(phi: Array, z: Array) -> tuple[Array, Array]:
    phi, z = namespace(phi).broadcast_arrays(phi, z)
    a = _ROOT(phi, z)
    b, plus, minus = _sums(phi, a)
    by_z = namespace(phi).exp(0.5 * (a - z) * (a + z)) * b / minus
    return mills(b)[1] * plus / (2.0 * phi), by_z


_ROOT = scalar_form(_solve, _grad, arity=2)
