"""How far a beta distribution is from the gamma and the normal beside it. Imports floor 0 only."""

from __future__ import annotations

import numpy as np

from klosed._arrays import Array, namespace
from klosed.special._evaluate import choose, evaluate, ratio, scalar_form
from klosed.special._tables import (
    NEGENTROPY_TAIL,
    STIRLING_0,
    STIRLING_1,
    STIRLING_2,
    STIRLING_3,
)
from klosed.special.elementary import _phi, _phi_ratio
from klosed.special.gamma import digamma_minus_log, tetragamma, trigamma_minus_reciprocal
from klosed.special.gamma_differences import (
    _pole_slope,
    _pole_value,
    digamma_difference,
    digamma_minus_log_difference,
    lgamma_difference,
)
from klosed.special.stirling import gamma_negentropy, grad_gamma_negentropy, stirling_remainder

__all__ = ["beta_gamma_excess", "beta_negentropy", "grad_beta_gamma_excess", "grad_beta_negentropy"]

# B₂ₖ/(2k(2k − 1)), k = 2, 3, …: from 8 on what is left out is below 1e-17
_STIRLING = (
    -0.0027777777777777779, 0.00079365079365079365, -0.00059523809523809529, 0.00084175084175084171,
    -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242, 0.17964437236883057,
    -1.3924322169059011, 13.402864044168393, -156.84828462600203,
)  # fmt: skip
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
# points and weights of Gauss's rule on [0, 1]
_GAUSS = ((0.5 + 0.5 * _NODES).tolist(), (0.5 * _WEIGHTS).tolist())


def beta_gamma_excess(a: Array, b: Array) -> Array:
    r"""Return KL of Beta(a, b) from the gamma of concentration a and rate a + b, in nats.

    .. math:: T(a, b) = \log\frac{\Gamma(A)}{\Gamma(b)} - (b - 1)\left(\psi(A) - \psi(b)\right)
       + a - a \log A \ge 0, \qquad A = a + b

    Parameters
    ----------
    a, b : array
        Positive, broadcastable.

    Returns
    -------
    array
        ≥ 0, of the broadcast shape; about a(a + 1)/(4b²) where b is large.

    Notes
    -----
    From b = 2 on ½φ(−a/A) + a/(bA) times ½ less two of Stirling's remainders, below that as it
    stands for a < 1, else with the remainders themselves. Measured error: 25 ulp.

    Examples
    --------
    >>> from klosed.special.beta_excess import beta_gamma_excess
    >>> float(beta_gamma_excess(1.0, 1.0)), float(beta_gamma_excess(1.0, 1e8))
    (0.306852819440054..., 4.99999...e-17)
    """
    return evaluate(_EXCESS, a=a, b=b)


def grad_beta_gamma_excess(a: Array, b: Array) -> tuple[Array, Array]:
    """Return (∂T/∂a, ∂T/∂b) of `beta_gamma_excess`.

    Examples
    --------
    >>> from klosed.special.beta_excess import grad_beta_gamma_excess
    >>> [round(float(g), 6) for g in grad_beta_gamma_excess(1.0, 1.0)]
    [0.229637, -0.5]
    """
    return evaluate(_EXCESS_BY_A, a=a, b=b), evaluate(_EXCESS_BY_B, a=a, b=b)


def beta_negentropy(a: Array, b: Array) -> Array:
    r"""Return KL of Beta(a, b) from the normal distribution of its mean and variance, in nats.

    .. math:: J(a, b) = J_\Gamma(a) + J_\Gamma(b) - J_\Gamma(A)
       + \left(\psi(A) - \log A\right) - \tfrac12\log\left(1 + \tfrac1A\right) > 0, \qquad A = a + b

    with J_Γ the same of a gamma distribution (`gamma_negentropy`).

    Parameters
    ----------
    a, b : array
        Positive, broadcastable.

    Returns
    -------
    array
        > 0, of the broadcast shape.

    Notes
    -----
    From 1 on all terms of order 1/A are (a − b)²/(3abA), and those of the rest are of order 1/A².
    Measured error: 18 ulp in float64, 6 in float32.

    Examples
    --------
    >>> from klosed.special.beta_excess import beta_negentropy
    >>> round(float(beta_negentropy(1.0, 1.0)), 12)  # ½ log(πe/6)
    0.176485208311
    >>> float(beta_negentropy(1e6, 1e6))
    1.8749999999...e-13
    """
    return evaluate(_NEGENTROPY, a=a, b=b)


def grad_beta_negentropy(a: Array, b: Array) -> tuple[Array, Array]:
    """Return (∂J/∂a, ∂J/∂b) of `beta_negentropy`, accurate relative to the sizes of its terms.

    Examples
    --------
    >>> from klosed.special.beta_excess import grad_beta_negentropy
    >>> [round(float(g), 6) for g in grad_beta_negentropy(2.0, 2.0)]
    [-0.022712, -0.022712]
    """
    return evaluate(_NEGENTROPY_BY_A, a=a, b=b), evaluate(_NEGENTROPY_BY_A, a=b, b=a)


def _excess(a: Array, b: Array) -> Array:
    return choose(b >= 2.0, _excess_far, _excess_near, a, b, then_at=(1.0, 2.0),
                  otherwise_at=(1.0, 1.0))  # fmt: skip


def _excess_far(a: Array, b: Array) -> Array:
    A = a + b
    rest = (b - 1.0) * (1.0 / b + 1.0 / A) * _pole_slope(A, b) + _pole_value(A, b)
    return 0.5 * _phi_ratio(b, A, -a) + a / b / A * (0.5 - rest)


