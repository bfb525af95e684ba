"""Forward and reverse KL: which one covers p, which one seeks a mode of it, on a fitted example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._means import Mean
from klosed.derivations._quadrature import Law, expectations
from klosed.derivations._steps import Derivation, Point
from klosed.derivations._texts import line

__all__ = ["DERIVATIONS", "FORWARD", "MODES", "REVERSE"]

Expr = Any

x, z, mu = sp.symbols("x z mu", real=True)
sigma, weight = sp.symbols("sigma weight", positive=True)
p, p1, p2, q = (sp.Function(name, positive=True)(x) for name in ("p", "p1", "p2", "q"))

MODES = (-3, 3)
"""p is an even mixture of two normal distributions of variance 1 with these means."""
FORWARD = (sp.Integer(0), sp.sqrt(10))
"""Mean and standard deviation of the normal q with the least KL(p‖q)."""
REVERSE = (
    sp.Float("2.98430598783574204656574938008966767862833772", 45),
    sp.Float("1.02336855966119698916361271213755789157841525", 45),
)
"""Those with the least KL(q‖p); their mirror image does as well."""


def log_normal(loc: Expr, scale: Expr) -> Expr:
    """Return log N(x; loc, scale²)."""
    return -sp.log(2 * sp.pi * scale**2) / 2 - (x - loc) ** 2 / (2 * scale**2)


_near, _far = (sp.exp(log_normal(sp.Integer(loc), sp.Integer(1))) for loc in MODES)
log_mixture = sp.log((_near + _far) / 2)


def averaged(statistic: Expr) -> Expr:
    """Return E under the distribution on the left of the KL."""
    return Mean(statistic, x)


def _expectation(law: Law, statistic: Expr, value: Expr) -> Callable[[Point], tuple[Any, Any]]:
    mean = Mean(statistic, law.variable)

    def check(point: Point) -> tuple[Any, Any]:
        return expectations([law], [mean], {})[mean], mp.mpmathify(sp.N(value, 60))

    return check


_p = Law(x, log_mixture)
_fitted = Law(z, -(z**2) / 2 - sp.log(2 * sp.pi) / 2)
_score = sp.diff(log_mixture, x).subs(x, REVERSE[0] + REVERSE[1] * z)
_to_fit = averaged(-log_normal(mu, sigma))
_with_moments = sp.log(2 * sp.pi * sigma**2) / 2 + (
    averaged(x**2) - 2 * mu * averaged(x) + mu**2
) / (2 * sigma**2)
_one, _other = sp.symbols("p1 p2", positive=True)
_first, _second = sp.symbols("E1 E2", real=True)
_plain = _with_moments.subs({averaged(x): _first, averaged(x**2): _second})

_forward = (
    line(
        "forward",
        r"\mathrm{KL}(p\|q) = \operatorname{E}_p[\log p]"
        r" + \tfrac12\log(2\pi\sigma^2) + \frac{\operatorname{E}_p[(x - \mu)^2]}{2\sigma^2}",
        averaged(sp.log(p)) + _to_fit,
        averaged(sp.log(p)) + _with_moments,
        "q = N(μ, σ²), linearity",
    ),
    line(
        "forward",
        r"\frac{\partial}{\partial\mu}\,\mathrm{KL}(p\|q)"
        r" = \frac{\mu - \operatorname{E}_p[x]}{\sigma^2}",
        sp.Derivative(_plain, mu),
        (mu - _first) / sigma**2,
        "0 where μ is the mean of p",
    ),
    line(
        "forward",
        r"\frac{\partial}{\partial\sigma}\,\mathrm{KL}(p\|q)"
        r" = \frac{1}{\sigma} - \frac{\operatorname{E}_p[(x - \mu)^2]}{\sigma^3}",
        sp.Derivative(_plain, sigma),
        1 / sigma - (_second - 2 * mu * _first + mu**2) / sigma**3,
        "0 where σ² is the variance of p: forward KL covers all that p does",
    ),
    line(
        "forward, fitted",
        r"\operatorname{E}_p[x] = 0",
        averaged(x),
        FORWARD[0],
        "p = ½ N(−3, 1) + ½ N(3, 1)",
        check=_expectation(_p, x, FORWARD[0]),
    ),
    line(
        "forward, fitted",
        r"\operatorname{E}_p[x^2] = 10",
        averaged(x**2),
        FORWARD[1] ** 2,
        "so q = N(0, 10): wide enough for both modes, and highest where p is lowest",
        check=_expectation(_p, x**2, FORWARD[1] ** 2),
    ),
)

_reverse = (
    line(
        "reverse",
        r"\log p = \log p_1 + \log\left(1 + \frac{p_2}{p_1}\right) - \log 2",
        sp.log((_one + _other) / 2),
        sp.log(_one) + sp.log(1 + _other / _one) - sp.log(2),
        "p = ½ p₁ + ½ p₂, the first taken out",
    ),
    line(
        "reverse",
        r"\mathrm{KL}(q\|p) = \mathrm{KL}(q\|p_1) + \log 2"
        r" - \operatorname{E}_q\left[\log\left(1 + \frac{p_2}{p_1}\right)\right]",
        averaged(sp.log(q) - (sp.log(p1) + sp.log(1 + p2 / p1) - sp.log(2))),
        averaged(sp.log(q / p1)) + sp.log(2) - averaged(sp.log(1 + p2 / p1)),
        "linearity: one mode alone costs no more than log 2, however far the other is",
    ),
    line(
        "reverse",
        r"\frac{\partial}{\partial\mu}\,\mathrm{KL}(q\|p)"
        r" = -\operatorname{E}_z\left[(\log p)'(\mu + \sigma z)\right], \quad"
        r" \frac{\partial}{\partial\sigma}\,\mathrm{KL}(q\|p)"
        r" = -\frac{1}{\sigma} - \operatorname{E}_z\left[z\,(\log p)'(\mu + \sigma z)\right]",
        sp.Derivative(-sp.log(sigma) - sp.Function("f")(mu + sigma * z), mu)
        + weight * sp.Derivative(-sp.log(sigma) - sp.Function("f")(mu + sigma * z), sigma),
        -sp.Function("f")(mu + sigma * z).diff(mu)
        + weight * (-1 / sigma - z * sp.Function("f")(mu + sigma * z).diff(mu)),
        "x = μ + σz with z ~ N(0, 1), f = log p",
    ),
    line(
        "reverse, fitted",
        r"\operatorname{E}_z\left[(\log p)'(\mu + \sigma z)\right] = 0",
        Mean(_score, z),
        sp.Integer(0),
        "at μ = 2.98430599, σ = 1.02336856: reverse KL seeks one mode and leaves the other out",
        check=_expectation(_fitted, _score, sp.Integer(0)),
    ),
    line(
        "reverse, fitted",
        r"\operatorname{E}_z\left[z\,(\log p)'(\mu + \sigma z)\right] = -\frac{1}{\sigma}",
        Mean(z * _score, z),
        -1 / REVERSE[1],
        "at the same place",
        check=_expectation(_fitted, z * _score, -1 / REVERSE[1]),
    ),
    line(
        "reverse, fitted",
        r"\mathrm{KL}(q\|p) = 0.68876899\ldots < \log 2 = 0.6931\ldots",
        Mean(log_normal(*REVERSE) - log_mixture, x),
        sp.Float("0.68876899585496383790706463425775546676935681", 45),
        "one mode covered, nearly log 2 paid; N(0, 10) would pay 0.938",
        check=_expectation(
            Law(x, log_normal(*REVERSE)),
            log_normal(*REVERSE) - log_mixture,
            sp.Float("0.68876899585496383790706463425775546676935681", 45),
        ),
    ),
)

DERIVATIONS = (
    Derivation(
        "forward-and-reverse",
        "Forward KL covers, reverse KL seeks modes",
        (*_forward, *_reverse),
    ),
)
