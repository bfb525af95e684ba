"""Cancellation-free functions from which every divergence is written. Imports floor 0 only.

Each takes arrays of any kind, keeps their dtype, and states its error in ulp, units in the last
place of the true value, on NumPy; a library whose own exp or log is less exact adds its share (JAX
up to 3 ulp). `python benchmarks/special_accuracy.py` measures them all against mpmath.
"""

from klosed.special.bessel import (
    bessel_complement,
    bessel_ratio,
    bessel_ratio_difference,
    bessel_slope,
    log_bessel,
    log_bessel_bregman,
    log_bessel_scaled,
)
from klosed.special.bessel_remainder import log_bessel_remainder
from klosed.special.beta_excess import (
    beta_gamma_excess,
    beta_negentropy,
    grad_beta_gamma_excess,
    grad_beta_negentropy,
)
from klosed.special.beta_tilt import beta_tilt_divergence
from klosed.special.direction_quantile import fisher_quantile, von_mises_quantile
from klosed.special.elementary import bd0, log1mexp, log1p, log_ratio, logexpm1, phi, phi_ratio, psi
from klosed.special.erf import erf
from klosed.special.errorfree import difference_of_products, two_log, two_product, two_sum
from klosed.special.exponential_integral import exp1e
from klosed.special.gamma import (
    digamma,
    digamma_minus_log,
    lgamma,
    lgamma1p,
    tetragamma,
    trigamma,
    trigamma_minus_reciprocal,
)
from klosed.special.gamma_differences import (
    digamma_difference,
    digamma_minus_log_difference,
    gamma_shape_bregman,
    lgamma_bregman,
    lgamma_difference,
    stirling_bregman,
)
from klosed.special.gamma_drops import (
    digamma_minus_log_drop,
    lgamma_bregman_drop,
    shape_information_drop,
)
from klosed.special.gamma_quantile import gamma_quantile, log_gamma_quantile
from klosed.special.interval import log_mean_gap
from klosed.special.inverse_gaussian_quantile import inverse_gaussian_quantile
from klosed.special.kumaraswamy import (
    divergence_from_beta,
    log_complement_ratio,
    log_complement_slopes,
    mean_log_complement,
)
from klosed.special.langevin import (
    langevin,
    langevin_bend,
    langevin_difference,
    langevin_slope,
    log_sinhc,
    log_sinhc_bregman,
)
from klosed.special.logistic import (
    log_sigmoid,
    sigmoid,
    sigmoid_difference,
    softplus,
    softplus_bregman,
    softplus_difference,
)
from klosed.special.multigamma import multidigamma, multilgamma
from klosed.special.stirling import gamma_negentropy, grad_gamma_negentropy, stirling_remainder

__all__ = [
    "bd0",
    "bessel_complement",
    "bessel_ratio",
    "bessel_ratio_difference",
    "bessel_slope",
    "beta_gamma_excess",
    "beta_negentropy",
    "beta_tilt_divergence",
    "difference_of_products",
    "digamma",
    "digamma_difference",
    "digamma_minus_log",
    "digamma_minus_log_difference",
    "digamma_minus_log_drop",
    "divergence_from_beta",
    "erf",
    "exp1e",
    "fisher_quantile",
    "gamma_negentropy",
    "gamma_quantile",
    "gamma_shape_bregman",
    "grad_beta_gamma_excess",
    "grad_beta_negentropy",
    "grad_gamma_negentropy",
    "inverse_gaussian_quantile",
    "langevin",
    "langevin_bend",
    "langevin_difference",
    "langevin_slope",
    "lgamma",
    "lgamma1p",
    "lgamma_bregman",
    "lgamma_bregman_drop",
    "lgamma_difference",
    "log1mexp",
    "log1p",
    "log_bessel",
    "log_bessel_bregman",
    "log_bessel_remainder",
    "log_bessel_scaled",
    "log_complement_ratio",
    "log_complement_slopes",
    "log_gamma_quantile",
    "log_mean_gap",
    "log_ratio",
    "log_sigmoid",
    "log_sinhc",
    "log_sinhc_bregman",
    "logexpm1",
    "mean_log_complement",
    "multidigamma",
    "multilgamma",
    "phi",
    "phi_ratio",
    "psi",
    "shape_information_drop",
    "sigmoid",
    "sigmoid_difference",
    "softplus",
    "softplus_bregman",
    "softplus_difference",
    "stirling_bregman",
    "stirling_remainder",
    "tetragamma",
    "trigamma",
    "trigamma_minus_reciprocal",
    "two_log",
    "two_product",
    "two_sum",
    "von_mises_quantile",
]
