"""exp, expm1, log1p and their kin as branch-free polynomials that a compiler turns into vectors.

One body for float32 and float64; what differs is chosen by type. Errors are a few ulps. Python's
own functions are called one number at a time and cost ten times as much.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from klosed.engines.fused._intrinsics import bits_of, float_of

__all__ = [
    "exp",
    "exp_below_one",
    "expm1",
    "is_finite",
    "normal_cdf",
    "psi",
    "sigmoid_softplus",
    "tanh",
]

# Products and sums may become one operation; nothing may be reordered.
_EXACT: Any = {
    "fastmath": {"contract"},
    "forceinline": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def _reduced(x: Any) -> Any:
    """Return (r, q, s, t): exp(x) = s t exp(r), |r| ≤ ½ ln 2, q = exp(r) − 1 − r.

    s and t are powers of two; one alone would leave the range before exp(x) does.
    """
    raise NotImplementedError


def _reduced32(x: Any) -> Any:
    x = np.float32(-150) if x < np.float32(-150) else x
    x = np.float32(150) if x > np.float32(150) else x
    shifted = x * np.float32(1.44269504088896341) + np.float32(12582912.0)
    whole = shifted - np.float32(12582912.0)
    n = bits_of(shifted) - np.int32(0x4B400000)
    # ln 2 in two parts, the first with zeros at its end: n ln 2 is exact (Cody and Waite)
    r = (x - whole * np.float32(0.693359375)) + whole * np.float32(2.12194440054690583e-4)
    p = np.float32(1 / 40320)
    p = p * r + np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    half = n >> np.int32(1)
    s = float_of(np.int32((half + np.int32(127)) << np.int32(23)))
    t = float_of(np.int32((n - half + np.int32(127)) << np.int32(23)))
    return r, r * r * p, s, t


def _reduced64(x: Any) -> Any:
    x = -1400.0 if x < -1400.0 else x
    x = 1400.0 if x > 1400.0 else x
    shifted = x * 1.44269504088896341 + 6755399441055744.0
    whole = shifted - 6755399441055744.0
    n = bits_of(shifted) - 0x4338000000000000
    r = (x - whole * 6.93145751953125e-1) - whole * 1.42860682030941723212e-6
    p = 1 / 87178291200
    p = p * r + 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    half = n >> 1
    s = float_of((half + 1023) << 52)
    t = float_of((n - half + 1023) << 52)
    return r, r * r * p, s, t


def _log1p_unit(x: Any) -> Any:
    """Return log1p(x) for 0 ≤ x ≤ 1, as 2 artanh(x / (2 + x))."""
    raise NotImplementedError


def _log1p_unit32(x: Any) -> Any:
    s = x / (np.float32(2) + x)
    u = s * s
    p = np.float32(2 / 15)
    p = p * u + np.float32(2 / 13)
    p = p * u + np.float32(2 / 11)
    p = p * u + np.float32(2 / 9)
    p = p * u + np.float32(2 / 7)
    p = p * u + np.float32(2 / 5)
    p = p * u + np.float32(2 / 3)
    return s * u * p + (s + s)


def _log1p_unit64(x: Any) -> Any:
    s = x / (2.0 + x)
    u = s * s
    p = 2 / 35
    p = p * u + 2 / 33
    p = p * u + 2 / 31
    p = p * u + 2 / 29
    p = p * u + 2 / 27
    p = p * u + 2 / 25
    p = p * u + 2 / 23
    p = p * u + 2 / 21
    p = p * u + 2 / 19
    p = p * u + 2 / 17
    p = p * u + 2 / 15
    p = p * u + 2 / 13
    p = p * u + 2 / 11
    p = p * u + 2 / 9
    p = p * u + 2 / 7
    p = p * u + 2 / 5
    p = p * u + 2 / 3
    return s * u * p + (s + s)


def exp_below_one(x: Any) -> Any:
    """Return exp(−|x|), to one unit in the last place of 1."""
    raise NotImplementedError


def _exp_below_one32(x: Any) -> Any:
    # 2ⁿ 2ᶠ with |f| ≤ ½. What rounding n + f costs grows with |x| more slowly than exp(−|x|) falls.
    t = abs(x) * np.float32(-1.44269504088896341)
    t = np.float32(-126) if t < np.float32(-126) else t
    shifted = t + np.float32(12582912.0)
    f = t - (shifted - np.float32(12582912.0))
    p = np.float32(0.0001547802186215516)  # of degree 6, within 2e-9 of 2ᶠ
    p = p * f + np.float32(0.0013400431667175915)
    p = p * f + np.float32(0.009617994515721373)
    p = p * f + np.float32(0.05550327215165904)
    p = p * f + np.float32(0.2402265150504066)
    p = p * f + np.float32(0.6931472067106472)
    p = p * f + np.float32(1.0)
    return float_of(np.int32(bits_of(p) + np.int32(bits_of(shifted) << np.int32(23))))


def _exp_below_one64(x: Any) -> Any:
    r, q, s, t = _reduced(-abs(x))
    return ((r + q) * s + s) * t


def _by_type(function: Any, single: Any, double: Any) -> Any:
    """Make `function` run `single` on float32 and `double` on float64."""

    def choose(x: Any) -> Any:
        return single if x == types.float32 else double

    overload(function, jit_options=_EXACT)(choose)
    return function


_by_type(_reduced, _reduced32, _reduced64)
_by_type(_log1p_unit, _log1p_unit32, _log1p_unit64)
_by_type(exp_below_one, _exp_below_one32, _exp_below_one64)


@njit(**_EXACT)
def is_finite(x: Any) -> Any:
    """Return True unless x is infinite or NaN."""
    return x - x == type(x)(0)


@njit(**_EXACT)
def exp(x: Any) -> Any:
    """Return exp(x)."""
    r, q, s, t = _reduced(x)
    return ((r + q) * s + s) * t


@njit(**_EXACT)
def expm1(x: Any) -> Any:
    """Return exp(x) − 1 without cancellation."""
    r, q, s, t = _reduced(x)
    return (r + q) * s * t + (s * t - type(x)(1))


@njit(**_EXACT)
def psi(x: Any) -> Any:
    """Return ψ(x) = exp(x) − 1 − x without cancellation."""
    r, q, s, t = _reduced(x)
    return q if s * t == type(x)(1) else ((r + q) * s * t + (s * t - type(x)(1))) - x


@njit(**_EXACT)
def sigmoid_softplus(x: Any) -> Any:
    """Return (1 / (1 + exp(−x)), log(1 + exp x), exp(−|x|))."""
    one = type(x)(1)
    e = exp(-abs(x))
    d = one / (one + e)
    sigmoid = d if x >= type(x)(0) else e * d
    return sigmoid, max(x, type(x)(0)) + _log1p_unit(e), e


@njit(**_EXACT)
def tanh(x: Any) -> Any:
    """Return tanh(x)."""
    a = expm1(type(x)(-2) * abs(x))
    y = -a / (type(x)(2) + a)
    return y if x >= type(x)(0) else -y


@njit(**_EXACT)
def normal_cdf(x: Any) -> Any:
    """Return Φ(x), exact in the lower tail."""
    return type(x)(0.5) * math.erfc(x * type(x)(-math.sqrt(0.5)))
