"""Instances of the families of directions: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import PowerSpherical, SphericalUniform, VonMises, VonMisesFisher

__all__ = ["DIRECTIONS"]


def _circular_uniform(like: Any) -> SphericalUniform:
    return SphericalUniform(2, like=like)


_UNIT = [[0.6, 0.8], [-1.0, 0.0], [0.28, -0.96]]
_LONG = [[0.3, 1.4], [-2.0, -0.7], [0.1, -0.3]]

DIRECTIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "spherical_uniform": (_circular_uniform, {"like": [0.0, 0.0, 0.0]}),
    "von_mises": (VonMises, {"loc": [0.3, -2.9, 4.0], "concentration": [0.7, 2.9, 11.0]}),
    "von_mises_log": (
        VonMises,
        {"loc": [0.1, 2.9, -1.7], "log_concentration": [-0.6, 0.3, 1.9]},
    ),
    "von_mises_fisher": (
        VonMisesFisher,
        {"mean_direction": _UNIT, "concentration": [0.7, 2.9, 11.0]},
    ),
    "von_mises_fisher_log": (
        VonMisesFisher,
        {"mean_direction": _LONG, "log_concentration": [-0.6, 0.3, 1.9]},
    ),
    "power_spherical": (
        PowerSpherical,
        {"mean_direction": _UNIT, "concentration": [2.7, 5.1, 14.0]},
    ),
    "power_spherical_log": (
        PowerSpherical,
        {"mean_direction": _LONG, "log_concentration": [0.9, 1.6, 2.2]},
    ),
}
