"""KL divergences, entropies and cross-entropies in closed form, each beside its gradient.

Imports nothing from klosed above distributions. Importing a file here registers its pairs.
"""

from klosed.divergences import bernoulli as bernoulli
from klosed.divergences import beta as beta
from klosed.divergences import binomial as binomial
from klosed.divergences import categorical as categorical
from klosed.divergences import cauchy as cauchy
from klosed.divergences import chi as chi
from klosed.divergences import chi2 as chi2
from klosed.divergences import continuous_bernoulli as continuous_bernoulli
from klosed.divergences import dirichlet as dirichlet
from klosed.divergences import exp_gamma as exp_gamma
from klosed.divergences import exponential as exponential
from klosed.divergences import gamma as gamma
from klosed.divergences import geometric as geometric
from klosed.divergences import gumbel as gumbel
from klosed.divergences import half_cauchy as half_cauchy
from klosed.divergences import half_normal as half_normal
from klosed.divergences import independent as independent
from klosed.divergences import inverse_gamma as inverse_gamma
from klosed.divergences import inverse_gaussian as inverse_gaussian
from klosed.divergences import kumaraswamy as kumaraswamy
from klosed.divergences import laplace as laplace
from klosed.divergences import low_rank_multivariate_normal as low_rank_multivariate_normal
from klosed.divergences import matrix_normal as matrix_normal
from klosed.divergences import moyal as moyal
from klosed.divergences import multinomial as multinomial
from klosed.divergences import multivariate_normal as multivariate_normal
from klosed.divergences import negative_binomial as negative_binomial
from klosed.divergences import normal as normal
from klosed.divergences import one_hot_categorical as one_hot_categorical
from klosed.divergences import ordered_logistic as ordered_logistic
from klosed.divergences import pareto as pareto
from klosed.divergences import poisson as poisson
from klosed.divergences import power_spherical as power_spherical
from klosed.divergences import spherical_uniform as spherical_uniform
from klosed.divergences import transformed as transformed
from klosed.divergences import uniform as uniform
from klosed.divergences import von_mises as von_mises
from klosed.divergences import von_mises_fisher as von_mises_fisher
from klosed.divergences import weibull as weibull
from klosed.divergences import wishart as wishart
from klosed.divergences._functions import (
    cross_entropy,
    cross_entropy_value_and_grad,
    entropy,
    entropy_value_and_grad,
    kl_divergence,
    kl_monte_carlo,
    kl_value_and_grad,
)
from klosed.divergences._registry import KLRule, closed_form_pairs, has_closed_form, register_kl

__all__ = [
    "KLRule",
    "closed_form_pairs",
    "cross_entropy",
    "cross_entropy_value_and_grad",
    "entropy",
    "entropy_value_and_grad",
    "has_closed_form",
    "kl_divergence",
    "kl_monte_carlo",
    "kl_value_and_grad",
    "register_kl",
]
