"""Families of distributions: parameters, support, density, entropy, sampling, and gradients.

Imports nothing from klosed above special.
"""

from klosed.distributions._base import Distribution
from klosed.distributions.bernoulli import Bernoulli
from klosed.distributions.beta import Beta
from klosed.distributions.binomial import Binomial
from klosed.distributions.categorical import Categorical
from klosed.distributions.cauchy import Cauchy
from klosed.distributions.chi import Chi
from klosed.distributions.chi2 import Chi2
from klosed.distributions.continuous_bernoulli import ContinuousBernoulli
from klosed.distributions.dirichlet import Dirichlet
from klosed.distributions.exp_gamma import ExpGamma
from klosed.distributions.exponential import Exponential
from klosed.distributions.gamma import Gamma
from klosed.distributions.geometric import Geometric
from klosed.distributions.gumbel import Gumbel
from klosed.distributions.half_cauchy import HalfCauchy
from klosed.distributions.half_normal import HalfNormal
from klosed.distributions.independent import Independent
from klosed.distributions.inverse_gamma import InverseGamma
from klosed.distributions.inverse_gaussian import InverseGaussian
from klosed.distributions.kumaraswamy import Kumaraswamy
from klosed.distributions.laplace import Laplace
from klosed.distributions.log_normal import LogNormal
from klosed.distributions.logit_normal import LogitNormal
from klosed.distributions.low_rank_multivariate_normal import LowRankMultivariateNormal
from klosed.distributions.matrix_normal import MatrixNormal
from klosed.distributions.mixture_same_family import MixtureSameFamily
from klosed.distributions.moyal import Moyal
from klosed.distributions.multinomial import Multinomial
from klosed.distributions.multivariate_normal import MultivariateNormal
from klosed.distributions.negative_binomial import NegativeBinomial
from klosed.distributions.normal import Normal
from klosed.distributions.one_hot_categorical import OneHotCategorical
from klosed.distributions.ordered_logistic import OrderedLogistic
from klosed.distributions.pareto import Pareto
from klosed.distributions.poisson import Poisson
from klosed.distributions.power_spherical import PowerSpherical
from klosed.distributions.spherical_uniform import SphericalUniform
from klosed.distributions.transformed import TransformedDistribution
from klosed.distributions.uniform import Uniform
from klosed.distributions.von_mises import VonMises
from klosed.distributions.von_mises_fisher import VonMisesFisher
from klosed.distributions.weibull import Weibull
from klosed.distributions.wishart import Wishart

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi",
    "Chi2",
    "ContinuousBernoulli",
    "Dirichlet",
    "Distribution",
    "ExpGamma",
    "Exponential",
    "Gamma",
    "Geometric",
    "Gumbel",
    "HalfCauchy",
    "HalfNormal",
    "Independent",
    "InverseGamma",
    "InverseGaussian",
    "Kumaraswamy",
    "Laplace",
    "LogNormal",
    "LogitNormal",
    "LowRankMultivariateNormal",
    "MatrixNormal",
    "MixtureSameFamily",
    "Moyal",
    "Multinomial",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "OneHotCategorical",
    "OrderedLogistic",
    "Pareto",
    "Poisson",
    "PowerSpherical",
    "SphericalUniform",
    "TransformedDistribution",
    "Uniform",
    "VonMises",
    "VonMisesFisher",
    "Weibull",
    "Wishart",
]
