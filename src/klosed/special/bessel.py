"""Modified Bessel functions of the first kind as log-normalisers of directions on spheres.

A von Mises–Fisher distribution on the unit sphere of Rᵖ has the order ν = p/2 − 1, a von Mises
distribution the order 0. Imports floor 0 only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from klosed._arrays import Array
from klosed._autodiff import ClosedForm
from klosed.errors import ParameterError
from klosed.special._bessel import (
    _bregman,
    _complement,
    _difference,
    _log,
    _ratio,
    _scaled,
    _slope,
)
from klosed.special._bessel_order import Order
from klosed.special._evaluate import evaluate, evaluate_difference, is_single, scalar_form

__all__ = [
    "bessel_complement",
    "bessel_ratio",
    "bessel_ratio_difference",
    "bessel_slope",
    "log_bessel",
    "log_bessel_bregman",
    "log_bessel_scaled",
]


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
    Measured error: 5 ulp in float64 and float32, x from 1e-6 to 1e8, orders 0 to 299.

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

    Notes
    -----
    Measured error: 10 ulp in float64 and float32, x from 1e-6 to 1e8, orders 0 to 299.

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

    Notes
    -----
    Measured error: 3 ulp in float64 and float32, x from 1e-6 to 1e8, orders 0 to 299.

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

    Notes
    -----
    Measured error: 30 ulp in float64, 15 in float32 for orders below 2 and x near 20, else 6;
    x from 1e-6 to 1e8, orders up to 299.

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

    Notes
    -----
    Measured error: 35 ulp in float64, 12 in float32 for orders below 2 and x near 20, else 9;
    x from 1e-6 to 1e8, orders up to 299.

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

    Notes
    -----
    Measured error: 10 ulp in float64 and float32 where y ≈ x, 45 elsewhere, x and y from 1e-6 to
    1e8, orders 0 to 299; 7 from order 3 on.

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
    Measured error: 13 ulp in float64 and float32 where y ≈ x, 50 elsewhere, x and y from 1e-6 to
    1e8, orders 0 to 299; 18 from order 3 on.

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
    _prepare(nu)
    return _KNOWN[nu]


def _prepare(nu: float) -> None:
    if nu not in _KNOWN:
        _KNOWN[nu] = _work_out(nu)


# torch.compile, which can trace no polynomial of NumPy's, then runs it instead
_prepare._dynamo_marked_constant = True  # type: ignore[attr-defined]


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
