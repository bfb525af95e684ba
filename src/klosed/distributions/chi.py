"""The chi distribution. Imports nothing from klosed above special."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klosed._arrays import Array, namespace
from klosed._autodiff import Gradient
from klosed.distributions._base import Distribution, Gradients, Shape
from klosed.distributions._gamma import (
    entropy_of_log,
    grad_entropy_of_log,
    grad_log_density,
    log_density,
)
from klosed.distributions._parameters import Positive
from klosed.distributions._sampling import as_numpy, keep_positive
from klosed.distributions.supports import POSITIVE
from klosed.special import (
    digamma,
    lgamma_bregman,
    lgamma_difference,
    log_gamma_quantile,
    trigamma,
)

__all__ = ["Chi"]


class Chi(Distribution):
    r"""Chi distribution with ν degrees of freedom: x² is chi-squared.

    .. math:: \log p(x) = \log 2 + \alpha\log\tfrac{x^2}2 - \tfrac{x^2}2 - \log x
       - \log\Gamma(\alpha), \quad \alpha = \nu/2

    Parameters
    ----------
    df, log_df : array
        ν > 0, not necessarily an integer, or log ν; exactly one of them.

    Notes
    -----
    Entropy log Γ(α) + α + (½ − α) ψ(α) − ½ log 2. The noise of
    `rsample` is uniform on (0, 1).
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 18.

    Examples
    --------
    >>> from klosed import Chi
    >>> q = Chi([1.0, 4.0])
    >>> q.mean.round(4).tolist(), q.variance.round(4).tolist()
    ([0.7979, 1.88], [0.3634, 0.4657])
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-0.7258, -1.1931], [0.7258, 1.0192])
    """

    specification = (Positive("df"),)
    support = POSITIVE
    df: Array
    log_df: Array

    def __init__(self, df: Any = None, *, log_df: Any = None) -> None:
        super().__init__(df=df, log_df=log_df)

    @property
    def mean(self) -> Array:
        alpha = 0.5 * self.core.df.value
        growth = lgamma_difference(alpha + 0.5, alpha, 0.5)
        return math.sqrt(2.0) * namespace(growth).exp(growth)

    @property
    def variance(self) -> Array:
        # ν − mean² without subtracting: the ratio of the two is a second difference of log Γ
        alpha = 0.5 * self.core.df.value
        middle = alpha + 0.5
        bend = lgamma_bregman(alpha, middle, -0.5) + lgamma_bregman(alpha + 1.0, middle, 0.5)
        return -self.core.df.value * namespace(bend).expm1(-bend)

    def _log_prob(self, x: Array) -> Array:
        density = log_density(0.5 * self.core.df.value, 0.5 * x * x)
        return density - namespace(x).log(0.5 * x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha, y = 0.5 * self.core.df.value, 0.5 * x * x
        return (
            {"log_df": lambda: grad_log_density(alpha, y)},
            lambda: (2.0 * (alpha - y) - 1.0) / x,
        )

    def _entropy(self) -> Array:
        alpha = 0.5 * self.core.df.value
        return entropy_of_log(alpha) + 0.5 * (digamma(alpha) - math.log(2.0))

    def _grad_entropy(self) -> Gradients:
        alpha = 0.5 * self.core.df.value
        return {"log_df": lambda: grad_entropy_of_log(alpha) + 0.5 * alpha * trigamma(alpha)}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        squares = rng.chisquare(as_numpy(self.core.df.value), shape)
        return keep_positive(self.array(np.sqrt(squares)))

    def _rsample(self, noise: Array) -> Array:
        # by logarithms, because the square may underflow
        log_half = log_gamma_quantile(0.5 * self.core.df.value, noise)
        return keep_positive(namespace(log_half).exp(0.5 * (log_half + math.log(2.0))))
