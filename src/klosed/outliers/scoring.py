"""−log p(x) of rows under the members, and each column's share of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri, softmax
from scipy.stats import qmc

from klosed.engines import engine
from klosed.evaluation import AggregatedPosterior
from klosed.models import Parameters, VAESpec
from klosed.models.likelihoods import HeteroscedasticGaussian
from klosed.models.likelihoods.gaussian import LOG_2PI
from klosed.networks import ACTIVATIONS, mlp, mlp_backward

__all__ = ["Member", "Scorer"]

Array = NDArray[Any]
_LOG2_SAMPLES = 3
# Numbers of the largest array at work: some 16 MB.
_MOST_NUMBERS = 2**21
_MOST_COMPONENTS = 1_000
# Points of the midpoint rule along the path of integrated gradients.
_PATH = 16


@dataclass(frozen=True, eq=False)
class Member:
    """One trained VAE, in float64, and the prior under which it is evaluated."""

    params: Parameters
    prior: AggregatedPosterior


@dataclass(frozen=True, eq=False)
class Scorer:
    """Evaluates members in float64, always at the same quasi-random points.

    The encoder reads a row only as far as the training rows `low` … `high` reached: any q(z | x)
    gives valid importance weights, and an encoder says nothing useful where it never learned.
    The likelihood sees the row as it is.
    """

    spec: VAESpec
    low: Array
    high: Array

    def member(self, params: Parameters, x: Array) -> Member:
        """Return the member whose prior is the aggregated posterior of these rows."""
        model = engine("reference", self.spec)
        return Member(params, AggregatedPosterior.of(model, params, x[:_MOST_COMPONENTS]))

    def nll(self, member: Member, x: Array) -> Array:
        """Return −log p(x) of each row in nats, shape (n,)."""
        return np.concatenate(
            [
                -logsumexp(log_weights, axis=1) + np.log(log_weights.shape[1])
                for log_weights, _ in self._sampled(member, x)
            ]
        )

    def shares(self, member: Member, x: Array) -> Array:
        r"""Return each column's share of −log p(x), shape (n, n_features); rows sum to it.

        With importance weights w̄ₖ that sum to 1,

            −log p(x) = Σⱼ Σₖ w̄ₖ (−log p(xⱼ | zₖ)) + what the latent point costs.

        The first part belongs to columns as it stands. The second is how improbable the point is
        to which the encoder sends the row; integrated gradients of −log p̂(μ(x)), from the middle
        of the training rows to the row, share it out, and what their midpoint rule and the cost
        of the middle itself leave over is divided evenly.

        Notes
        -----
        Sundararajan, Taly and Yan (2017), arXiv:1703.01365, eq. 1.
        """
        parts = []
        for log_weights, terms in self._sampled(member, x):
            parts.append(np.einsum("nk,nkj->nj", softmax(log_weights, axis=1), terms))
        shares = np.concatenate(parts) + self._latent_shares(member, x)
        rest = self.nll(member, x) - shares.sum(axis=1)
        return shares + rest[:, None] / self.spec.n_features

    def _sampled(self, member: Member, x: Array) -> Iterator[tuple[Array, Array]]:
        """Yield, some rows at a time, log w of shape (n, K) and −log p(xⱼ | zₖ) of (n, K, d)."""
        model = engine("reference", self.spec)
        likelihood = HeteroscedasticGaussian(self.spec)
        unit = qmc.Sobol(self.spec.n_components, seed=0).random_base2(_LOG2_SAMPLES)
        noise = ndtri(unit)
        width = max(2 * self.spec.n_features, *self.spec.decoder_widths, self.spec.n_components)
        size = max(1, _MOST_NUMBERS // (width * len(noise)))
        for rows in (x[i : i + size] for i in range(0, len(x), size)):
            loc, log_variance = model.encode(member.params, np.clip(rows, self.low, self.high))
            z = loc[:, None] + np.exp(0.5 * log_variance)[:, None] * noise
            flat = z.reshape(-1, z.shape[-1])
            output = model.decode(member.params, flat).reshape(*z.shape[:2], -1)
            terms = likelihood.terms(output, rows[:, None])
            log_q = -0.5 * (noise**2 + log_variance[:, None] + LOG_2PI).sum(axis=-1)
            log_prior = member.prior.log_prob(flat).reshape(z.shape[:2])
            yield log_prior - log_q - terms.sum(axis=-1), terms

    def _latent_shares(self, member: Member, x: Array) -> Array:
        """Return the integrated gradients of −log p̂(μ(x)) by the columns of x."""
        middle = np.clip(0.0, self.low, self.high)
        way = np.clip(x, self.low, self.high) - middle
        total = np.zeros_like(way)
        for point in (np.arange(_PATH) + 0.5) / _PATH:
            total -= self._grad_log_prior(member, middle + point * way)
        return way * total / _PATH

    def _grad_log_prior(self, member: Member, x: Array) -> Array:
        """Return ∂ log p̂(μ(x)) / ∂x: through the mean's head and the encoder's layers."""
        params, activation = member.params, ACTIVATIONS[self.spec.activation]
        depth = len(self.spec.hidden_layer_sizes)
        h, tape = mlp(params, "encoder.hidden", depth, activation, x)
        weight = params["encoder.loc.weight"]
        loc = h @ weight.T + params["encoder.loc.bias"]
        grad_h = member.prior.grad_log_prob(loc) @ weight
        grad_x, _ = mlp_backward(params, "encoder.hidden", activation, tape, grad_h)
        return grad_x
