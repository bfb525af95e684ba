"""From scores of examples to figures of a model: means with two kinds of error.

Imports only its sibling.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from klosed.evaluation.importance import ExampleScores, Float64

__all__ = ["Estimate", "Summary"]

# Below this an example's estimate rests on a handful of samples: its own error is over 0.3 nats.
_FEW = 10.0


@dataclass(frozen=True)
class Estimate:
    """A mean over examples, in nats.

    Attributes
    ----------
    value : float
    standard_error : float
        Of the mean over examples, as a sample of all that could come; it includes the noise of
        the samples. NaN for one example.
    monte_carlo_error : float
        The part of it that more samples of z would shrink; 0 for a closed form, NaN for one
        sample.
    """

    value: float
    standard_error: float
    monte_carlo_error: float

    @classmethod
    def of(cls, scores: Float64, variances: Float64 | float = 0.0) -> Estimate:
        """Return the mean of `scores`, each known up to its Monte Carlo variance."""
        n = len(scores)
        spread = float(scores.std(ddof=1)) if n > 1 else math.nan
        noise = math.sqrt(float(np.broadcast_to(variances, n).sum())) / n
        return cls(float(scores.mean()), spread / math.sqrt(n), noise)


@dataclass(frozen=True)
class Summary:
    """ELBO, its parts and the log-likelihood of a model on data, in nats per example.

    Notes
    -----
    `few_effective_samples` is the share of examples whose effective sample size is below 10.
    A low one betrays a poor estimate; a high one does not prove a good one, because samples
    that miss a region of the posterior do not know of it.
    """

    n_examples: int
    n_samples: int
    elbo: Estimate
    reconstruction: Estimate
    kl: Estimate
    log_likelihood: Estimate
    median_effective_sample_size: float
    few_effective_samples: float

    @classmethod
    def of(cls, scores: ExampleScores) -> Summary:
        """Return the figures of `scores`."""
        sizes = scores.effective_sample_size
        return cls(
            n_examples=len(scores.kl),
            n_samples=scores.n_samples,
            elbo=Estimate.of(scores.elbo, scores.reconstruction_variance),
            reconstruction=Estimate.of(scores.reconstruction, scores.reconstruction_variance),
            kl=Estimate.of(scores.kl),
            log_likelihood=Estimate.of(scores.log_likelihood, scores.log_likelihood_variance),
            median_effective_sample_size=float(np.median(sizes)),
            few_effective_samples=float((sizes < _FEW).mean()),
        )

    @property
    def is_trustworthy(self) -> bool:
        """False when half of the log-likelihoods or more rest on a handful of samples."""
        return self.median_effective_sample_size >= _FEW

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types; NaN becomes None."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: plain(part) for name, part in value.items()}
            return None if isinstance(value, float) and math.isnan(value) else value

        fields: dict[str, Any] = plain(dataclasses.asdict(self))
        return fields
