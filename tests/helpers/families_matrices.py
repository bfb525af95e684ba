"""Instances of the families of matrices: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import MatrixNormal, Wishart

__all__ = ["MATRICES"]

_SYMMETRIC = [
    [[1.5, 0.4], [0.4, 0.8]],
    [[0.7, -0.3], [-0.3, 1.1]],
    [[2.0, 0.9], [0.9, 1.3]],
]
_FACTOR = [
    [[1.1, 0.0], [0.3, 0.8]],
    [[0.7, 0.0], [-0.6, 1.2]],
    [[1.3, 0.0], [0.2, 0.9]],
]
_PRECISION = [
    [[1.2, -0.4], [-0.4, 1.5]],
    [[1.7, 0.5], [0.5, 0.9]],
    [[0.8, 0.1], [0.1, 1.4]],
]

MATRICES: dict[str, tuple[Any, dict[str, Any]]] = {
    "matrix_normal": (
        MatrixNormal,
        {
            "loc": [[[0.1, -1.0]], [[0.4, 0.3]], [[0.9, 0.2]]],
            "covariance_matrix_row": [[[1.7]], [[0.6]], [[0.9]]],
            "covariance_matrix_column": _SYMMETRIC,
        },
    ),
    "matrix_normal_factor": (
        MatrixNormal,
        {
            "loc": [[[0.3, -1.2]], [[0.5, 0.1]], [[1.2, 0.0]]],
            "scale_tril_row": [[[0.8]], [[1.3]], [[1.0]]],
            "scale_tril_column": _FACTOR,
        },
    ),
    "matrix_normal_precision": (
        MatrixNormal,
        {
            "loc": [[0.2, 0.1]],
            "precision_matrix_row": [[1.4]],
            "precision_matrix_column": _PRECISION,
        },
    ),
    "wishart": (Wishart, {"df": [5.0, 6.3, 5.7], "covariance_matrix": _SYMMETRIC}),
    "wishart_precision": (Wishart, {"df": [8.1, 5.5, 6.0], "precision_matrix": _PRECISION}),
    "wishart_factor": (Wishart, {"df": 7.3, "scale_tril": _FACTOR}),
}
