"""What the gamma and its relatives share in the accuracy tests."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from accuracy import Numbers, positive

__all__ = [
    "DIGITS",
    "concentration",
    "exact_gamma",
    "kl_gamma",
    "log_concentration",
    "log_rate",
    "of",
    "of_rate",
    "sizes_gamma",
]

DIGITS = 600  # beside a value of 1e308 a gradient of 1e-8 must still be seen


def concentration(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    """Return concentrations: 1e-2 … 1e2, or 1e-8 … 1e8, also for near-equal ones."""
    wide = 10.0 ** rng.uniform(-8, 8, n)
    return positive(rng, n, "ordinary") if regime == "ordinary" else wide


def log_concentration(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    return np.log(positive(rng, n, "ordinary"))


def log_rate(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    return rng.uniform(-5, 5, n)


def of(side: Numbers, name: str) -> Any:
    """Return a positive parameter, given as itself or as its logarithm."""
    return side[name] if name in side else mp.exp(side[f"log_{name}"])


def of_rate(side: Numbers) -> Any:
    """Return a rate, given in any of its four ways."""
    if "scale" in side or "log_scale" in side:
        return 1 / of(side, "scale")
    return of(side, "rate")


def operands(q: Numbers, p: Numbers) -> tuple[Any, Any, Any, Any]:
    """Return the concentrations and rates of two gammas."""
    return of(q, "concentration"), of_rate(q), of(p, "concentration"), of_rate(p)


def exact_gamma(q: Numbers, p: Numbers) -> Any:
    """Return the KL of two gammas, or of one-to-one maps of theirs."""
    return kl_gamma(*operands(q, p))


def kl_gamma(a: Any, b: Any, c: Any, d: Any) -> Any:
    """KL(Gamma(a, b) ‖ Gamma(c, d)) as textbooks print it."""
    return (
        (a - c) * mp.digamma(a)
        - mp.loggamma(a)
        + mp.loggamma(c)
        + c * mp.log(b / d)
        + a * (d - b) / b
    )


def sizes_gamma(q: Numbers, p: Numbers) -> dict[str, Any]:
    """Return the magnitudes of the parts, by mean and by shape, of ∂/∂a and ∂/∂c.

    Where logarithms are given, the log ratio of the means is a sum of two that may cancel.
    """
    a, b, c, d = operands(q, p)
    u = a * d / (b * c)
    shape = mp.digamma(c) - mp.log(c) - mp.digamma(a) + mp.log(a)
    sizes = {
        "q_concentration": abs(c * (u - 1) / a) + abs((c - a) * (mp.psi(1, a) - 1 / a)),
        "p_concentration": abs(mp.log(u)) + abs(shape),
    }
    for name, side in (("q", q), ("p", p)):
        if "log_concentration" in side:
            concentration = of(side, "concentration")
            sizes[f"{name}_log_concentration"] = sizes[f"{name}_concentration"] * concentration
            sizes[f"{name}_log_rate"] = c * u * (abs(mp.log(a / c)) + abs(mp.log(d / b)))
    return sizes
