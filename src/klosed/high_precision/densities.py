"""Log-densities as the textbooks print them, in mpmath. One entry a family of the line.

Each entry takes {parameter: mpf} under the names that the family in klosed.distributions takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp

__all__ = ["DENSITIES", "Density"]

Number = Any
Given = Mapping[str, Number]


@dataclass(frozen=True)
class Density:
    """log p(x) in nats between two ends; `corners` are points between where it is not smooth."""

    log: Callable[[Number], Number]
    low: Number
    high: Number
    discrete: bool = False
    corners: tuple[Number, ...] = field(default=())


def _positive(given: Given, name: str, **powers: float) -> Number:
    """Return parameter `name` given as itself, as one of its powers, or as the log of either."""
    for alternative, power in ({name: 1} | powers).items():
        if alternative in given:
            return given[alternative] ** (mp.mpf(1) / power)
        if f"log_{alternative}" in given:
            return mp.exp(given[f"log_{alternative}"] / power)
    raise KeyError(name)


def _probability(given: Given) -> tuple[Number, Number]:
    """Return a probability and its complement."""
    if "probs" in given:
        return given["probs"], 1 - given["probs"]
    return 1 / (1 + mp.exp(-given["logits"])), 1 / (1 + mp.exp(given["logits"]))


def _xlogy(x: Number, y: Number) -> Number:
    return mp.mpf(0) if x == 0 else (x * mp.log(y) if y else -mp.inf)


def _on_the_line(log: Callable[[Number], Number], *corners: Number) -> Density:
    return Density(log, -mp.inf, mp.inf, corners=corners)


def _on_the_half_line(log: Callable[[Number], Number]) -> Density:
    return Density(log, mp.mpf(0), mp.inf)


def _normal(given: Given) -> Density:
    m, s = given["loc"], _positive(given, "scale", variance=2)
    c = mp.log(s) + mp.log(2 * mp.pi) / 2
    return _on_the_line(lambda x: -(((x - m) / s) ** 2) / 2 - c)


def _log_normal(given: Given) -> Density:
    base = _normal(given)
    return _on_the_half_line(lambda x: base.log(mp.log(x)) - mp.log(x))


def _logit_normal(given: Given) -> Density:
    base = _normal(given)

    def log(x: Number) -> Number:
        return base.log(mp.log(x) - mp.log1p(-x)) - mp.log(x) - mp.log1p(-x)

    return Density(log, mp.mpf(0), mp.mpf(1))


def _half_normal(given: Given) -> Density:
    s = _positive(given, "scale")
    c = mp.log(2) - mp.log(s) - mp.log(2 * mp.pi) / 2
    return _on_the_half_line(lambda x: c - (x / s) ** 2 / 2)


def _laplace(given: Given) -> Density:
    m, s = given["loc"], _positive(given, "scale")
    return _on_the_line(lambda x: -abs(x - m) / s - mp.log(2 * s), m)


def _cauchy(given: Given) -> Density:
    m, s = given["loc"], _positive(given, "scale")
    return _on_the_line(lambda x: -mp.log1p(((x - m) / s) ** 2) - mp.log(mp.pi * s))


def _half_cauchy(given: Given) -> Density:
    s = _positive(given, "scale")
    return _on_the_half_line(lambda x: mp.log(2 / (mp.pi * s)) - mp.log1p((x / s) ** 2))


def _gumbel(given: Given) -> Density:
    m, s = given["loc"], _positive(given, "scale")

    def log(x: Number) -> Number:
        z = (x - m) / s
        return -z - mp.exp(-z) - mp.log(s)

    return _on_the_line(log)


def _moyal(given: Given) -> Density:
    m, s = given["loc"], _positive(given, "scale")

    def log(x: Number) -> Number:
        z = (x - m) / s
        return -(z + mp.exp(-z)) / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2

    return _on_the_line(log)


def _exponential(given: Given) -> Density:
    rate = _positive(given, "rate", scale=-1)
    return _on_the_half_line(lambda x: mp.log(rate) - rate * x)


def _gamma_density(a: Number, rate: Number) -> Density:
    c = a * mp.log(rate) - mp.loggamma(a)
    return _on_the_half_line(lambda x: c + (a - 1) * mp.log(x) - rate * x)


def _gamma(given: Given) -> Density:
    return _gamma_density(_positive(given, "concentration"), _positive(given, "rate", scale=-1))


def _chi2(given: Given) -> Density:
    return _gamma_density(_positive(given, "df") / 2, mp.mpf(1) / 2)


def _chi(given: Given) -> Density:
    k = _positive(given, "df")
    c = (1 - k / 2) * mp.log(2) - mp.loggamma(k / 2)
    return _on_the_half_line(lambda x: c + (k - 1) * mp.log(x) - x * x / 2)


def _exp_gamma(given: Given) -> Density:
    a, rate = _positive(given, "concentration"), _positive(given, "rate", scale=-1)
    c = a * mp.log(rate) - mp.loggamma(a)
    return _on_the_line(lambda x: c + a * x - rate * mp.exp(x))


def _inverse_gamma(given: Given) -> Density:
    a, rate = _positive(given, "concentration"), _positive(given, "rate")
    c = a * mp.log(rate) - mp.loggamma(a)
    return _on_the_half_line(lambda x: c - (a + 1) * mp.log(x) - rate / x)


def _inverse_gaussian(given: Given) -> Density:
    m, k = _positive(given, "loc"), _positive(given, "concentration")

    def log(x: Number) -> Number:
        return (mp.log(k / (2 * mp.pi)) - 3 * mp.log(x) - k * (x - m) ** 2 / (m * m * x)) / 2

    return _on_the_half_line(log)


def _weibull(given: Given) -> Density:
    s, k = _positive(given, "scale"), _positive(given, "concentration")

    def log(x: Number) -> Number:
        return mp.log(k / s) + (k - 1) * mp.log(x / s) - (x / s) ** k

    return _on_the_half_line(log)


def _pareto(given: Given) -> Density:
    s, a = _positive(given, "scale"), _positive(given, "alpha")
    return Density(lambda x: mp.log(a / s) - (a + 1) * mp.log(x / s), s, mp.inf)


def _uniform(given: Given) -> Density:
    low, high = given["low"], given["high"]
    return Density(lambda x: -mp.log(high - low), low, high)


def _beta(given: Given) -> Density:
    a, b = _positive(given, "concentration1"), _positive(given, "concentration0")
    c = mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b)
    return Density(
        lambda x: c + (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x),
        mp.mpf(0),
        mp.mpf(1),
    )


def _kumaraswamy(given: Given) -> Density:
    a, b = _positive(given, "concentration1"), _positive(given, "concentration0")
    return Density(
        lambda x: mp.log(a * b) + (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-(x**a)),
        mp.mpf(0),
        mp.mpf(1),
    )


def _continuous_bernoulli(given: Given) -> Density:
    p, complement = _probability(given)
    logit = mp.log(p / complement)
    c = mp.log(logit / (p - complement)) if logit else mp.log(2)
    return Density(lambda x: c + x * mp.log(p) + (1 - x) * mp.log(complement), mp.mpf(0), mp.mpf(1))


def _von_mises(given: Given) -> Density:
    m, k = given["loc"], _positive(given, "concentration")
    c = mp.log(2 * mp.pi * mp.besseli(0, k))
    return Density(lambda x: k * mp.cos(x - m) - c, -mp.pi, +mp.pi)


def _counts(log: Callable[[Number], Number], high: Number = mp.inf) -> Density:
    return Density(log, mp.mpf(0), high, discrete=True)


def _bernoulli(given: Given) -> Density:
    p, complement = _probability(given)
    return _counts(lambda x: _xlogy(x, p) + _xlogy(1 - x, complement), mp.mpf(1))


def _geometric(given: Given) -> Density:
    p, complement = _probability(given)
    return _counts(lambda x: _xlogy(x, complement) + mp.log(p))


def _poisson(given: Given) -> Density:
    rate = _positive(given, "rate")
    return _counts(lambda x: _xlogy(x, rate) - rate - mp.loggamma(x + 1))


def _log_choose(n: Number, x: Number) -> Number:
    return mp.loggamma(n + 1) - mp.loggamma(x + 1) - mp.loggamma(n - x + 1)


def _binomial(given: Given) -> Density:
    n, (p, complement) = given["total_count"], _probability(given)
    return _counts(lambda x: _log_choose(n, x) + _xlogy(x, p) + _xlogy(n - x, complement), n)


def _negative_binomial(given: Given) -> Density:
    n, (p, complement) = given["total_count"], _probability(given)

    def log(x: Number) -> Number:
        choose = mp.loggamma(n + x) - mp.loggamma(x + 1) - mp.loggamma(n)
        return choose + _xlogy(x, p) + n * mp.log(complement)

    return _counts(log)


DENSITIES: dict[str, Callable[[Given], Density]] = {
    "Bernoulli": _bernoulli,
    "Beta": _beta,
    "Binomial": _binomial,
    "Cauchy": _cauchy,
    "Chi": _chi,
    "Chi2": _chi2,
    "ContinuousBernoulli": _continuous_bernoulli,
    "ExpGamma": _exp_gamma,
    "Exponential": _exponential,
    "Gamma": _gamma,
    "Geometric": _geometric,
    "Gumbel": _gumbel,
    "HalfCauchy": _half_cauchy,
    "HalfNormal": _half_normal,
    "InverseGamma": _inverse_gamma,
    "InverseGaussian": _inverse_gaussian,
    "Kumaraswamy": _kumaraswamy,
    "Laplace": _laplace,
    "LogNormal": _log_normal,
    "LogitNormal": _logit_normal,
    "Moyal": _moyal,
    "NegativeBinomial": _negative_binomial,
    "Normal": _normal,
    "Pareto": _pareto,
    "Poisson": _poisson,
    "Uniform": _uniform,
    "VonMises": _von_mises,
    "Weibull": _weibull,
}
