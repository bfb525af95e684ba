"""The Bessel functions of bessel.py on raw arrays, from the expansions of one order.

Imports floor 0 only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from klosed._arrays import Array, kind, like, namespace
from klosed.special._bessel_order import Order
from klosed.special._evaluate import choose, horner
from klosed.special.elementary import _log_ratio, _phi

# Gauss–Legendre's rule with 13 nodes on [0, 1]
_NODES = (
    0.007908472640705932, 0.04120080038851104, 0.09921095463334506, 0.17882533027982989,
    0.27575362448177654, 0.3847708420224326, 0.5, 0.6152291579775674,
    0.7242463755182235, 0.8211746697201701, 0.9007890453666549, 0.958799199611489,
    0.9920915273592941,
)  # fmt: skip
_WEIGHTS = (
    0.020242002382657786, 0.0460607499188644, 0.06943675510989367, 0.08907299038097276,
    0.10390802376844425, 0.11314159013144869, 0.11627577661543696, 0.11314159013144869,
    0.10390802376844425, 0.08907299038097276, 0.06943675510989367, 0.0460607499188644,
    0.020242002382657786,
)  # fmt: skip


def _radius(o: Order, x: Array) -> Array:
    return namespace(x).hypot(x, 0.0 * x + o.mu)


def _triple(o: Order, x: Array) -> tuple[Array, Array, Array]:
    """Return A, 1 − A and A' at x < far: Debye's expansion at μ, then down to ν."""
    r = _radius(o, x)
    t, u = o.mu / r, x / r
    tt, uu, v = t * t, u * u, horner(t, o.slope)
    small = t / o.mu * (0.5 + t * v)
    ratio = u * (1.0 / (1.0 + t) - small)
    rest = (t + tt / (1.0 + u)) / (1.0 + t) + u * small
    inner = 0.5 * (uu - tt) + t * ((2.0 * uu - tt) * v + t * uu * horner(t, o.curve))
    slope = tt / o.mu * (1.0 / (1.0 + t) + inner / o.mu)
    for k in range(o.steps, 0, -1):
        c = 2.0 * (o.nu + k)
        below = c + x * ratio
        slope = (c - x * x * slope) / (below * below)
        rest = (c - x * rest) / below
        ratio = x / below
    return ratio, rest, slope


def _growth(o: Order, x: Array, shrink: bool) -> Array:
    """Return what Debye's series and the steps from μ down to ν add to G at x < far.

    With `shrink`, less log(r/μ) for each step, so that it stays bounded.
    """
    r = _radius(o, x)
    t, u = o.mu / r, x / r
    lost = u * u / (1.0 + t)  # 1 − t
    ratio = u * (1.0 / (1.0 + t) - t / o.mu * (0.5 + t * horner(t, o.slope)))
    product = 0.0 * x
    for k in range(o.steps, 0, -1):
        c = 2.0 * (o.nu + k)
        gain = x * ratio / c
        if shrink:
            gain = t * gain - lost
        product = product + gain + product * gain
        ratio = x / (c + x * ratio)
    return namespace(x).log1p(product) - lost * horner(t, o.fall)


def _hankel(o: Order, x: Array) -> Array:
    """Return 1 − A at x ≥ far."""
    return horner(o.far / x, o.tail) / x


def _hankel_slope(o: Order, x: Array) -> Array:
    return horner(o.far / x, o.tail_slope) / x / x


def _ratio(o: Order, x: Array) -> Array:
    return _either(o, lambda x: _triple(o, x)[0], lambda x: 1.0 - _hankel(o, x), x)


def _complement(o: Order, x: Array) -> Array:
    return _either(o, lambda x: _triple(o, x)[1], lambda x: _hankel(o, x), x)


def _slope(o: Order, x: Array) -> Array:
    return _either(o, lambda x: _triple(o, x)[2], lambda x: _hankel_slope(o, x), x)


def _either(
    o: Order, near: Callable[[Array], Array], far: Callable[[Array], Array], x: Array
) -> Array:
    if not o.steps:  # Debye's expansion alone serves every x
        return near(x)
    return choose(x < o.far, near, far, x, then_at=(1.0,), otherwise_at=(2.0 * o.far,))


def _log(o: Order, x: Array) -> Array:
    return _either(o, lambda x: _log_near(o, x), lambda x: x + _scaled_far(o, x), x)


def _log_near(o: Order, x: Array) -> Array:
    excess = x * (x / (_radius(o, x) + o.mu))
    main = 0.5 * excess + o.mu * _phi(excess / (2.0 * o.mu))
    return main - 0.25 * namespace(x).log1p((x / o.mu) ** 2) + _growth(o, x, shrink=False)


def _scaled(o: Order, x: Array) -> Array:
    return _either(o, lambda x: _scaled_near(o, x), lambda x: _scaled_far(o, x), x)


def _scaled_near(o: Order, x: Array) -> Array:
    return _bounded_near(o, x) - o.power * _log_radius(o, x)


def _scaled_far(o: Order, x: Array) -> Array:
    return (o.level + horner(o.far / x, o.rest)) - o.power * namespace(x).log(x)


def _log_radius(o: Order, x: Array) -> Array:
    return 0.5 * namespace(x).log1p((x / o.mu) ** 2)


def _bounded(o: Order, x: Array) -> Array:
    """Return G(x) − x + (ν + ½) log(r/μ), which stays bounded as x grows."""
    return _either(o, lambda x: _bounded_near(o, x), lambda x: _bounded_far(o, x), x)


def _bounded_near(o: Order, x: Array) -> Array:
    r = _radius(o, x)
    main = -o.mu * (x / (r + o.mu)) * (1.0 + o.mu / (r + x))
    half = -0.5 * (x / r) * (x / (r + o.mu))  # (t − 1)/2
    return (main - o.mu * namespace(x).log1p(half)) + _growth(o, x, shrink=True)


def _bounded_far(o: Order, x: Array) -> Array:
    level = o.level - o.power * math.log(o.mu)
    return (level + horner(o.far / x, o.rest)) + 0.5 * o.power * namespace(x).log1p((o.mu / x) ** 2)


def _close(o: Order, y: Array, x: Array, diff: Array) -> Array:
    # The singularities of A are its poles, the zeros of I_ν on the imaginary axis beyond ν + 2.4.
    middle = 0.5 * (x + y)
    return namespace(x).abs(diff) <= 0.8 * namespace(x).hypot(middle, 0.0 * x + (o.nu + 2.4))


def _difference(o: Order, y: Array, x: Array, diff: Array) -> Array:
    return choose(
        _close(o, y, x, diff),
        lambda y, x, diff: diff * _integral(o, x, diff, first=True),
        lambda y, x, diff: _complement(o, x) - _complement(o, y),
        y, x, diff, then_at=(1.0, 1.0, 0.0), otherwise_at=(9.0, 1.0, 8.0),
    )  # fmt: skip


def _bregman(o: Order, y: Array, x: Array, diff: Array) -> Array:
    return choose(
        _close(o, y, x, diff), partial(_bregman_close, o), partial(_bregman_apart, o), y, x, diff,
        then_at=(1.0, 1.0, 0.0), otherwise_at=(9.0, 1.0, 8.0),
    )  # fmt: skip


def _bregman_close(o: Order, _: Array, x: Array, diff: Array) -> Array:
    return diff * (diff * _integral(o, x, diff, first=False))


def _integral(o: Order, x: Array, diff: Array, *, first: bool) -> Array:
    """Return ∫₀¹ A'(x + s diff) ds, or else ∫₀¹ (1 − s) A'(x + s diff) ds."""
    xp = namespace(x)
    weights = [w if first else w * (1.0 - s) for s, w in zip(_NODES, _WEIGHTS, strict=True)]
    if kind(x) == "NumPy":  # an axis of nodes would leave the cache
        return sum(w * _slope(o, x + s * diff) for s, w in zip(_NODES, weights, strict=True))
    x, diff = xp.broadcast_arrays(x, diff)
    s, w = like(_NODES, x), like(weights, x)
    return xp.sum(w * _slope(o, x[..., None] + s * diff[..., None]), axis=-1)


def _bregman_apart(o: Order, y: Array, x: Array, diff: Array) -> Array:
    square = o.mu * o.mu
    logarithm = 0.5 * _log_ratio(square + y * y, square + x * x, diff * (x + y))
    pull = diff * _complement(o, x) - o.power * logarithm
    return (_bounded(o, y) - _bounded(o, x)) + pull
