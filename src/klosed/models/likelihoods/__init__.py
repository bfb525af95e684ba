"""Likelihoods p(x | z): each negative log-likelihood beside its gradient, on NumPy arrays.

A likelihood reads the decoder's last layer (its head, named after the parameter it emits) and,
where it learns a variance or the like, free parameters of its own. Everything is in nats. NaN
in x means "not observed": such an entry adds nothing to the loss or to any gradient.
"""

from __future__ import annotations

from klosed.models.likelihoods.base import Likelihood
from klosed.models.likelihoods.bernoulli import Bernoulli
from klosed.models.likelihoods.blocks import Blocks
from klosed.models.likelihoods.categorical import Categorical
from klosed.models.likelihoods.counts import NegativeBinomial, Poisson
from klosed.models.likelihoods.gaussian import Gaussian
from klosed.models.likelihoods.heteroscedastic import HeteroscedasticGaussian
from klosed.models.likelihoods.student_t import StudentT
from klosed.models.spec import VAESpec

__all__ = [
    "LIKELIHOODS",
    "Bernoulli",
    "Blocks",
    "Categorical",
    "Gaussian",
    "HeteroscedasticGaussian",
    "Likelihood",
    "NegativeBinomial",
    "Poisson",
    "StudentT",
    "likelihood_of",
]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "heteroscedastic_gaussian": HeteroscedasticGaussian,
    "student_t": StudentT,
    "poisson": Poisson,
    "negative_binomial": NegativeBinomial,
    "categorical": Categorical,
}


def likelihood_of(spec: VAESpec) -> Likelihood:
    """Return the likelihood that `spec` names."""
    if isinstance(spec.likelihood, str):
        return LIKELIHOODS[spec.likelihood](spec)
    parts = [
        LIKELIHOODS[name](spec, width, f"decoder.{i}")
        for i, (name, width) in enumerate(spec.likelihood)
    ]
    return Blocks(spec, parts)
