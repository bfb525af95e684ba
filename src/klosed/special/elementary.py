"""φ, ψ and their two-argument forms: the functions most divergences are sums of.

Imports floor 0 only.
"""

from __future__ import annotations

from collections.abc import Callable

from klosed._arrays import Array, kind, namespace
from klosed.special._evaluate import (
    at_most,
    choose,
    evaluate,
    evaluate_difference,
    is_single,
    ratio,
    scalar_form,
    select,
)
from klosed.special._tables import EXPM1_TAIL, LOG1P_TAIL

__all__ = ["bd0", "log1mexp", "log1p", "log_ratio", "logexpm1", "phi", "phi_ratio", "psi"]


def phi(x: Array) -> Array:
    r"""Return φ(x) = x − log1p(x), the excess of a line over the logarithm.

    .. math:: \varphi(x) = x - \log(1 + x) \ge 0, \qquad \varphi'(x) = \frac{x}{1 + x}

    Parameters
    ----------
    x : array
        Any shape, x ≥ −1. Where x = y/m − 1, and y/m may be tiny, use `phi_ratio`.

    Returns
    -------
    array
        Same shape, kind and dtype; 0 at 0, inf at −1 and inf, NaN below −1.

    Notes
    -----
    For −0.6 ≤ x ≤ 1.5, with s = x/(2 + x): log1p(x) = 2 artanh(s), so φ = s(x − s²Q(s²)) with Q a
    rational function; beyond, as written. Named log1pmx (with the other sign) in R and Boost,
    rlog1 in Didonato and Morris (1992), "Algorithm 708", doi:10.1145/131766.131776.
    Measured error: 3 ulp in float64 and float32, from −1 to 1e30 and down to 1e-18.

    Examples
    --------
    >>> from klosed.special import phi
    >>> float(phi(1e-9))
    4.99999999666666...e-19
    """
    return evaluate(_PHI, x=x)


def psi(x: Array) -> Array:
    r"""Return ψ(x) = expm1(x) − x, the excess of the exponential over its tangent at 0.

    .. math:: \psi(x) = e^x - 1 - x \ge 0, \qquad \psi'(x) = \operatorname{expm1}(x)

    Parameters
    ----------
    x : array
        Any shape, any real number.

    Returns
    -------
    array
        Same shape, kind and dtype; 0 at 0, inf at ±inf.

    Notes
    -----
    x² times a polynomial for |x| ≤ 1.35; beyond, as written.
    Measured error: 3 ulp in float64 and float32, from −1000 to 80 and down to 1e-18.

    Examples
    --------
    >>> from klosed.special import psi
    >>> float(psi(1e-9))
    5.00000000166666...e-19
    """
    return evaluate(_PSI, x=x)


def phi_ratio(x: Array, m: Array, diff: Array | None = None) -> Array:
    r"""Return φ(x/m − 1) = x/m − 1 − log(x/m), the Itakura–Saito divergence of x from m.

    .. math:: \varphi\!\left(\tfrac{x - m}{m}\right), \qquad
       \partial_x = \frac{x - m}{x\,m}, \quad \partial_m = -\frac{x - m}{m^2}

    Parameters
    ----------
    x, m : array
        Positive, broadcastable.
    diff : array, optional
        x − m, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        ≥ 0, of the broadcast shape; 0 where x = m.

    Notes
    -----
    Unlike ``phi(diff / m)`` it keeps its digits where x/m is far below 1.
    Measured error: 4 ulp in float64, 6 in float32, x/m from 1e-36 to 1e36 and near 1.

    Examples
    --------
    >>> from klosed.special import phi_ratio
    >>> float(phi_ratio(1e-30, 1.0))
    68.07755278982137
    """
    return evaluate_difference(_PHI_RATIO, diff, x=x, m=m)


def bd0(x: Array, m: Array, diff: Array | None = None) -> Array:
    r"""Return x log(x/m) + m − x, the deviance of a Poisson count x from its mean m, in nats.

    .. math:: x \log\frac{x}{m} + m - x \ge 0, \qquad
       \partial_x = \log\frac{x}{m}, \quad \partial_m = -\frac{x - m}{m}

    Parameters
    ----------
    x, m : array
        Nonnegative, broadcastable.
    diff : array, optional
        x − m, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        ≥ 0, of the broadcast shape; m where x = 0, inf where m = 0 < x, 0 where x = m.

    Notes
    -----
    With s = (x − m)/(x + m) it is s(x − m + x s² Q(s²)) while |s| ≤ 3/7, Q as in `phi`; beyond,
    as written. Loader (2000), "Fast and accurate computation of binomial probabilities", names
    it bd0.
    Measured error: 5 ulp in float64 and float32, x/m from 1e-36 to 1e36 and near 1.

    Examples
    --------
    >>> from klosed.special import bd0
    >>> float(bd0(3.0, 3.0000001)), float(bd0(0.0, 2.0))
    (1.66666662...e-15, 2.0)
    """
    return evaluate_difference(_BD0, diff, x=x, m=m)


