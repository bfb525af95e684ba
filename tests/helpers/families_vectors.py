"""Instances of the families of vectors: name -> (family, parameters)."""

from __future__ import annotations

from klosed import LowRankMultivariateNormal, MultivariateNormal

__all__ = ["VECTORS"]

_LOC = [[0.3, -1.2], [0.5, 0.1], [1.2, 0.0]]

VECTORS = {
    "multivariate_normal": (
        MultivariateNormal,
        {
            "loc": _LOC,
            "covariance_matrix": [
                [[1.5, 0.4], [0.4, 0.8]],
                [[0.7, -0.3], [-0.3, 1.1]],
                [[2.0, 0.9], [0.9, 1.3]],
            ],
        },
    ),
    "multivariate_normal_precision": (
        MultivariateNormal,
        {
            "loc": [[0.1, -1.0], [0.4, 0.3], [0.9, 0.2]],
            "precision_matrix": [
                [[1.2, -0.4], [-0.4, 1.5]],
                [[1.7, 0.5], [0.5, 0.9]],
                [[0.8, 0.1], [0.1, 1.4]],
            ],
        },
    ),
    "multivariate_normal_factor": (
        MultivariateNormal,
        {
            "loc": [0.2, 0.1],
            "scale_tril": [
                [[1.1, 0.0], [0.3, 0.8]],
                [[0.7, 0.0], [-0.6, 1.2]],
                [[1.3, 0.0], [0.2, 0.9]],
            ],
        },
    ),
    "low_rank": (
        LowRankMultivariateNormal,
        {
            "loc": _LOC,
            "cov_factor": [[[0.7], [-0.4]], [[0.3], [0.9]], [[-1.1], [0.2]]],
            "cov_diag": [[0.6, 1.2], [0.9, 0.5], [1.4, 0.8]],
        },
    ),
    "low_rank_log": (
        LowRankMultivariateNormal,
        {
            "loc": [0.4, -0.1],
            "cov_factor": [[0.5, 0.2], [-0.3, 0.8]],
            "log_cov_diag": [[-0.2, 0.3], [0.1, -0.4], [0.5, 0.2]],
        },
    ),
}
