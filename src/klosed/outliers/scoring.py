"""−log p(x) of rows under the members, and each column's share of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri, softmax
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from klosed.engines import engine
from klosed.evaluation import AggregatedPosterior
from klosed.models import Parameters, VAESpec
from klosed.models.likelihoods import HeteroscedasticGaussian
from klosed.models.likelihoods.gaussian import LOG_2PI
from klosed.networks import ACTIVATIONS, mlp, mlp_backward

__all__ = ["Member", "Scorer"]

Array = NDArray[Any]
_LOG2_SAMPLES = 3
# Numbers of the largest array that a thread works on: some 2 MB.
_MOST_NUMBERS = 2**18
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
    The likelihood sees the row as it is. NaN is what was not observed: the latent point is
    inferred from the rest, and the entry costs what it costs on average given that point,
    E[−log N(xⱼ; m, v)] = ½ (log 2πv + 1). So rows with and without holes can be compared.
    """

    spec: VAESpec
    low: Array
    high: Array

    def member(self, params: Parameters, x: Array) -> Member:
        """Return the member whose prior is the aggregated posterior of these rows."""
        model = engine("reference", self.spec)
        return Member(params, AggregatedPosterior.of(model, params, x[:_MOST_COMPONENTS]))

    def nll(self, members: Sequence[Member], x: Array) -> Array:
        """Return −log p(x) of each row in nats, the mean over the members; shape (n,)."""
        return self._mean(self._nll, members, x)

    def shares(self, members: Sequence[Member], x: Array) -> Array:
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
        return self._mean(self._shares, members, x)

    def _mean(
        self, of: Callable[[Member, Array], Array], members: Sequence[Member], x: Array
    ) -> Array:
        """Return the mean over members, some rows at a time on each thread."""
        width = max(2 * self.spec.n_features, *self.spec.decoder_widths, self.spec.n_components)
        size = max(1, _MOST_NUMBERS // (width * len(self._noise)))
        parts = [x[i : i + size] for i in range(0, len(x), size)]

        def mean(rows: Array) -> Array:
            return np.mean([of(member, rows) for member in members], axis=0)

        if len(parts) == 1:
            return mean(x)
        # Rows go to threads and each product stays in one: two pools would fight.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cpu_count()) as pool:
            return np.concatenate(list(pool.map(mean, parts)))

    def _nll(self, member: Member, x: Array) -> Array:
        log_weights, terms = self._sampled(member, x)
        return self._total(log_weights, terms, np.isnan(x))

    def _shares(self, member: Member, x: Array) -> Array:
        log_weights, terms = self._sampled(member, x)
        shares = np.einsum("nk,nkj->nj", softmax(log_weights, axis=1), terms)
        shares += self._latent_shares(member, x)
        rest = self._total(log_weights, terms, np.isnan(x)) - shares.sum(axis=1)
        return shares + rest[:, None] / self.spec.n_features

    @staticmethod
    def _total(log_weights: Array, terms: Array, missing: Array) -> Array:
        """Return −log (1/K) Σₖ wₖ and what the missing entries cost on average."""
        nll: Array = np.log(log_weights.shape[1]) - logsumexp(log_weights, axis=1)
        if missing.any():
            nll += np.einsum("nk,nkj,nj->n", softmax(log_weights, axis=1), terms, missing)
        return nll

    @cached_property
    def _noise(self) -> Array:
        unit = qmc.Sobol(self.spec.n_components, seed=0).random_base2(_LOG2_SAMPLES)
        noise: Array = ndtri(unit)
        return noise

    def _sampled(self, member: Member, x: Array) -> tuple[Array, Array]:
        """Return log w of what was observed, (n, K), and the cost of each entry, (n, K, d)."""
        model, likelihood = engine("reference", self.spec), HeteroscedasticGaussian(self.spec)
        loc, log_variance = model.encode(member.params, np.clip(x, self.low, self.high))
        z = loc[:, None] + np.exp(0.5 * log_variance)[:, None] * self._noise
        flat = z.reshape(-1, z.shape[-1])
        output = model.decode(member.params, flat).reshape(*z.shape[:2], -1)
        missing = np.isnan(x)[:, None]
        if missing.any():
            # an entry at its mean m costs ½ log 2πv
            at = np.where(missing, likelihood.mean(output), x[:, None])
            terms = likelihood.terms(output, at) + 0.5 * missing
            observed = np.where(missing, 0, terms).sum(axis=-1)
        else:
            terms = likelihood.terms(output, x[:, None])
            observed = terms.sum(axis=-1)
        log_q = -0.5 * (self._noise**2 + log_variance[:, None] + LOG_2PI).sum(axis=-1)
        log_prior = member.prior.log_prob(flat).reshape(z.shape[:2])
        return log_prior - log_q - observed, terms

    def _latent_shares(self, member: Member, x: Array) -> Array:
        """Return the integrated gradients of −log p̂(μ(x)) by the columns of x."""
        middle = np.clip(0.0, self.low, self.high)
        way = np.clip(np.where(np.isnan(x), middle, x), self.low, self.high) - middle
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
