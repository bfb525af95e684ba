"""The multivariate gamma function, which normalises Wishart densities. Imports floor 0 only."""

from __future__ import annotations

import math

from klosed._arrays import Array
from klosed.errors import ParameterError
from klosed.special.gamma import digamma, lgamma

__all__ = ["multidigamma", "multilgamma"]


def multilgamma(a: Array, p: int) -> Array:
    r"""Return log Γ_p(a), the logarithm of the multivariate gamma function, for a > (p − 1)/2.

    .. math:: \log\Gamma_p(a) = \frac{p(p-1)}{4} \log\pi
       + \sum_{j=0}^{p-1} \log\Gamma\!\left(a - \tfrac j2\right)

    Parameters
    ----------
    a : array
        Any shape, a > (p − 1)/2.
    p : int
        Dimension, at least 1.

    Returns
    -------
    array
        Same shape, kind and dtype.

    Raises
    ------
    ParameterError
        p is not a positive integer.

    Notes
    -----
    James (1964), "Distributions of matrix variates and latent roots derived from normal
    samples", doi:10.1214/aoms/1177703550, equation 59.

    Examples
    --------
    >>> from klosed.special import lgamma, multilgamma
    >>> float(multilgamma(2.5, 1) - lgamma(2.5))
    0.0
    """
    total = lgamma(a)
    for j in _halves(p):
        total = total + lgamma(a - j)
    return total + 0.25 * p * (p - 1) * math.log(math.pi)


def multidigamma(a: Array, p: int) -> Array:
    r"""Return ψ_p(a), the derivative of log Γ_p, for a > (p − 1)/2.

    .. math:: \psi_p(a) = \sum_{j=0}^{p-1} \psi\!\left(a - \tfrac j2\right)

    Parameters
    ----------
    a : array
        Any shape, a > (p − 1)/2.
    p : int
        Dimension, at least 1.

    Returns
    -------
    array
        Same shape, kind and dtype.

    Raises
    ------
    ParameterError
        p is not a positive integer.

    Examples
    --------
    >>> from klosed.special import digamma, multidigamma
    >>> float(multidigamma(2.5, 2) - (digamma(2.5) + digamma(2.0)))
    0.0
    """
    total = digamma(a)
    for j in _halves(p):
        total = total + digamma(a - j)
    return total


def _halves(p: int) -> list[float]:
    if not isinstance(p, int) or p < 1:
        raise ParameterError(f"p must be an integer >= 1; got {p!r}. It is a matrix's dimension.")
    return [0.5 * j for j in range(1, p)]