def _excess_near(a: Array, b: Array) -> Array:
    A = a + b
    xp = namespace(a)
    direct = lgamma_difference(A, b, a) + (1.0 - b) * digamma_difference(A, b, a)
    direct = direct + a * (1.0 - xp.log(A))
    part = 0.5 * a / b / A
    slope = digamma_minus_log_difference(A, b, a) - part
    remainder = stirling_remainder(b) - stirling_remainder(A)
    large = 0.5 * _phi_ratio(b, A, -a) + part + (1.0 - b) * slope - remainder
    return xp.where(a < 1.0, direct, large)


def _excess_by_a(a: Array, b: Array) -> Array:
    A = a + b
    return (0.5 * (a + 1.0) / A / A + _slope(A)) + (1.0 - b) * _bend(A)


def _excess_by_b(a: Array, b: Array) -> Array:
    A = a + b
    bend = choose(
        a < 0.5 * b, _bend_near, lambda a, b: _bend(b) - _bend(a + b), a, b,
        then_at=(1.0, 4.0), otherwise_at=(1.0, 1.0),
    )  # fmt: skip
    return (b - 1.0) * bend - 0.5 * (a / b / A) * (a / A + (1.0 + b / A) / b)


def _bend(x: Array) -> Array:
    """Return the second derivative of Stirling's remainder, trigamma(x) − 1/x − 1/(2x²)."""
    return choose(
        x >= 3.5, lambda x: ratio(1.0 / (x * x), STIRLING_2) / (6.0 * x) / x / x,
        lambda x: trigamma_minus_reciprocal(x) - 0.5 / x / x, x,
        then_at=(4.0,), otherwise_at=(1.0,),
    )  # fmt: skip


def _slope(x: Array) -> Array:
    """Return the derivative of Stirling's remainder, digamma(x) − log x + 1/(2x)."""
    return choose(
        x >= 3.0, lambda x: -ratio(1.0 / (x * x), STIRLING_1) / (12.0 * x) / x,
        lambda x: digamma_minus_log(x) + 0.5 / x, x, then_at=(3.0,), otherwise_at=(1.0,),
    )  # fmt: skip


def _bend_near(a: Array, b: Array) -> Array:
    """Return `_bend`(b) − `_bend`(b + a) as an integral of its derivative, all of one sign."""
    total = 0.0 * a
    for node, weight in zip(*_GAUSS, strict=True):
        x = b + node * a
        total = total + weight * choose(
            x >= 3.5, lambda x: 0.5 * ratio(1.0 / (x * x), STIRLING_3) / x / x / x / x,
            lambda x: -tetragamma(x) - (1.0 + 1.0 / x) / x / x, x,
            then_at=(4.0,), otherwise_at=(1.0,),
        )  # fmt: skip
    return a * total


def _negentropy(a: Array, b: Array) -> Array:
    return choose(
        namespace(a).minimum(a, b) >= 1.0, _negentropy_far, _negentropy_near, a, b,
        then_at=(3.0, 3.0), otherwise_at=(0.5, 0.5),
    )  # fmt: skip


def _negentropy_near(a: Array, b: Array) -> Array:
    A = a + b
    own = gamma_negentropy(a) + gamma_negentropy(b) - gamma_negentropy(A)
    return own + (digamma_minus_log(A) - 0.5 * namespace(a).log1p(1.0 / A))


def _negentropy_far(a: Array, b: Array) -> Array:
    A = a + b
    lean = (a - b) / a * ((a - b) / b) / (3.0 * A)
    tails = (_tail(a) + _tail(b)) - _tail(A)
    return lean + (tails + (_slope(A) + 0.5 * _phi(1.0 / A)))


def _tail(x: Array) -> Array:
    """Return J_Γ(x) − 1/(3x) for x ≥ 1."""
    return choose(
        x >= 3.0, _tail_far, _tail_small, x, then_at=(8.0,), otherwise_at=(1.0,)
    )  # fmt: skip


def _tail_small(x: Array) -> Array:
    v = 1.0 / x
    return v * v * ratio(v, NEGENTROPY_TAIL)


def _tail_far(x: Array) -> Array:
    return choose(
        x >= 8.0, _tail_series, _tail_near, x, then_at=(8.0,), otherwise_at=(3.0,)
    )  # fmt: skip


def _tail_near(x: Array) -> Array:
    v = 1.0 / x
    w = v * v
    slope = ratio(w, STIRLING_1)
    return v * ((1.0 - ratio(w, STIRLING_0)) + (1.0 - slope) + v * slope) / 12.0


def _tail_series(x: Array) -> Array:
    v = 1.0 / x
    w = v * v
    tail = 0.0 * v
    for k in range(len(_STIRLING) + 1, 1, -1):
        tail = w * (tail + _STIRLING[k - 2] * ((2 * k - 1) * v - 2 * k))
    return w / 12.0 + v * tail


def _negentropy_by_a(a: Array, b: Array) -> Array:
    A = a + b
    own = grad_gamma_negentropy(a) - grad_gamma_negentropy(A)
    return own + (trigamma_minus_reciprocal(A) + 0.5 / A / (A + 1.0))


_EXCESS = scalar_form(_excess, lambda a, b: grad_beta_gamma_excess(a, b), arity=2)
_EXCESS_BY_A = scalar_form(_excess_by_a, None, arity=2)
_EXCESS_BY_B = scalar_form(_excess_by_b, None, arity=2)
_NEGENTROPY = scalar_form(_negentropy, lambda a, b: grad_beta_negentropy(a, b), arity=2)
_NEGENTROPY_BY_A = scalar_form(_negentropy_by_a, None, arity=2)
