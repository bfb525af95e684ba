"""Cancellation-free functions from which every divergence is written. Imports floor 0 only."""

from klosed.special.elementary import bd0, log1mexp, log_ratio, logexpm1, phi, phi_ratio, psi
from klosed.special.errorfree import difference_of_products, two_product, two_sum
from klosed.special.logistic import (
    log_sigmoid,
    sigmoid,
    sigmoid_difference,
    softplus,
    softplus_bregman,
)

__all__ = [
    "bd0",
    "difference_of_products",
    "log1mexp",
    "log_ratio",
    "log_sigmoid",
    "logexpm1",
    "phi",
    "phi_ratio",
    "psi",
    "sigmoid",
    "sigmoid_difference",
    "softplus",
    "softplus_bregman",
    "two_product",
    "two_sum",
]