def log_ratio(x: Array, m: Array, diff: Array | None = None) -> Array:
    r"""Return log(x/m), to the last digits also where x is near m.

    .. math:: \log\frac{x}{m} = 2 \operatorname{artanh}\frac{x - m}{x + m}, \qquad
       \partial_x = \frac1x, \quad \partial_m = -\frac1m

    Parameters
    ----------
    x, m : array
        Nonnegative, broadcastable.
    diff : array, optional
        x − m, where the caller knows it to more digits than the subtraction gives.

    Returns
    -------
    array
        Of the broadcast shape; finite even where x/m leaves the range of the dtype.

    Notes
    -----
    Measured error: 3 ulp in float64 and float32, x/m from 1e-36 to 1e36 and near 1.

    Examples
    --------
    >>> from klosed.special import log_ratio
    >>> float(log_ratio(1.0, 3.0, -2.0)), float(log_ratio(1e-300, 1e300))
    (-1.098612288668..., -1381.551055796427...)
    """
    return evaluate_difference(_LOG_RATIO, diff, x=x, m=m)


def log1p(x: Array) -> Array:
    r"""Return log(1 + x), to the last digits on every kind of array.

    .. math:: \log(1 + x), \qquad \partial_x = \frac{1}{1 + x}

    Parameters
    ----------
    x : array
        Any shape, x ≥ −1.

    Returns
    -------
    array
        Same shape, kind and dtype; −inf at −1.

    Notes
    -----
    The library's own, except in JAX's float64: jax.numpy.log1p (0.10, on a CPU) is up to 130
    units of the last place off between −0.414 and −0.35. There 2 artanh(x/(2 + x)), as in `phi`.
    Measured error: 1 ulp in float64, 2 in float32; 3 on JAX.

    Examples
    --------
    >>> from klosed.special import log1p
    >>> float(log1p(1e-20))
    1e-20
    """
    return evaluate(_LOG1P, x=x)


def log1mexp(x: Array) -> Array:
    r"""Return log(1 − exp(−x)) for x ≥ 0.

    .. math:: \log(1 - e^{-x}), \qquad \partial_x = \frac{1}{\operatorname{expm1}(x)}

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.

    Returns
    -------
    array
        ≤ 0; −inf at 0.

    Notes
    -----
    log(−expm1(−x)) up to log 2, log1p(−exp(−x)) beyond: Mächler (2012), "Accurately computing
    log(1 − exp(−|a|))", R package Rmpfr.
    Measured error: 1 ulp in float64, 3 in float32.

    Examples
    --------
    >>> from klosed.special import log1mexp
    >>> float(log1mexp(1e-20)), float(log1mexp(50.0))
    (-46.0517018598809..., -1.92874984796391...e-22)
    """
    return evaluate(_LOG1MEXP, x=x)


def logexpm1(x: Array) -> Array:
    r"""Return log(exp(x) − 1) for x ≥ 0: the inverse of softplus.

    .. math:: \log(e^x - 1) = x + \log(1 - e^{-x}), \qquad
       \partial_x = \frac{1}{1 - e^{-x}}

    Parameters
    ----------
    x : array
        Any shape, x ≥ 0.

    Returns
    -------
    array
        −inf at 0; relative accuracy is lost near its root at log 2, absolute accuracy is not.

    Notes
    -----
    Measured error: 3 ulp in float64 and float32 outside (0.5, 1).

    Examples
    --------
    >>> from klosed.special import logexpm1
    >>> float(logexpm1(1e-20)), float(logexpm1(1000.0))
    (-46.0517018598809..., 1000.0)
    """
    return evaluate(_LOGEXPM1, x=x)


def _phi(x: Array) -> Array:
    near = (x >= -0.6) & (x <= 1.5)
    return choose(near, _phi_near, _phi_far, x, then_at=(0.0,), otherwise_at=(2.0,))


def _phi_near(x: Array) -> Array:
    s = x / (2.0 + x)
    z = s * s
    return s * (x - z * ratio(z, LOG1P_TAIL))


def _phi_far(x: Array) -> Array:
    xp = namespace(x)
    # log1p of a finite number, so that φ(inf) is inf and not inf − inf
    return x - xp.log1p(at_most(x, float(xp.finfo(x.dtype).max)))


def _log1p(x: Array) -> Array:
    if kind(x) != "JAX" or is_single(x):
        return namespace(x).log1p(x)
    return choose(
        namespace(x).abs(x) <= 0.6, _log1p_near, namespace(x).log1p, x,
        then_at=(0.0,), otherwise_at=(1.0,),
    )  # fmt: skip


