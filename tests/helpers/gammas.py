"""What the gamma and its relatives share in the accuracy tests."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from accuracy import Numbers, positive

__all__ = ["concentration", "kl_gamma", "log_concentration", "of", "of_rate", "sizes_gamma"]

DIGITS = 600  # beside a value of 1e308 a gradient of 1e-8 must still be seen


def concentration(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    """Return concentrations: 1e-2 … 1e2, or 1e-8 … 1e8, also for near-equal ones."""
    wide = 10.0 ** rng.uniform(-8, 8, n)
    return positive(rng, n, "ordinary") if regime == "ordinary" else wide


def log_concentration(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    return np.log(positive(rng, n, "ordinary"))


def of(side: Numbers, name: str) -> Any:
    """Return a positive parameter, given as itself or as its logarithm."""
    return side[name] if name in side else mp.exp(side[f"log_{name}"])


def of_rate(side: Numbers) -> Any:
    """Return a rate, given in any of its four ways."""
    if "scale" in side or "log_scale" in side:
        return 1 / of(side, "scale")
    return of(side, "rate")


def kl_gamma(a: Any, b: Any, c: Any, d: Any) -> Any:
    """KL(Gamma(a, b) ‖ Gamma(c, d)) as textbooks print it."""
    return (
        (a - c) * mp.digamma(a)
        - mp.loggamma(a)
        + mp.loggamma(c)
        + c * mp.log(b / d)
        + a * (d - b) / b
    )


def sizes_gamma(a: Any, b: Any, c: Any, d: Any) -> dict[str, Any]:
    """Magnitudes of the two parts, of mean and of shape, of ∂/∂a and ∂/∂c."""
    u = a * d / (b * c)
    shape = mp.digamma(c) - mp.log(c) - mp.digamma(a) + mp.log(a)
    return {
        "q_concentration": abs(c * (u - 1) / a) + abs((c - a) * (mp.psi(1, a) - 1 / a)),
        "p_concentration": abs(mp.log(u)) + abs(shape),
    }
