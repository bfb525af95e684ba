"""φ(x) = x − log1p(x) and ψ(x) = expm1(x) − x: the two functions most divergences are sums of.

Imports nothing from klosed above floor 0.
"""

from __future__ import annotations

from typing import Any

from klosed.special._evaluate import evaluate, horner, is_single

__all__ = ["phi", "psi"]

Array = Any

# Chebyshev interpolants (benchmarks/special_coefficients.py) of
# (log1p(x) − 2s)/s³ in z = s² on [0, 0.1837], s = x/(2 + x), and of ψ(x)/x² on [−1, 1].
_PHI_64 = (
    0.6666666666666666,
    0.40000000000006153,
    0.28571428569836477,
    0.22222222383097864,
    0.18181809809411603,
    0.15384871491666757,
    0.13328391767908845,
    0.11827029655060249,
    0.100075973859094,
    0.12323416898493843,
    -0.005442598491159106,
    0.2395261272066525,
)
_PHI_32 = (
    0.6666666624525576,
    0.4000016479464689,
    0.28561085256699903,
    0.22456668886106892,
    0.15832267857034876,
    0.2567535548095175,
)
_PSI_64 = (
    0.5,
    0.16666666666666666,
    0.04166666666666609,
    0.008333333333333299,
    0.0013888888888981404,
    0.00019841269841324198,
    2.4801587246096818e-05,
    2.7557319191381816e-06,
    2.755733506893373e-07,
    2.5052117695907823e-08,
    2.0874435575864273e-09,
    1.6057679623801638e-10,
    1.1639194124150522e-11,
    7.746178593018827e-13,
)
_PSI_32 = (
    0.49999999781421683,
    0.16666666646842135,
    0.04166673659523746,
    0.00833333967591706,
    0.0013885396911807102,
    0.00019838101968683888,
    2.535851224463976e-05,
    2.8062802582276946e-06,
)


def phi(x: Array) -> Array:
    r"""Return φ(x) = x − log1p(x), the excess of a line over the logarithm.

    .. math:: \varphi(x) = x - \log(1 + x) \ge 0, \qquad \varphi'(x) = \frac{x}{1 + x}

    Parameters
    ----------
    x : array
        Any shape, x ≥ −1.

    Returns
    -------
    array
        Same shape, kind and dtype; 0 at 0, inf at −1 and inf, NaN below −1.

    Examples
    --------
    >>> from klosed.special import phi
    >>> float(phi(1e-9))
    4.99999999666666...e-19
    """
    return evaluate(_phi, x)


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

    Examples
    --------
    >>> from klosed.special import psi
    >>> float(psi(1e-9))
    5.000000001666667e-19
    """
    return evaluate(_psi, x)


def _phi(xp: Any, x: Array) -> Array:
    near = (x >= -0.6) & (x <= 1.5)
    small = xp.where(near, x, 0.0)
    s = small / (2.0 + small)
    z = s * s
    series = s * (small - z * horner(z, _PHI_32 if is_single(xp, x) else _PHI_64))
    far = xp.where(near, 1.0, x)
    # log1p of a finite number, so that φ(inf) is inf and not inf − inf
    huge = float(xp.finfo(x.dtype).max)
    direct = far - xp.log1p(xp.where(far > huge, 1.0, far))
    return xp.where(near, series, direct)


def _psi(xp: Any, x: Array) -> Array:
    near = xp.abs(x) <= 1.0
    small = xp.where(near, x, 0.0)
    series = small * small * horner(small, _PSI_32 if is_single(xp, x) else _PSI_64)
    far = xp.where(near, 1.0, x)
    # subtract a finite number, so that ψ(inf) is inf and not inf − inf
    direct = xp.expm1(far) - xp.where(far > 1e3, 1e3, far)
    return xp.where(near, series, direct)
