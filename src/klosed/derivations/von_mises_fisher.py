"""Von Mises–Fisher distributions on the sphere, by height over their equator."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law
from klosed.derivations.spherical_uniform import LONGITUDE, POINT, moments_of_longitude

__all__ = ["FAMILY", "PAIRS"]

x = sp.symbols("x1 x2 x3", real=True)
t = sp.Symbol("t", real=True)
a, b = sp.symbols("a b", real=True)  # colatitude and longitude of the mean direction
kappa = sp.Symbol("kappa", positive=True)

_direction = sp.Matrix([sp.sin(a) * sp.cos(b), sp.sin(a) * sp.sin(b), sp.cos(a)])
_south = sp.Matrix([sp.cos(a) * sp.cos(b), sp.cos(a) * sp.sin(b), -sp.sin(a)])
_east = sp.Matrix([-sp.sin(b), sp.cos(b), 0])
_log_constant = sp.log(kappa) - sp.log(4 * sp.pi * sp.sinh(kappa))

FAMILY = Family(
    name="VonMisesFisher",
    draws={a: (0.3, 2.8), b: (-3, 3), kappa: (0.3, 5)},
    parameters={"mean_direction": tuple(_direction), "concentration": kappa},
    variables=x,
    log_density=kappa * (_direction.T * sp.Matrix(x))[0] + _log_constant,
    laws=(Law(t, kappa * t + _log_constant + sp.log(2 * sp.pi), -1, 1), LONGITUDE),
    outcome=tuple(POINT[0] * _south + POINT[1] * _east + POINT[2] * _direction),
    moments=(
        Moment(t, 1 / sp.tanh(kappa) - 1 / kappa, "derivative of log(sinh κ / κ)"),
        *moments_of_longitude(),
    ),
    entropy=-_log_constant - kappa / sp.tanh(kappa) + 1,
)

PAIRS = (
    Pair("VonMisesFisher", "VonMisesFisher", case="in three dimensions", relative_to_largest=True),
    Pair("VonMisesFisher", "SphericalUniform", case="in three dimensions"),
)
