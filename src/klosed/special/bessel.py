"""Modified Bessel functions of the first kind as log-normalisers of directions on spheres.

A von Mises–Fisher distribution on the unit sphere of Rᵖ has the order ν = p/2 − 1, a von Mises
distribution the order 0. Imports floor 0 only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from klosed._arrays import Array, kind, like, namespace
from klosed._autodiff import ClosedForm
from klosed.errors import ParameterError
from klosed.special._bessel_order import Order
from klosed.special._evaluate import (
    choose,
    evaluate,
    evaluate_difference,
    horner,
    is_single,
    scalar_form,
)
from klosed.special.elementary import _log_ratio, _phi

__all__ = [
    "bessel_complement",
    "bessel_ratio",
    "bessel_ratio_difference",
    "bessel_slope",
    "log_bessel",
    "log_bessel_bregman",
    "log_bessel_scaled",
]

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


def log_bessel(x: Array, order: float) -> Array:
    r"""Return G(x) = log ₀F₁(; ν + 1; x²/4), the log-normaliser of directions, in nats.

    .. math:: G(x) = \log\left[\Gamma(\nu + 1) \left(\tfrac2x\right)^{\nu} I_\nu(x)\right]
       = \log \mathbb E\, e^{x T}, \qquad G'(x) = \frac{I_{\nu + 1}(x)}{I_\nu(x)}

    T is one coordinate of a uniform direction in :math:`\mathbb R^{2\nu + 2}`.

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.
    order : float
        ν ≥ 0.

    Returns
    -------
    array
        ≥ 0, same shape, kind and dtype; 0 at 0.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Notes
    -----
    Orders from 15 on by Debye's uniform expansion, smaller ones from there by the recurrence
    I_{ν}/I_{ν+1} = 2(ν + 1)/x + I_{ν+2}/I_{ν+1}, all of whose terms are positive, and for large x
    by Hankel's expansion: Abramowitz and Stegun (1964), 9.7.7, 9.6.26 and 9.7.1.

    Examples
    --------
    >>> from klosed.special import log_bessel
    >>> float(log_bessel(1e-10, 0.0)), float(log_bessel(1.0, 0.5))
    (2.5...e-21, 0.16143936157119...)
    """
    return evaluate(_forms(_check(order)).log, x=x)


def log_bessel_scaled(x: Array, order: float) -> Array:
    r"""Return G(x) − x, with G as in `log_bessel`: what is left of it for large x.

    .. math:: \log\left[\Gamma(\nu + 1) \left(\tfrac2x\right)^{\nu} e^{-x} I_\nu(x)\right]

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.
    order : float
        ν ≥ 0.

    Returns
    -------
    array
        ≤ 0, same shape, kind and dtype.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Examples
    --------
    >>> from klosed.special import log_bessel_scaled
    >>> float(log_bessel_scaled(1e8, 0.0))
    -10.12927890...
    """
    return evaluate(_forms(_check(order)).scaled, x=x)


def bessel_ratio(x: Array, order: float) -> Array:
    r"""Return A(x) = I_{ν+1}(x)/I_ν(x), the mean resultant length of a von Mises–Fisher.

    .. math:: A(x) = \frac{I_{\nu + 1}(x)}{I_\nu(x)}, \qquad
       A'(x) = 1 - A(x)^2 - \frac{2\nu + 1}{x} A(x)

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.
    order : float
        ν ≥ 0.

    Returns
    -------
    array
        In [0, 1], same shape, kind and dtype.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Examples
    --------
    >>> from klosed.special import bessel_ratio
    >>> float(bessel_ratio(1e-10, 0.0))
    5e-11
    """
    return evaluate(_forms(_check(order)).ratio, x=x)


def bessel_complement(x: Array, order: float) -> Array:
    r"""Return 1 − A(x), with A as in `bessel_ratio`, to the last digits for large x.

    .. math:: 1 - \frac{I_{\nu + 1}(x)}{I_\nu(x)} = \frac{2\nu + 1}{2x} + O(x^{-2})

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.
    order : float
        ν ≥ 0.

    Returns
    -------
    array
        In [0, 1], same shape, kind and dtype.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Examples
    --------
    >>> from klosed.special import bessel_complement
    >>> float(bessel_complement(1e8, 0.0))
    5.0000000125...e-09
    """
    return evaluate(_forms(_check(order)).complement, x=x)


def bessel_slope(x: Array, order: float) -> Array:
    r"""Return A'(x) = G''(x), the variance of the coordinate along the mean direction.

    .. math:: A'(x) = 1 - A(x)^2 - \frac{2\nu + 1}{x} A(x) > 0

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.
    order : float
        ν ≥ 0.

    Returns
    -------
    array
        Same shape, kind and dtype; 1/(2ν + 2) at 0.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Examples
    --------
    >>> from klosed.special import bessel_slope
    >>> float(bessel_slope(0.0, 0.0)), float(bessel_slope(1e8, 0.0))
    (0.5, 5.000000025e-17)
    """
    return evaluate(_forms(_check(order)).slope, x=x)


def bessel_ratio_difference(y: Array, x: Array, order: float, diff: Array | None = None) -> Array:
    r"""Return A(y) − A(x), to the last digits also where x and y nearly agree.

    .. math:: \frac{I_{\nu + 1}(y)}{I_\nu(y)} - \frac{I_{\nu + 1}(x)}{I_\nu(x)}

    Parameters
    ----------
    y, x : array
        Nonnegative, broadcastable.
    order : float
        ν ≥ 0.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the broadcast shape.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Examples
    --------
    >>> from klosed.special import bessel_ratio_difference
    >>> float(bessel_ratio_difference(0.0, 0.0, 0.0, 1e-20))
    5e-21
    """
    return evaluate_difference(_forms(_check(order)).difference, diff, y=y, x=x)


def log_bessel_bregman(y: Array, x: Array, order: float, diff: Array | None = None) -> Array:
    r"""Return the Bregman divergence of G: KL between directions that share their mean.

    .. math:: G(y) - G(x) - A(x)(y - x) = (y - x)^2 \int_0^1 (1 - s)\, A'(x + s(y - x))\,ds

    .. math:: \partial_y = A(y) - A(x), \qquad \partial_x = -A'(x)(y - x)

    Parameters
    ----------
    y, x : array
        Concentrations, x that of q and y that of p; nonnegative, broadcastable.
    order : float
        ν ≥ 0.
    diff : array, optional
        y − x, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        In nats, of the broadcast shape; 0 where x = y.

    Raises
    ------
    ParameterError
        The order is negative or not finite.

    Notes
    -----
    For means at an angle θ, KL = log_bessel_bregman(y, x) + y A(x) (1 − cos θ). While x and y lie
    within a factor of about 2.3, or both below ν + 2, Gauss–Legendre's rule with 13 nodes for
    the integral, whose integrand is positive; beyond, the difference.

    Examples
    --------
    >>> from klosed.special import log_bessel_bregman
    >>> float(log_bessel_bregman(1e-10, 0.0, 0.0)), float(log_bessel_bregman(2e8, 1e8, 0.0))
    (2.5...e-21, 0.15342641034502...)
    """
    return evaluate_difference(_forms(_check(order)).bregman, diff, y=y, x=x)


def _check(order: float) -> float:
    if not 0.0 <= order < math.inf:
        raise ParameterError(
            f"order must be a finite number >= 0; got {order!r}. For directions in p dimensions "
            "it is p/2 - 1."
        )
    return float(order)


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


@dataclass(frozen=True)
class _Forms:
    log: ClosedForm
    scaled: ClosedForm
    ratio: ClosedForm
    complement: ClosedForm
    slope: ClosedForm
    difference: ClosedForm
    bregman: ClosedForm


# A plain dict, because torch.compile looks into functools.lru_cache and through it.
_KNOWN: dict[float, _Forms] = {}


def _forms(nu: float) -> _Forms:
    if nu not in _KNOWN:
        _KNOWN[nu] = _work_out(nu)
    return _KNOWN[nu]


def _work_out(nu: float) -> _Forms:
    orders = [Order.of(nu, single=single) for single in (False, True)]

    def of(value: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *args: value(orders[is_single(args[0])], *args)

    return _Forms(
        log=scalar_form(of(_log), lambda x: (bessel_ratio(x, nu),)),
        scaled=scalar_form(of(_scaled), lambda x: (-bessel_complement(x, nu),)),
        ratio=scalar_form(of(_ratio), lambda x: (bessel_slope(x, nu),)),
        complement=scalar_form(of(_complement), lambda x: (-bessel_slope(x, nu),)),
        slope=scalar_form(of(_slope), None),
        difference=scalar_form(
            of(_difference),
            lambda y, x, diff: (bessel_slope(y, nu), -bessel_slope(x, nu), None),
            arity=3,
        ),
        bregman=scalar_form(
            of(_bregman),
            lambda y, x, diff: (
                bessel_ratio_difference(y, x, nu, diff),
                -diff * bessel_slope(x, nu),
                None,
            ),
            arity=3,
        ),
    )
