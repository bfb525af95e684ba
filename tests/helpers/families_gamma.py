"""Instances of the gamma family and its relatives: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import Chi, Chi2, ExpGamma, Gamma, InverseGamma, InverseGaussian, Weibull

__all__ = ["GAMMA_RELATIVES"]

GAMMA_RELATIVES: dict[str, tuple[Any, dict[str, Any]]] = {
    "gamma": (Gamma, {"concentration": [2.3, 4.1, 1.7], "rate": [0.8, 2.0, 1.3]}),
    "gamma_scale": (Gamma, {"concentration": [3.2, 1.9, 6.0], "scale": [0.7, 1.1, 0.4]}),
    "gamma_log": (Gamma, {"log_concentration": [0.9, 1.4, 0.6], "log_rate": [0.2, -0.3, 0.5]}),
    "gamma_log_scale": (Gamma, {"concentration": [2.5, 3.5, 4.5], "log_scale": [0.3, 0.1, -0.4]}),
    "inverse_gamma": (InverseGamma, {"concentration": [9.3, 8.1, 7.7], "rate": [2.8, 5.0, 3.3]}),
    "inverse_gamma_log": (
        InverseGamma,
        {"log_concentration": [2.2, 2.4, 2.1], "log_rate": [0.7, 1.3, 0.5]},
    ),
    "exp_gamma": (ExpGamma, {"concentration": [2.3, 4.1, 1.7], "rate": [0.8, 2.0, 1.3]}),
    "exp_gamma_scale": (ExpGamma, {"concentration": [1.3, 2.1, 0.7], "scale": [1.8, 0.5, 0.3]}),
    "exp_gamma_log": (
        ExpGamma,
        {"log_concentration": [0.9, 0.4, 0.6], "log_rate": [0.2, -0.3, 0.5]},
    ),
    "chi2": (Chi2, {"df": [4.7, 3.4, 6.2]}),
    "chi2_log": (Chi2, {"log_df": [1.7, 1.4, 2.2]}),
    "chi": (Chi, {"df": [2.7, 3.4, 6.2]}),
    "chi_log": (Chi, {"log_df": [1.7, 1.4, 0.9]}),
    "weibull": (Weibull, {"scale": [0.7, 1.9, 1.2], "concentration": [1.3, 2.4, 1.8]}),
    "weibull_log": (
        Weibull,
        {"log_scale": [0.1, -0.4, 0.6], "log_concentration": [0.7, 0.3, 0.5]},
    ),
    "inverse_gaussian": (
        InverseGaussian,
        {"loc": [0.8, 1.5, 1.1], "concentration": [2.0, 4.5, 9.0]},
    ),
    "inverse_gaussian_log": (
        InverseGaussian,
        {"log_loc": [0.1, 0.3, -0.2], "log_concentration": [1.1, 0.7, 1.9]},
    ),
}
