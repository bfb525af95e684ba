"""Families of distributions: parameters, support, density, entropy, sampling, and gradients.

Families are imported on first use. Imports nothing from klosed above special.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klosed.distributions._base import Distribution as Distribution
    from klosed.distributions.bernoulli import Bernoulli as Bernoulli
    from klosed.distributions.beta import Beta as Beta
    from klosed.distributions.binomial import Binomial as Binomial
    from klosed.distributions.categorical import Categorical as Categorical
    from klosed.distributions.cauchy import Cauchy as Cauchy
    from klosed.distributions.chi import Chi as Chi
    from klosed.distributions.chi2 import Chi2 as Chi2
    from klosed.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
    from klosed.distributions.dirichlet import Dirichlet as Dirichlet
    from klosed.distributions.exp_gamma import ExpGamma as ExpGamma
    from klosed.distributions.exponential import Exponential as Exponential
    from klosed.distributions.gamma import Gamma as Gamma
    from klosed.distributions.geometric import Geometric as Geometric
    from klosed.distributions.gumbel import Gumbel as Gumbel
    from klosed.distributions.half_cauchy import HalfCauchy as HalfCauchy
    from klosed.distributions.half_normal import HalfNormal as HalfNormal
    from klosed.distributions.independent import Independent as Independent
    from klosed.distributions.inverse_gamma import InverseGamma as InverseGamma
    from klosed.distributions.inverse_gaussian import InverseGaussian as InverseGaussian
    from klosed.distributions.kumaraswamy import Kumaraswamy as Kumaraswamy
    from klosed.distributions.laplace import Laplace as Laplace
    from klosed.distributions.log_normal import LogNormal as LogNormal
    from klosed.distributions.logit_normal import LogitNormal as LogitNormal
    from klosed.distributions.low_rank_multivariate_normal import (
        LowRankMultivariateNormal as LowRankMultivariateNormal,
    )
    from klosed.distributions.matrix_normal import MatrixNormal as MatrixNormal
    from klosed.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
    from klosed.distributions.moyal import Moyal as Moyal
    from klosed.distributions.multinomial import Multinomial as Multinomial
    from klosed.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
    from klosed.distributions.negative_binomial import NegativeBinomial as NegativeBinomial
    from klosed.distributions.normal import Normal as Normal
    from klosed.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
    from klosed.distributions.ordered_logistic import OrderedLogistic as OrderedLogistic
    from klosed.distributions.pareto import Pareto as Pareto
    from klosed.distributions.poisson import Poisson as Poisson
    from klosed.distributions.power_spherical import PowerSpherical as PowerSpherical
    from klosed.distributions.spherical_uniform import SphericalUniform as SphericalUniform
    from klosed.distributions.transformed import TransformedDistribution as TransformedDistribution
    from klosed.distributions.uniform import Uniform as Uniform
    from klosed.distributions.von_mises import VonMises as VonMises
    from klosed.distributions.von_mises_fisher import VonMisesFisher as VonMisesFisher
    from klosed.distributions.weibull import Weibull as Weibull
    from klosed.distributions.wishart import Wishart as Wishart

# family -> the file that holds it
_HOMES = {
    "Bernoulli": "bernoulli",
    "Beta": "beta",
    "Binomial": "binomial",
    "Categorical": "categorical",
    "Cauchy": "cauchy",
    "Chi": "chi",
    "Chi2": "chi2",
    "ContinuousBernoulli": "continuous_bernoulli",
    "Dirichlet": "dirichlet",
    "Distribution": "_base",
    "ExpGamma": "exp_gamma",
    "Exponential": "exponential",
    "Gamma": "gamma",
    "Geometric": "geometric",
    "Gumbel": "gumbel",
    "HalfCauchy": "half_cauchy",
    "HalfNormal": "half_normal",
    "Independent": "independent",
    "InverseGamma": "inverse_gamma",
    "InverseGaussian": "inverse_gaussian",
    "Kumaraswamy": "kumaraswamy",
    "Laplace": "laplace",
    "LogNormal": "log_normal",
    "LogitNormal": "logit_normal",
    "LowRankMultivariateNormal": "low_rank_multivariate_normal",
    "MatrixNormal": "matrix_normal",
    "MixtureSameFamily": "mixture_same_family",
    "Moyal": "moyal",
    "Multinomial": "multinomial",
    "MultivariateNormal": "multivariate_normal",
    "NegativeBinomial": "negative_binomial",
    "Normal": "normal",
    "OneHotCategorical": "one_hot_categorical",
    "OrderedLogistic": "ordered_logistic",
    "Pareto": "pareto",
    "Poisson": "poisson",
    "PowerSpherical": "power_spherical",
    "SphericalUniform": "spherical_uniform",
    "TransformedDistribution": "transformed",
    "Uniform": "uniform",
    "VonMises": "von_mises",
    "VonMisesFisher": "von_mises_fisher",
    "Weibull": "weibull",
    "Wishart": "wishart",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'klosed.distributions' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"klosed.distributions.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
