"""The chi-squared distribution. Imports nothing from klosed above special."""

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
from klosed.special import digamma, gamma_quantile, trigamma

__all__ = ["Chi2"]


class Chi2(Distribution):
    r"""Chi-squared distribution with ν degrees of freedom: Gamma(α = ν/2, rate ½).

    .. math:: \log p(x) = \alpha\log\tfrac x2 - \tfrac x2 - \log x - \log\Gamma(\alpha),
       \quad \alpha = \nu/2

    Parameters
    ----------
    df, log_df : array
        ν > 0, not necessarily an integer, or log ν; exactly one of them.

    Notes
    -----
    Entropy log Γ(α) + α + (1 − α) ψ(α) + log 2. The
    noise of `rsample` is uniform on (0, 1).
    Johnson, Kotz and Balakrishnan (1994), "Continuous univariate distributions", vol. 1, ch. 18.

    Examples
    --------
    >>> from klosed import Chi2
    >>> q = Chi2([1.0, 4.0])
    >>> q.log_prob(1.0).round(4).tolist(), q.entropy().round(4).tolist()
    ([-1.4189, -1.8863], [0.7838, 2.2704])
    """

    specification = (Positive("df"),)
    support = POSITIVE
    df: Array
    log_df: Array

    def __init__(self, df: Any = None, *, log_df: Any = None) -> None:
        super().__init__(df=df, log_df=log_df)

    @property
    def mean(self) -> Array:
        return self.core.df.value

    @property
    def variance(self) -> Array:
        return 2.0 * self.core.df.value

    def _log_prob(self, x: Array) -> Array:
        return log_density(0.5 * self.core.df.value, 0.5 * x) - namespace(x).log(x)

    def _grad_log_prob(self, x: Array) -> tuple[Gradients, Gradient]:
        alpha, y = 0.5 * self.core.df.value, 0.5 * x
        return (
            {"log_df": lambda: grad_log_density(alpha, y)},
            lambda: (alpha - y - 1.0) / x,
        )

    def _entropy(self) -> Array:
        alpha = 0.5 * self.core.df.value
        return entropy_of_log(alpha) + (digamma(alpha) + math.log(2.0))

    def _grad_entropy(self) -> Gradients:
        alpha = 0.5 * self.core.df.value
        return {"log_df": lambda: grad_entropy_of_log(alpha) + alpha * trigamma(alpha)}

    def _sample(self, rng: np.random.Generator, shape: Shape) -> Array:
        return keep_positive(self.array(rng.chisquare(as_numpy(self.core.df.value), shape)))

    def _rsample(self, noise: Array) -> Array:
        return keep_positive(2.0 * gamma_quantile(0.5 * self.core.df.value, noise))
