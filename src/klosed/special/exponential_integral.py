"""The scaled exponential integral. Imports floor 0 only."""

from __future__ import annotations

from klosed._arrays import Array, namespace
from klosed.special._evaluate import choose, evaluate, ratio, scalar_form
from klosed.special._tables_exponential_integral import E1_MIDDLE, E1_TAIL, EIN

__all__ = ["exp1e"]

_EULER_GAMMA = 0.5772156649015329


def exp1e(x: Array) -> Array:
    r"""Return exp(x) E₁(x), the scaled exponential integral.

    .. math:: e^x E_1(x) = \int_0^\infty \frac{e^{-u}}{x + u}\,du, \qquad
       \partial_x = e^x E_1(x) - \frac1x

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.

    Returns
    -------
    array
        Same shape, kind and dtype; inf at 0, 0 at inf, NaN below 0.

    Notes
    -----
    exp(x) (x P(x) − log x − γ) up to 1, beyond it rational functions of 1/x with positive
    coefficients over x: Cody and Thacher (1968), "Rational Chebyshev approximations for the
    exponential integral E₁(x)", doi:10.1090/S0025-5718-1968-0226823-X. Measured error: 4 units
    of the last place in float64 and float32.

    Examples
    --------
    >>> from klosed.special.exponential_integral import exp1e
    >>> float(exp1e(1.0)), float(exp1e(1e6))
    (0.596347362323194..., 9.99999000002...e-07)
    """
    return evaluate(_EXP1E, x=x)


def _exp1e(x: Array) -> Array:
    return choose(x <= 1.0, _near, _far, x, then_at=(1.0,), otherwise_at=(2.0,))


def _near(x: Array) -> Array:
    xp = namespace(x)
    return xp.exp(x) * ((x * ratio(x, EIN) - _EULER_GAMMA) - xp.log(x))


def _far(x: Array) -> Array:
    return choose(x <= 4.0, _middle, _tail, 1.0 / x, then_at=(1.0,), otherwise_at=(0.1,))


def _middle(t: Array) -> Array:
    return t * ratio(t, E1_MIDDLE)


def _tail(t: Array) -> Array:
    return t * ratio(t, E1_TAIL)


_EXP1E = scalar_form(_exp1e, lambda x: (exp1e(x) - 1.0 / x,))
