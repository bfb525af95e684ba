"""Coefficients of the expansions that bessel.py evaluates, worked out once for an order.

Imports nothing from klosed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

__all__ = ["Order"]

_X = Polynomial([0.0, 1.0])


class _Depth(NamedTuple):
    """How far the expansions go.

    Debye's series serves orders from `base` on with so many `terms`, Hankel's begins at `far`
    (for ν = 0), and both are then written as polynomials of one `degree` on [0, 1].
    """

    base: float
    terms: int
    far: float
    degree: int


_DOUBLE, _SINGLE = _Depth(15.0, 18, 22.0, 20), _Depth(6.0, 8, 11.0, 10)


@dataclass(frozen=True)
class Order:
    """The expansions for one order ν; polynomials lowest power first.

    Debye's, for the order μ = ν + steps, is in t = μ/√(μ² + x²): `slope` is the derivative of its
    logarithm in t, `curve` the next one, and `fall` what the logarithm loses from t to 1, over
    1 − t. Hankel's serves x ≥ `far`: 1 − A(x) = tail(far/x)/x, and G(x) − x + (ν + ½) log x =
    `level` + rest(far/x).
    """

    nu: float
    mu: float
    steps: int
    slope: tuple[float, ...]
    curve: tuple[float, ...]
    fall: tuple[float, ...]
    far: float
    tail: tuple[float, ...]
    tail_slope: tuple[float, ...]
    rest: tuple[float, ...]
    level: float

    @property
    def power(self) -> float:
        """The power of x in I_ν(x) xᵛ at infinity, ν + ½."""
        return self.nu + 0.5

    @classmethod
    def of(cls, nu: float, *, single: bool) -> Order:
        """Return the expansions for the order ν, as deep as float64 or float32 needs."""
        depth = _SINGLE if single else _DOUBLE
        steps = max(0, math.ceil(depth.base - nu))
        far = depth.far + nu * nu / 4.0
        debye, hankel = _debye(nu + steps, depth.terms), _hankel(nu, far)
        slope = _economised(debye, depth)
        tail = _economised_from_first(hankel, depth)
        rest = tail.coef / np.maximum(np.arange(tail.coef.size), 1.0)
        rest[0] = 0.0
        return cls(
            nu=nu,
            mu=nu + steps,
            steps=steps,
            slope=_floats(slope.coef),
            curve=_floats(_economised(debye.deriv(), depth).coef),
            fall=_floats(np.cumsum(slope.integ().coef[:0:-1])[::-1]),
            far=far,
            tail=_floats(tail.coef),
            tail_slope=_floats(_economised_from_first((hankel * _X).deriv(), depth).coef),
            rest=_floats(rest),
            level=math.lgamma(nu + 1.0) + nu * math.log(2.0) - 0.5 * math.log(2.0 * math.pi),
        )


def _debye(mu: float, n: int) -> Polynomial:
    """Return V(t), the derivative of the logarithm of Debye's series of n terms, Σ u_k(t) μ⁻ᵏ.

    Its terms follow from μV = ½t²(1 − t²)(V' + V²) + (t − 2t³)V + (1 − 5t²)/8.
    """
    t = _X
    terms = [(1.0 - 5.0 * t**2) / 8.0]
    for k in range(1, n):
        inner = terms[-1].deriv()
        for i in range(k - 1):
            inner = inner + terms[i] * terms[k - 2 - i]
        terms.append(0.5 * t**2 * (1.0 - t**2) * inner + (t - 2.0 * t**3) * terms[-1])
    total = Polynomial([0.0])
    for term in reversed(terms):
        total = (total + term) / mu
    return total


def _hankel(nu: float, far: float) -> Polynomial:
    """Return x (1 − A(x)) in far/x, from A' = 1 − A² − (2ν + 1) A/x, to its smallest term."""
    a = [1.0]
    for k in range(1, 60):
        square = sum(a[i] * a[k - i] for i in range(1, k))
        a.append(-0.5 * (square + (2.0 * nu + 2.0 - k) * a[-1]))
    scaled = -np.array(a[1:]) / far ** np.arange(59.0)
    # two at a time: of half-integer orders some terms vanish, for 5/2 the fourth
    size = np.abs(scaled)
    return Polynomial(scaled[: np.argmin(size[:-1] + size[1:]) + 1])


def _economised(function: Callable[..., Any], depth: _Depth) -> Polynomial:
    return Chebyshev.interpolate(function, depth.degree, domain=[0, 1]).convert(kind=Polynomial)


def _economised_from_first(p: Polynomial, depth: _Depth) -> Polynomial:
    # p(0) exactly, because that is nearly all of p
    return p.coef[0] + _X * _economised(Polynomial([*p.coef[1:], 0.0]), depth)


def _floats(values: Any) -> tuple[float, ...]:
    # at least two coefficients; order ½ needs only one of Hankel's
    return (*(float(v) for v in values), *[0.0] * (2 - len(values)))