def _log1p_near(x: Array) -> Array:
    s = x / (2.0 + x)
    z = s * s
    return s * (2.0 + z * ratio(z, LOG1P_TAIL))


def _psi(x: Array) -> Array:
    near = namespace(x).abs(x) <= 1.35
    return choose(near, _psi_near, _psi_far, x, then_at=(0.0,), otherwise_at=(2.0,))


def _psi_near(x: Array) -> Array:
    return x * x * ratio(x, EXPM1_TAIL)


def _psi_far(x: Array) -> Array:
    xp = namespace(x)
    # subtract a finite number, so that ψ(inf) is inf and not inf − inf
    return xp.expm1(x) - at_most(x, 1e3)


def _by_nearness(near: Callable[..., Array], far: Callable[..., Array]) -> Callable[..., Array]:
    """Return f(x, m, diff) that is near(x, m, diff, s) where |s| <= 3/7, s = diff/(x + m)."""

    def either(x: Array, m: Array, diff: Array) -> Array:
        # the smallest normal number makes 0/0 a 0 and changes nothing else
        s = diff / (x + m + float(namespace(x).finfo(x.dtype).smallest_normal))
        return choose(
            namespace(s).abs(s) <= 3.0 / 7.0, near, far, x, m, diff, s,
            then_at=(1.0, 1.0, 0.0, 0.0), otherwise_at=(4.0, 1.0, 3.0, 0.6),
        )  # fmt: skip

    return either


def _log_ratio_near(x: Array, m: Array, diff: Array, s: Array) -> Array:
    z = s * s
    return s * (2.0 + z * ratio(z, LOG1P_TAIL))


def _log_ratio_far(x: Array, m: Array, *_: Array) -> Array:
    xp = namespace(x)
    r = x / m
    small = 1e-30 if is_single(x) else 1e-280
    inside = (r > small) & (r < 1.0 / small)
    return choose(
        inside, lambda x, m, r: xp.log(r), lambda x, m, r: xp.log(x) - xp.log(m), x, m, r,
        then_at=(1.0, 1.0, 1.0), otherwise_at=(1.0, 1.0, 1.0),
    )  # fmt: skip


def _phi_ratio_near(x: Array, m: Array, diff: Array, s: Array) -> Array:
    z = s * s
    return s * (diff / m - z * ratio(z, LOG1P_TAIL))


def _phi_ratio_far(x: Array, m: Array, diff: Array, _: Array) -> Array:
    # subtract a finite number, so that m = 0 gives inf and not inf − inf
    return diff / m - at_most(_log_ratio_far(x, m), 1e4)


def _bd0_near(x: Array, m: Array, diff: Array, s: Array) -> Array:
    z = s * s
    return s * (diff + x * z * ratio(z, LOG1P_TAIL))


def _bd0_far(x: Array, m: Array, diff: Array, _: Array) -> Array:
    some = x != 0.0
    # x log(x/m) is 0 where x is: not 0 · inf
    logarithm = _log_ratio_far(select(some, x, 1.0), select(some, m, 1.0))
    return x * logarithm - diff


def _log1mexp(x: Array) -> Array:
    xp = namespace(x)
    return choose(
        x < 0.6931471805599453,
        lambda x: xp.log(-xp.expm1(-x)),
        lambda x: _log1p(-xp.exp(-x)),
        x, then_at=(0.5,), otherwise_at=(1.0,),
    )  # fmt: skip


def _logexpm1(x: Array) -> Array:
    return x + _log1mexp(x)


_log_ratio = _by_nearness(_log_ratio_near, _log_ratio_far)
_phi_ratio = _by_nearness(_phi_ratio_near, _phi_ratio_far)
_bd0 = _by_nearness(_bd0_near, _bd0_far)
_LOG1P = scalar_form(_log1p, lambda x: (1.0 / (1.0 + x),))
_PHI = scalar_form(_phi, lambda x: (x / (1.0 + x),))
_PSI = scalar_form(_psi, lambda x: (namespace(x).expm1(x),))
_PHI_RATIO = scalar_form(
    _phi_ratio, lambda x, m, diff: (diff / x / m, -diff / m / m, None), arity=3
)
_BD0 = scalar_form(_bd0, lambda x, m, diff: (log_ratio(x, m, diff), -diff / m, None), arity=3)
_LOG_RATIO = scalar_form(_log_ratio, lambda x, m, diff: (1.0 / x, -1.0 / m, None), arity=3)
_LOG1MEXP = scalar_form(_log1mexp, lambda x: (1.0 / namespace(x).expm1(x),))
_LOGEXPM1 = scalar_form(_logexpm1, lambda x: (-1.0 / namespace(x).expm1(-x),))
