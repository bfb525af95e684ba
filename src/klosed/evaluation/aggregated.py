"""The aggregated posterior: where in latent space the training rows lie, as a density."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from klosed.engines import Engine
from klosed.models import Parameters
from klosed.models.likelihoods.gaussian import LOG_2PI

__all__ = ["AggregatedPosterior"]

Array = NDArray[Any]
# Numbers in one block of (points × components): half a megabyte stays in the cache.
_MOST_NUMBERS = 2**16
# exp of less is a denormal number or zero, and takes many times as long.
_LEAST_EXPONENT = -700.0


@dataclass(frozen=True, eq=False)
class AggregatedPosterior:
    r"""The mixture of the posteriors of N rows, a density over the latent space.

    .. math::
        \hat p(z) = \frac1N \sum_{n=1}^N q(z \mid x_n) = \frac1N \sum_{n=1}^N N(z;\, \mu_n,
        \operatorname{diag} \sigma_n^2)

    Of all priors it gives the mean ELBO of those rows its largest value; log p(x) under it is a
    kernel density estimate in a learned space, with bandwidths that are learned too.

    Attributes
    ----------
    loc, log_variance : array of shape (N, n_components)

    Notes
    -----
    Hoffman and Johnson (2016), "ELBO surgery"; Tomczak and Welling (2018), "VAE with a
    VampPrior", arXiv:1705.07120, eq. 9; Norouzi, Fleet and Norouzi (2020), "Exemplar VAE",
    arXiv:2004.04795, eq. 7.

    Examples
    --------
    >>> import numpy as np
    >>> from klosed.evaluation import AggregatedPosterior
    >>> prior = AggregatedPosterior(np.array([[-3.0], [3.0]]), np.zeros((2, 1)))
    >>> prior.log_prob(np.array([[3.0], [0.0]])).round(3)
    array([-1.612, -5.419])
    """

    loc: Array
    log_variance: Array

    @classmethod
    def of(cls, engine: Engine, params: Parameters, x: Array) -> AggregatedPosterior:
        """Return the mixture of the posteriors of rows that are scaled as the model sees them."""
        loc, log_variance = engine.encode(params, x)
        return cls(loc.astype(np.float64), log_variance.astype(np.float64))

    def log_prob(self, z: Array) -> Array:
        """Return log p̂(z) of each point in nats; z has shape (n, n_components)."""
        return np.concatenate([log_prob for _, log_prob, _ in self._mixed(z)])

    def grad_log_prob(self, z: Array) -> Array:
        """Return ∇ log p̂(z) = Σₙ rₙ (μₙ − z) / σₙ², rₙ the share of component n at z."""
        precision = np.exp(-self.log_variance)
        grads = []
        for points, _, shares in self._mixed(z):
            shares /= shares.sum(axis=1, keepdims=True)
            grads.append(shares @ (precision * self.loc) - points * (shares @ precision))
        return np.concatenate(grads)

    def _mixed(self, z: Array) -> Iterator[tuple[Array, Array, Array]]:
        """Yield some points at a time, log p̂ there, and each component's weight by the largest."""
        precision = np.exp(-self.log_variance)
        # one product gives −½ Σ (z² − 2 z μ) / σ² for all pairs
        weights = np.concatenate([-0.5 * precision, precision * self.loc], axis=1).T
        constant = -0.5 * (self.loc**2 * precision + self.log_variance + LOG_2PI).sum(axis=1)
        constant -= math.log(len(self.loc))
        size = max(1, _MOST_NUMBERS // len(self.loc))
        for points in (z[i : i + size] for i in range(0, len(z), size)):
            terms = np.concatenate([points**2, points], axis=1) @ weights
            terms += constant
            largest = terms.max(axis=1, keepdims=True)
            terms -= largest
            np.exp(np.maximum(terms, _LEAST_EXPONENT, out=terms), out=terms)
            yield points, largest[:, 0] + np.log(terms.sum(axis=1)), terms
