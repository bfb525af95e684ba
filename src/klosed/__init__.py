"""klosed: variational autoencoders on closed-form KL divergences.

Public names are imported on first use, so that `import klosed` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klosed.distributions import Bernoulli as Bernoulli
    from klosed.distributions import Beta as Beta
    from klosed.distributions import Binomial as Binomial
    from klosed.distributions import Categorical as Categorical
    from klosed.distributions import Cauchy as Cauchy
    from klosed.distributions import Chi as Chi
    from klosed.distributions import Chi2 as Chi2
    from klosed.distributions import ContinuousBernoulli as ContinuousBernoulli
    from klosed.distributions import Dirichlet as Dirichlet
    from klosed.distributions import Distribution as Distribution
    from klosed.distributions import ExpGamma as ExpGamma
    from klosed.distributions import Exponential as Exponential
    from klosed.distributions import Gamma as Gamma
    from klosed.distributions import Geometric as Geometric
    from klosed.distributions import Gumbel as Gumbel
    from klosed.distributions import HalfCauchy as HalfCauchy
    from klosed.distributions import HalfNormal as HalfNormal
    from klosed.distributions import Independent as Independent
    from klosed.distributions import InverseGamma as InverseGamma
    from klosed.distributions import InverseGaussian as InverseGaussian
    from klosed.distributions import Kumaraswamy as Kumaraswamy
    from klosed.distributions import Laplace as Laplace
    from klosed.distributions import LogitNormal as LogitNormal
    from klosed.distributions import LogNormal as LogNormal
    from klosed.distributions import LowRankMultivariateNormal as LowRankMultivariateNormal
    from klosed.distributions import MatrixNormal as MatrixNormal
    from klosed.distributions import MixtureSameFamily as MixtureSameFamily
    from klosed.distributions import Moyal as Moyal
    from klosed.distributions import Multinomial as Multinomial
    from klosed.distributions import MultivariateNormal as MultivariateNormal
    from klosed.distributions import NegativeBinomial as NegativeBinomial
    from klosed.distributions import Normal as Normal
    from klosed.distributions import OneHotCategorical as OneHotCategorical
    from klosed.distributions import OrderedLogistic as OrderedLogistic
    from klosed.distributions import Pareto as Pareto
    from klosed.distributions import Poisson as Poisson
    from klosed.distributions import PowerSpherical as PowerSpherical
    from klosed.distributions import SphericalUniform as SphericalUniform
    from klosed.distributions import TransformedDistribution as TransformedDistribution
    from klosed.distributions import Uniform as Uniform
    from klosed.distributions import VonMises as VonMises
    from klosed.distributions import VonMisesFisher as VonMisesFisher
    from klosed.distributions import Weibull as Weibull
    from klosed.distributions import Wishart as Wishart
    from klosed.divergences import closed_form_pairs as closed_form_pairs
    from klosed.divergences import cross_entropy as cross_entropy
    from klosed.divergences import cross_entropy_value_and_grad as cross_entropy_value_and_grad
    from klosed.divergences import entropy as entropy
    from klosed.divergences import entropy_value_and_grad as entropy_value_and_grad
    from klosed.divergences import kl_bounds as kl_bounds
    from klosed.divergences import kl_divergence as kl_divergence
    from klosed.divergences import kl_monte_carlo as kl_monte_carlo
    from klosed.divergences import kl_value_and_grad as kl_value_and_grad
    from klosed.divergences import register_kl as register_kl
    from klosed.engines import engine as engine
    from klosed.errors import KlosedError as KlosedError
    from klosed.errors import NoClosedFormError as NoClosedFormError
    from klosed.estimator import VAE as VAE
    from klosed.estimator import load as load
    from klosed.models.spec import VAESpec as VAESpec
    from klosed.outliers import VAEOutlierDetector as VAEOutlierDetector

# public name -> the module that holds it
_HOMES = {
    "KlosedError": "klosed.errors",
    "NoClosedFormError": "klosed.errors",
    "VAE": "klosed.estimator",
    "VAESpec": "klosed.models.spec",
    "VAEOutlierDetector": "klosed.outliers",
    "load": "klosed.estimator",
    "engine": "klosed.engines",
    "Bernoulli": "klosed.distributions",
    "Categorical": "klosed.distributions",
    "Cauchy": "klosed.distributions",
    "Chi": "klosed.distributions",
    "Chi2": "klosed.distributions",
    "Beta": "klosed.distributions",
    "ContinuousBernoulli": "klosed.distributions",
    "Dirichlet": "klosed.distributions",
    "Distribution": "klosed.distributions",
    "ExpGamma": "klosed.distributions",
    "Exponential": "klosed.distributions",
    "Gamma": "klosed.distributions",
    "Gumbel": "klosed.distributions",
    "HalfCauchy": "klosed.distributions",
    "HalfNormal": "klosed.distributions",
    "Independent": "klosed.distributions",
    "InverseGamma": "klosed.distributions",
    "InverseGaussian": "klosed.distributions",
    "Kumaraswamy": "klosed.distributions",
    "Laplace": "klosed.distributions",
    "LogNormal": "klosed.distributions",
    "LogitNormal": "klosed.distributions",
    "LowRankMultivariateNormal": "klosed.distributions",
    "MatrixNormal": "klosed.distributions",
    "MixtureSameFamily": "klosed.distributions",
    "Moyal": "klosed.distributions",
    "Multinomial": "klosed.distributions",
    "MultivariateNormal": "klosed.distributions",
    "Normal": "klosed.distributions",
    "OneHotCategorical": "klosed.distributions",
    "OrderedLogistic": "klosed.distributions",
    "Pareto": "klosed.distributions",
    "NegativeBinomial": "klosed.distributions",
    "Binomial": "klosed.distributions",
    "Geometric": "klosed.distributions",
    "Poisson": "klosed.distributions",
    "PowerSpherical": "klosed.distributions",
    "SphericalUniform": "klosed.distributions",
    "TransformedDistribution": "klosed.distributions",
    "Uniform": "klosed.distributions",
    "VonMises": "klosed.distributions",
    "VonMisesFisher": "klosed.distributions",
    "Weibull": "klosed.distributions",
    "Wishart": "klosed.distributions",
    "closed_form_pairs": "klosed.divergences",
    "cross_entropy": "klosed.divergences",
    "cross_entropy_value_and_grad": "klosed.divergences",
    "entropy": "klosed.divergences",
    "entropy_value_and_grad": "klosed.divergences",
    "kl_bounds": "klosed.divergences",
    "kl_divergence": "klosed.divergences",
    "kl_monte_carlo": "klosed.divergences",
    "kl_value_and_grad": "klosed.divergences",
    "register_kl": "klosed.divergences",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("klosed")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name == "torch":  # the module, which loads PyTorch
        value = importlib.import_module("klosed.torch")
    else:
        raise AttributeError(f"module 'klosed' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
