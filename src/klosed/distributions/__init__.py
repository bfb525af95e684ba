"""Families of distributions: parameters, support, density, entropy, sampling, and gradients.

Imports nothing from klosed above special.
"""

from klosed.distributions._base import Distribution
from klosed.distributions.bernoulli import Bernoulli
from klosed.distributions.gamma import Gamma
from klosed.distributions.independent import Independent
from klosed.distributions.multivariate_normal import MultivariateNormal
from klosed.distributions.normal import Normal

__all__ = ["Bernoulli", "Distribution", "Gamma", "Independent", "MultivariateNormal", "Normal"]
