"""The uniform distribution on the sphere, by height and longitude. Mirrors divergences/."""

import sympy as sp

import klosed
from klosed.derivations._families import Family, Moment
from klosed.derivations._pairs import Pair
from klosed.derivations._quadrature import Law

__all__ = ["FAMILY", "LONGITUDE", "PAIRS", "POINT", "moments_of_longitude"]

x = sp.symbols("x1 x2 x3", real=True)
t, phi = sp.symbols("t phi", real=True)
_width = sp.sqrt(1 - t**2)

LONGITUDE = Law(phi, -sp.log(2 * sp.pi), 0, 2 * sp.pi)
# Archimedes: equal heights cut equal areas from the sphere
POINT = (_width * sp.cos(phi), _width * sp.sin(phi), t)


def moments_of_longitude() -> tuple[Moment, ...]:
    """Return the means of what lies across the axis."""
    return tuple(
        Moment(_width * turn, sp.Integer(0), "symmetry about the axis")
        for turn in (sp.cos(phi), sp.sin(phi))
    )


FAMILY = Family(
    name="SphericalUniform",
    draws={},
    parameters={},
    make=lambda: klosed.SphericalUniform(3),
    call="SphericalUniform(3)",
    variables=x,
    log_density=-sp.log(4 * sp.pi),
    laws=(Law(t, -sp.log(2), -1, 1), LONGITUDE),
    outcome=POINT,
    moments=(
        Moment(t, sp.Integer(0), "the mean height"),
        Moment(sp.log((1 + t) / 2), sp.Integer(-1), "the integral of log u over (0, 1)"),
        *moments_of_longitude(),
    ),
    entropy=sp.log(4 * sp.pi),
)

PAIRS = (
    Pair("SphericalUniform", "SphericalUniform", case="in three dimensions"),
    Pair("SphericalUniform", "VonMisesFisher", case="in three dimensions"),
    Pair("SphericalUniform", "PowerSpherical", case="in three dimensions, about an axis"),
)
