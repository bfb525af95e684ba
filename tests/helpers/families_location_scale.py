"""Instances of location-scale and bounded families: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import Exponential, Gumbel, HalfNormal, Laplace, Uniform

__all__ = ["LOCATION_SCALE"]

LOCATION_SCALE: dict[str, tuple[Any, dict[str, Any]]] = {
    "exponential": (Exponential, {"rate": [0.7, 1.9, 0.2]}),
    "exponential_scale": (Exponential, {"scale": [0.9, 0.4, 1.6]}),
    "exponential_log_rate": (Exponential, {"log_rate": [-0.2, 0.5, 0.1]}),
    "gumbel": (Gumbel, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.1, 0.6]}),
    "gumbel_log": (Gumbel, {"loc": [0.1, -0.9, 1.7], "log_scale": [-0.3, 0.4, 0.2]}),
    "half_normal": (HalfNormal, {"scale": [0.7, 1.9, 0.4]}),
    "half_normal_log": (HalfNormal, {"log_scale": [-0.6, 0.3, 0.9]}),
    "laplace": (Laplace, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.9, 0.4]}),
    "laplace_log": (Laplace, {"loc": [0.1, 0.9, -0.7], "log_scale": [-0.6, 0.3, 0.9]}),
    "uniform": (Uniform, {"low": [0.1, 0.2, 0.35], "high": [0.6, 0.5, 0.9]}),
    "uniform_wide": (Uniform, {"low": [-1.2, 0.1, 0.3], "high": [1.1, 0.7, 2.5]}),
}
