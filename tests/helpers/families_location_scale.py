"""Instances of location-scale and bounded families: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import (
    Cauchy,
    Exponential,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Laplace,
    LogitNormal,
    LogNormal,
    Moyal,
    Normal,
    Pareto,
    TransformedDistribution,
    Uniform,
)
from klosed.distributions.transforms import (
    AffineTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)

__all__ = ["LOCATION_SCALE"]


def image(family: Any, transforms: Any) -> Any:
    """Return the function of a family's parameters that builds its image."""
    return lambda **given: TransformedDistribution(family(**given), transforms)


LOCATION_SCALE: dict[str, tuple[Any, dict[str, Any]]] = {
    "cauchy": (Cauchy, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.9, 0.8]}),
    "cauchy_log": (Cauchy, {"loc": [0.1, -0.9, 1.7], "log_scale": [-0.3, 0.4, 0.2]}),
    "exponential": (Exponential, {"rate": [0.7, 1.9, 0.2]}),
    "exponential_scale": (Exponential, {"scale": [0.9, 0.4, 1.6]}),
    "exponential_log_rate": (Exponential, {"log_rate": [-0.2, 0.5, 0.1]}),
    "gumbel": (Gumbel, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.1, 0.6]}),
    "gumbel_log": (Gumbel, {"loc": [0.1, -0.9, 1.7], "log_scale": [-0.3, 0.4, 0.2]}),
    "half_cauchy": (HalfCauchy, {"scale": [0.7, 1.9, 0.8]}),
    "half_cauchy_log": (HalfCauchy, {"log_scale": [-0.6, 0.3, 0.9]}),
    "half_normal": (HalfNormal, {"scale": [0.7, 1.9, 0.4]}),
    "half_normal_log": (HalfNormal, {"log_scale": [-0.6, 0.3, 0.9]}),
    "laplace": (Laplace, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.9, 0.4]}),
    "laplace_log": (Laplace, {"loc": [0.1, 0.9, -0.7], "log_scale": [-0.6, 0.3, 0.9]}),
    "log_normal": (LogNormal, {"loc": [0.3, -0.2, 0.5], "scale": [0.6, 0.8, 0.7]}),
    "log_normal_log": (LogNormal, {"loc": [0.1, 0.4, -0.3], "log_scale": [-0.5, -0.3, -0.4]}),
    "logit_normal": (LogitNormal, {"loc": [0.3, -0.2, 0.9], "scale": [0.8, 1.7, 0.9]}),
    "logit_normal_log": (LogitNormal, {"loc": [0.1, 0.4, -0.3], "log_scale": [0.5, -0.4, 0.2]}),
    "exp_of_normal": (
        image(Normal, ExpTransform()),
        {"loc": [0.2, 0.1, -0.4], "scale": [0.8, 0.6, 0.9]},
    ),
    "sigmoid_of_normal": (
        image(Normal, SigmoidTransform()),
        {"loc": [0.2, 0.1, -0.4], "log_scale": [0.5, 0.1, -0.4]},
    ),
    "affine_of_uniform": (
        image(Uniform, AffineTransform(1.5, -0.5)),
        {"low": [-1.0, 0.3, 0.7], "high": [0.4, 1.9, 1.2]},
    ),
    "power_of_exponential": (
        image(Exponential, PowerTransform(0.5)),
        {"rate": [0.7, 1.9, 1.2]},
    ),
    "tanh_of_normal": (
        image(Normal, [AffineTransform(0.2, 0.5), TanhTransform()]),
        {"loc": [0.1, 0.2, -0.3], "scale": [0.8, 0.7, 0.9]},
    ),
    "softplus_of_gumbel": (
        image(Gumbel, SoftplusTransform()),
        {"loc": [0.1, 0.2, -0.3], "scale": [0.8, 0.7, 0.9]},
    ),
    "moyal": (Moyal, {"loc": [0.3, -1.2, 2.0], "scale": [0.7, 1.1, 0.8]}),
    "moyal_log": (Moyal, {"loc": [0.1, -0.9, 1.7], "log_scale": [-0.3, 0.4, 0.2]}),
    "pareto": (Pareto, {"scale": [0.7, 1.9, 0.8], "alpha": [7.0, 8.5, 5.0]}),
    "pareto_low": (Pareto, {"scale": [0.3, 0.35, 0.4], "alpha": [4.5, 6.0, 5.0]}),
    "pareto_log": (Pareto, {"log_scale": [-0.6, 0.3, -0.9], "log_alpha": [1.9, 1.6, 2.1]}),
    "uniform": (Uniform, {"low": [0.35, 0.4, 0.45], "high": [0.8, 0.9, 0.95]}),
    "uniform_wide": (Uniform, {"low": [-1.2, 0.1, 0.3], "high": [1.1, 1.7, 2.5]}),
}
