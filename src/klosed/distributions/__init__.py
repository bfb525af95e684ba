"""Families of distributions: parameters, support, density, entropy, sampling, and gradients.

Imports nothing from klosed above special.
"""

from klosed.distributions._base import Distribution
from klosed.distributions.bernoulli import Bernoulli
from klosed.distributions.continuous_bernoulli import ContinuousBernoulli
from klosed.distributions.exponential import Exponential
from klosed.distributions.gamma import Gamma
from klosed.distributions.gumbel import Gumbel
from klosed.distributions.half_normal import HalfNormal
from klosed.distributions.independent import Independent
from klosed.distributions.inverse_gaussian import InverseGaussian
from klosed.distributions.laplace import Laplace
from klosed.distributions.multivariate_normal import MultivariateNormal
from klosed.distributions.normal import Normal
from klosed.distributions.uniform import Uniform

__all__ = [
    "Bernoulli",
    "ContinuousBernoulli",
    "Distribution",
    "Exponential",
    "Gamma",
    "Gumbel",
    "HalfNormal",
    "Independent",
    "InverseGaussian",
    "Laplace",
    "MultivariateNormal",
    "Normal",
    "Uniform",
]
