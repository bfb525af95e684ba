"""Quantiles of the angle from a mean direction, and how they move with the concentration.

The angle t of a von Mises–Fisher direction in n + 2 dimensions has on (0, π) a density
proportional to sinⁿ t exp(κ cos t). The mass on either side of t, over the density there, is

    J = ∫ (sin(t ± s)/sin t)ⁿ exp(∓κ Q) ds,    Q = 2 sin(t ± s/2) sin(s/2),

without cancellation, and Gauss and Legendre's rule on 32 points takes it to the last digits. At a
fixed probability t moves with κ by the same integral of cos t − E cos t: implicit differentiation,
Figurnov, Mohamed and Mnih (2018), "Implicit reparameterization gradients", arXiv:1805.08498.
Imports floor 0 and special.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

from klosed._arrays import Array, clip, constant, like, namespace, repeat
from klosed._autodiff import ClosedForm
from klosed.errors import ParameterError
from klosed.special._evaluate import evaluate, scalar_form
from klosed.special._mills import FALL, RULE, mills
from klosed.special.bessel import bessel_complement, log_bessel_scaled
from klosed.special.erf import erf

__all__ = ["fisher_quantile", "von_mises_quantile"]

_LOG_2, _LOG_ROOT_2PI = math.log(2.0), 0.5 * math.log(2.0 * math.pi)
_QUARTILE = 0.6744897501960817
_STEPS = 9


def von_mises_quantile(kappa: Any, z: Any) -> Array:
    r"""Return the angle t in [−π, π] of a von Mises draw around 0, for a standard normal z.

    .. math:: \frac{1}{2\pi I_0(\kappa)} \int_{-\pi}^t e^{\kappa\cos s}\,ds
       = \frac1{\sqrt{2\pi}} \int_{-\infty}^z e^{-s^2/2}\,ds, \qquad
       \partial_\kappa t = -\frac{\partial_\kappa F}{f(t)}

    Parameters
    ----------
    kappa, z : array
        κ >= 0 and z; any shapes that broadcast.

    Returns
    -------
    array
        Broadcast shape, kind and dtype; an odd function of z.

    Notes
    -----
    Newton's iteration on the logarithm of the smaller of the masses nearer to 0 and further from
    it. Measured against mpmath for κ in 1e-8 … 1e8 and |z| <= 5: 1e-14 relative, gradient 2e-14;
    beyond 3 rad the gradient has the rounding of t, 2e-15 absolute. 15 µs each.

    Examples
    --------
    >>> from klosed.special import von_mises_quantile
    >>> von_mises_quantile([0.0, 1e8], 1.0).round(6).tolist()     # z/√κ for large κ
    [2.144732, 0.0001]
    """
    return evaluate(_form(0, circle=True), kappa=kappa, z=z)


def fisher_quantile(kappa: Any, z: Any, dimension: int) -> Array:
    r"""Return the angle t in [0, π] of a von Mises–Fisher draw to its mean, for a normal z.

    .. math:: \frac{\int_0^t \sin^{d-2} s\; e^{\kappa\cos s}\,ds}
       {\int_0^\pi \sin^{d-2} s\; e^{\kappa\cos s}\,ds}
       = \frac1{\sqrt{2\pi}} \int_{-\infty}^z e^{-s^2/2}\,ds, \qquad
       \partial_\kappa t = -\frac{\partial_\kappa F}{f(t)}

    Parameters
    ----------
    kappa, z : array
        κ >= 0 and z; any shapes that broadcast.
    dimension : int
        d >= 2.

    Returns
    -------
    array
        Broadcast shape, kind and dtype.

    Raises
    ------
    ParameterError
        The dimension is no integer, or less than 2.

    Notes
    -----
    Newton's iteration as in `von_mises_quantile`, but of the masses to the left and to the right.
    Measured in the same way, for d up to 300: 2e-14 relative, gradient 5e-13; 15 µs each for
    d = 2, 28 µs for others. In three dimensions 1 − cos t has a closed form,
    −log(1 − N(z)(1 − exp(−2κ)))/κ, which the tests hold this against.

    Examples
    --------
    >>> from klosed.special import fisher_quantile
    >>> fisher_quantile([0.0, 10.0], 0.0, 3).round(6).tolist()
    [1.570796, 0.374515]
    """
    if not isinstance(dimension, int) or dimension < 2:
        raise ParameterError(f"dimension must be an integer >= 2; got {dimension!r}.")
    return evaluate(_form(dimension - 2, circle=False), kappa=kappa, z=z)


class _Spot(NamedTuple):
    """An angle t: the sine and the cosine of its half, and whether its right side counts."""

    sin: Array
    cos: Array
    right: Array


def _form(n: int, *, circle: bool) -> ClosedForm:
    return scalar_form(partial(_solve, n, circle), partial(_grad, n, circle), arity=2)


def _solve(n: int, circle: bool, kappa: Array, z: Array) -> Array:
    xp = namespace(kappa)
    kappa, z = xp.broadcast_arrays(kappa, z)
    size, right, target = _target(circle, z)
    start = _start_on_circle(kappa, size) if circle else _start(n, kappa, z)

    def step(state: tuple[Array, Array]) -> tuple[Array, Array]:
        sin, cos = state
        mass, _ = _tail(n, kappa, _Spot(sin, cos, right))
        off = (xp.log(mass) + _log_density(n, kappa, sin, cos)) - target
        # to the left Newton's step is one of log tan(t/2), to the right one of log cos(t/2)
        tangent = sin / cos * xp.exp(clip(-0.5 * off * mass / (sin * cos), -30.0, 30.0))
        drop = off * mass * (sin / cos)
        stretch = clip(1.0 - (cos / sin) ** 2 * xp.expm1(-drop), 1.0 / 16.0)
        opposite = xp.where(right, sin * xp.sqrt(stretch), tangent)
        adjacent = xp.where(right, cos * xp.exp(-0.5 * drop), 1.0)
        length = xp.hypot(opposite, adjacent)
        return opposite / length, adjacent / length

    t = 2.0 * xp.atan2(*repeat(step, start, _STEPS))
    return t * (z / size) if circle else t


def _target(circle: bool, z: Array) -> tuple[Array, Array, Array]:
    """Return |z|, whether the mass to the right is the smaller one, and its logarithm if so.

    Else that of the mass to the left.
    """
    xp = namespace(z)
    size = xp.abs(z)
    tail = xp.log(mills(size)[0]) - 0.5 * size * size - _LOG_ROOT_2PI
    if not circle:
        return size, z > 0.0, tail
    # so near to 0 angles are proportional to z
    size = clip(size, float(xp.finfo(z.dtype).smallest_normal) ** 0.5)
    right = size > _QUARTILE
    return size, right, xp.where(right, tail + _LOG_2, xp.log(erf(size / math.sqrt(2.0))))


def _start_on_circle(kappa: Array, size: Array) -> tuple[Array, Array]:
    xp = namespace(kappa)
    flat = math.pi * erf(size / math.sqrt(2.0))
    half = 0.5 * xp.minimum(size / xp.sqrt(kappa), flat)
    return xp.sin(half), clip(xp.cos(half), float(xp.finfo(half.dtype).eps))


def _start(n: int, kappa: Array, z: Array) -> tuple[Array, Array]:
    """Return the sine and the cosine of t/2, from a normal log tan²(t/2) or a gamma sin²(t/2)."""
    xp = namespace(kappa)
    m = n + 1.0
    root = xp.hypot(2.0 * kappa, m + 0.0 * kappa)
    # 1 − cos t and 1 + cos t at the mode of log tan²(t/2)
    low = (m + m * m / (root + 2.0 * kappa)) / (m + root)
    high = 1.0 + 2.0 * kappa / (m + root)
    spread = 2.0 / xp.sqrt(low * high * (m + 2.0 * kappa * (high - 1.0)))
    odds = low / high * xp.exp(clip(z * spread, -60.0, 30.0))
    # Wilson and Hilferty's approximation, for κ sin²(t/2) in its limit of large κ
    width = math.sqrt(2.0 / (9.0 * m))
    cubic = 0.25 * m * clip(1.0 - width * width + z * width, 1e-3) ** 3
    square, rest = odds / (1.0 + odds), 1.0 / (1.0 + odds)
    square = xp.where((z > 0.0) & (cubic < kappa * square), cubic / kappa, square)
    return xp.sqrt(square), xp.sqrt(xp.maximum(1.0 - square, rest))


def _log_density(n: int, kappa: Array, sin: Array, cos: Array) -> Array:
    """Return the logarithm of the density of t in (0, π)."""
    area = 0.5 * math.log(math.pi) + math.lgamma(0.5 * (n + 1)) - math.lgamma(0.5 * n + 1.0)
    pull = 2.0 * (kappa * sin) * sin + (log_bessel_scaled(kappa, 0.5 * n) + area)
    return n * namespace(kappa).log(2.0 * sin * cos) - pull if n else -pull


def _tail(n: int, kappa: Array, spot: _Spot) -> tuple[Array, Array]:
    """Return J on the side that counts, and the same integral of Q."""
    xp = namespace(kappa)
    sin, cos, right = spot
    near = sin < cos
    below = xp.atan2(sin, cos)
    beyond = xp.atan2(cos, sin)
    # sin(t ± s) = sin(angle + turn s), with the angle the smaller one of t and π − t
    angle = 2.0 * xp.where(near, below, beyond)
    sign = xp.where(right, 1.0 + 0.0 * kappa, -1.0 + 0.0 * kappa)
    turn = xp.where(near, sign, -sign)
    room = 2.0 * xp.where(right, beyond, below)
    pull, whole = sign * kappa, 2.0 * sin * cos
    end = _end(n, pull, angle, turn, room, whole)[..., None]
    nodes, weights = (like(values, kappa) for values in RULE)
    s = nodes * end
    half = 0.5 * s
    gain = 2.0 * xp.sin(angle[..., None] + turn[..., None] * half) * xp.sin(half)
    fall = pull[..., None] * gain
    if n:
        fall = fall - n * xp.log(xp.sin(angle[..., None] + turn[..., None] * s) / whole[..., None])
    mass = (weights * end) * xp.exp(-fall)
    return xp.sum(mass, axis=-1), xp.sum(gain * mass, axis=-1)


def _end(n: int, pull: Array, angle: Array, turn: Array, room: Array, whole: Array) -> Array:
    """Return where the integrand has fallen by exp(−38), about, and at most `room`."""
    xp = namespace(pull)
    cosine = turn * xp.cos(angle)
    slope = pull * whole * whole - n * cosine
    bend = clip(pull * cosine * whole * whole + n, 0.0)
    size = xp.abs(slope) + xp.sqrt(slope * slope + 2.0 * FALL * bend)
    s = whole * xp.where(slope > 0.0, 2.0 * FALL / size, size / bend)
    most = 0.8 * room
    s = xp.where(s < most, s, most)
    for _ in range(3):
        at = angle + turn * s
        fall = 2.0 * pull * xp.sin(angle + 0.5 * turn * s) * xp.sin(0.5 * s)
        rate = pull * xp.sin(at)
        if n:
            fall = fall - n * xp.log(xp.sin(at) / whole)
            rate = rate - n * turn * xp.cos(at) / xp.sin(at)
        further = xp.where(rate > 0.0, s + (FALL - fall) / rate, 2.0 * s)
        s = xp.minimum(xp.minimum(xp.maximum(further, s / 3.0), 3.0 * s), most)
    return xp.where(s < most, constant(s), room)


def _grad(n: int, circle: bool, kappa: Array, z: Array) -> tuple[Array, Array]:
    xp = namespace(kappa)
    kappa, z = xp.broadcast_arrays(kappa, z)
    t = xp.abs(_form(n, circle=circle)(kappa, z))
    tiny = float(xp.finfo(t.dtype).smallest_normal)
    sin, cos = clip(xp.sin(0.5 * t), tiny), clip(xp.cos(0.5 * t), tiny)
    _, right, _ = _target(circle, z)
    mass, gain = _tail(n, kappa, _Spot(sin, cos, right))
    # E cos t − cos t, times the mass to the left or less that to the right
    gap = 2.0 * sin * sin - bessel_complement(kappa, 0.5 * n)
    by_kappa = xp.where(right, -gap, gap) * mass - gain
    if not circle:
        return by_kappa, mass / mills(xp.abs(z))[0]
    log_density = _log_density(n, kappa, sin, cos) - _LOG_2
    by_z = xp.exp(-0.5 * z * z - _LOG_ROOT_2PI - log_density)
    return xp.sign(z) * by_kappa, by_z
