"""Power spherical distributions about the third axis, by height. Mirrors divergences/."""

import sympy as sp

from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law
from klosed.derivations.spherical_uniform import LONGITUDE, POINT, moments_of_longitude

__all__ = ["FAMILY", "PAIRS"]

x = sp.symbols("x1 x2 x3", real=True)
t = sp.Symbol("t", real=True)
kappa = sp.Symbol("kappa", positive=True)

FAMILY = Family(
    name="PowerSpherical",
    draws={kappa: (0.3, 5)},
    parameters={"mean_direction": (0, 0, 1), "concentration": kappa},
    variables=x,
    log_density=kappa * sp.log((1 + x[2]) / 2) + sp.log((kappa + 1) / (4 * sp.pi)),
    laws=(Law(t, kappa * sp.log((1 + t) / 2) + sp.log((kappa + 1) / 2), -1, 1), LONGITUDE),
    outcome=POINT,
    moments=(
        Moment(sp.log((1 + t) / 2), -1 / (kappa + 1), "(1 + t)/2 is Beta(κ + 1, 1)"),
        Moment(t, kappa / (kappa + 2), "twice the mean of that beta variable, less one"),
        *moments_of_longitude(),
    ),
)

PAIRS = (
    Pair("PowerSpherical", "SphericalUniform", case="in three dimensions"),
    Pair(
        "PowerSpherical",
        "VonMisesFisher",
        case="in three dimensions, about an axis",
        relative_to_largest=True,
    ),
)
