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

_SHOWN = {
    "outcome": (
        "log q(x) = κq t + log κq − log(4π sinh κq),  t = μqᵀx",
        r"\log q(x) = \kappa_q t + \log\kappa_q - \log(4\pi\sinh\kappa_q), \quad t = \mu_q^\top x",
    ),
    "entropy apart": (
        "H(q) = −κq E[t] − log κq + log(4π sinh κq)",
        r"\mathrm{H}(q) = -\kappa_q\operatorname{E}_q[t] - \log\kappa_q + \log(4\pi\sinh\kappa_q)",
    ),
    "entropy": (
        "H(q) = −κq A(κq) − log κq + log(4π sinh κq),  A(κ) = coth κ − 1/κ",
        r"\mathrm{H}(q) = -\kappa_q A(\kappa_q) - \log\kappa_q + \log(4\pi\sinh\kappa_q),"
        r" \quad A(\kappa) = \coth\kappa - \frac1\kappa",
    ),
    "cross-entropy apart": (
        "H(q, p) = −κp μpᵀ E[x] − log κp + log(4π sinh κp)",
        r"\mathrm{H}(q, p) = -\kappa_p\,\mu_p^\top\operatorname{E}_q[x]"
        r" - \log\kappa_p + \log(4\pi\sinh\kappa_p)",
    ),
    "cross-entropy": (
        "H(q, p) = −κp A(κq) μpᵀμq − log κp + log(4π sinh κp),  A(κ) = coth κ − 1/κ",
        r"\mathrm{H}(q, p) = -\kappa_p A(\kappa_q)\,\mu_p^\top\mu_q"
        r" - \log\kappa_p + \log(4\pi\sinh\kappa_p), \quad A(\kappa) = \coth\kappa - \frac1\kappa",
    ),
    "KL": (
        "KL = A(κq) (κq − κp μpᵀμq) − log(sinh κq / κq) + log(sinh κp / κp)",
        r"\mathrm{KL} = A(\kappa_q)(\kappa_q - \kappa_p\,\mu_p^\top\mu_q)"
        r" - \log\frac{\sinh\kappa_q}{\kappa_q} + \log\frac{\sinh\kappa_p}{\kappa_p}",
    ),
    "KL as computed": (
        "KL = G(κp) − G(κq) − A(κq) (κp − κq) + κp A(κq) (1 − cos θ),  G(κ) = log(sinh κ / κ)",
        r"\mathrm{KL} = G(\kappa_p) - G(\kappa_q) - A(\kappa_q)(\kappa_p - \kappa_q)"
        r" + \kappa_p A(\kappa_q)(1 - \cos\theta), \quad"
        r" G(\kappa) = \log\frac{\sinh\kappa}{\kappa}",
    ),
}

PAIRS = (
    Pair(
        "VonMisesFisher",
        "VonMisesFisher",
        case="in three dimensions",
        relative_to_largest=True,
        shown=_SHOWN,
    ),
    Pair("VonMisesFisher", "SphericalUniform", case="in three dimensions"),
)
