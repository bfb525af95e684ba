"""What Stirling's formula leaves of log Γ. Imports floor 0 only."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.special._evaluate import choose, evaluate, ratio, scalar_form
from klosed.special._tables import NEGENTROPY_TAIL, STIRLING_0, STIRLING_1, STIRLING_2
from klosed.special.gamma import (
    _digamma_minus_log,
    _lgamma,
    _trigamma_minus_reciprocal,
    digamma_minus_log,
)

__all__ = ["gamma_negentropy", "grad_gamma_negentropy", "stirling_remainder"]

_HALF_LOG_2PI = 0.9189385332046727


def stirling_remainder(x: Array) -> Array:
    r"""Return Δ(x), what Stirling's formula leaves of log Γ(x), for x > 0.

    .. math:: \Delta(x) = \log\Gamma(x) - (x - \tfrac12) \log x + x - \tfrac12 \log 2\pi
       = \frac{1}{12 x} - \frac{1}{360 x^3} + \dots, \qquad
       \partial_x = \psi(x) - \log x + \frac{1}{2x}

    Parameters
    ----------
    x : array
        Any shape, x > 0.

    Returns
    -------
    array
        > 0, same shape, kind and dtype; 0 at inf.

    Notes
    -----
    A rational function of 1/x² over x from 3 on; below, as written, with an absolute error of
    1e-15, 3e-7 in float32. Named stirlerr in Loader (2000), "Fast and accurate computation of
    binomial probabilities".

    Examples
    --------
    >>> from klosed.special.stirling import stirling_remainder
    >>> float(stirling_remainder(1e6))
    8.3333333333330...e-08
    """
    return evaluate(_STIRLING_REMAINDER, x=x)


def gamma_negentropy(x: Array) -> Array:
    r"""Return the KL of a gamma of shape x from the normal of its mean and variance, in nats.

    .. math:: J(x) = \tfrac12 \log(2\pi e x) - \log\Gamma(x) - x - (1 - x)\psi(x)
       = \tfrac12 - \Delta(x) - (1 - x)(\psi(x) - \log x) = \frac{1}{3x} + \dots > 0

    Parameters
    ----------
    x : array
        Any shape, x > 0.

    Returns
    -------
    array
        > 0, same shape, kind and dtype; 0 at inf.

    Notes
    -----
    From 1 on 1/x times a function of 1/x², or a polynomial in 1/x below 3, in which nothing large
    cancels. Measured error: 4 ulp in float64, 2 in float32.

    Examples
    --------
    >>> from klosed.special.stirling import gamma_negentropy
    >>> float(gamma_negentropy(1.0)), float(gamma_negentropy(1e12))
    (0.41893853320467..., 3.33333333333...e-13)
    """
    return evaluate(_NEGENTROPY, x=x)


def grad_gamma_negentropy(x: Array) -> Array:
    r"""Return the derivative of `gamma_negentropy`.

    .. math:: J'(x) = -\frac{1}{2x} - (1 - x)\left(\psi'(x) - \tfrac1x\right)
       = -\frac{1}{3x^2} - \dots < 0

    Parameters
    ----------
    x : array
        Any shape, x > 0.

    Returns
    -------
    array
        < 0, same shape, kind and dtype; 0 at inf.

    Examples
    --------
    >>> from klosed.special.stirling import grad_gamma_negentropy
    >>> float(grad_gamma_negentropy(1e12))
    -3.33333333333...e-25
    """
    return evaluate(_GRAD_NEGENTROPY, x=x)


def _stirling_remainder(x: Array) -> Array:
    return choose(
        x < 3.0, _below, lambda x: ratio(1.0 / (x * x), STIRLING_0) / (12.0 * x), x,
        then_at=(1.0,), otherwise_at=(3.0,),
    )  # fmt: skip


def _below(x: Array) -> Array:
    return (_lgamma(x) - (x - 0.5) * namespace(x).log(x)) + (x - _HALF_LOG_2PI)


def _negentropy(x: Array) -> Array:
    return choose(
        x < 3.0, _negentropy_below, _negentropy_above, x, then_at=(1.0,), otherwise_at=(3.0,)
    )


def _negentropy_below(x: Array) -> Array:
    return choose(
        x < 1.0, _negentropy_small, _negentropy_middle, x, then_at=(0.5,), otherwise_at=(1.0,)
    )


def _negentropy_middle(x: Array) -> Array:
    v = 1.0 / x
    return v / 3.0 + v * v * ratio(v, NEGENTROPY_TAIL)


def _negentropy_small(x: Array) -> Array:
    return 0.5 - _below(x) - (1.0 - x) * _digamma_minus_log(x)


def _negentropy_above(x: Array) -> Array:
    v = 1.0 / x
    w = v * v
    return v * (0.5 - (ratio(w, STIRLING_0) + (1.0 - v) * ratio(w, STIRLING_1)) / 12.0)


def _grad_negentropy(x: Array) -> Array:
    return choose(
        x < 3.5, _grad_negentropy_below, _grad_negentropy_above, x,
        then_at=(1.0,), otherwise_at=(4.0,),
    )  # fmt: skip


def _grad_negentropy_below(x: Array) -> Array:
    return -0.5 / x - (1.0 - x) * _trigamma_minus_reciprocal(x)


def _grad_negentropy_above(x: Array) -> Array:
    w = 1.0 / (x * x)
    return w * ratio(w, STIRLING_2) / 6.0 - _trigamma_minus_reciprocal(x)


_STIRLING_REMAINDER = scalar_form(_stirling_remainder, lambda x: (digamma_minus_log(x) + 0.5 / x,))
_NEGENTROPY = scalar_form(_negentropy, lambda x: (grad_gamma_negentropy(x),))
_GRAD_NEGENTROPY = scalar_form(_grad_negentropy, None)
