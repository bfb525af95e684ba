"""What to draw for families of location and scale in the accuracy tests."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import numpy as np

from accuracy import Draw, Numbers, near, positive, real

__all__ = [
    "apart",
    "as_log",
    "in_scale",
    "logs",
    "normal_cross_entropy",
    "scale",
    "shifted",
    "sizes_to_normal",
    "with_loc",
]


def scale(side: Numbers) -> mp.mpf:
    """Return the scale, whichever way it was given."""
    return side["scale"] if "scale" in side else mp.exp(side["log_scale"])


def in_scale(of_log: mp.mpf, side: Numbers, name: str) -> dict[str, mp.mpf]:
    """Return the size of a gradient in log_scale under the name it was given."""
    if "scale" in side:
        return {f"{name}_scale": of_log / side["scale"]}
    return {f"{name}_log_scale": of_log}


def shifted(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
    """Draw locations some scales apart, near-equal or anywhere, and scales alike."""
    p = {"loc": real(rng, n, regime), "scale": positive(rng, n, regime)}
    if regime == "extreme":
        return {"loc": real(rng, n, regime), "scale": positive(rng, n, regime)}, p
    if regime == "near":
        # beside a large location a small step would vanish
        p["loc"] = rng.choice([0.0, 1.0], n) * p["loc"]
        step = real(rng, n, "ordinary") * 10.0 ** rng.uniform(-12, -2, n)
        return {"loc": p["loc"] + p["scale"] * step, "scale": near(rng, p["scale"])}, p
    step = real(rng, n, regime)
    return {"loc": p["loc"] + p["scale"] * step, "scale": p["scale"] * positive(rng, n, regime)}, p


def logs(*names: str, side: float = 4.0, limit: float = 345.0) -> Draw:
    """Draw logarithms within ±side, near-equal by relative steps, or within ±limit; and a loc."""

    def draw(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
        wide = limit if regime == "extreme" else side
        p = {name: rng.uniform(-wide, wide, n) for name in names}
        if regime == "near":
            return {name: near(rng, x) for name, x in p.items()}, p
        return {name: rng.uniform(-wide, wide, n) for name in names}, p

    return draw


def with_loc(draw: Callable[..., tuple[Numbers, Numbers]]) -> Draw:
    """Add locations some scales apart to drawn log_scales."""

    def both(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
        q, p = draw(rng, n, regime)
        width = np.exp(p["log_scale"])
        loc = rng.choice([0.0, 1.0], n) * width * real(rng, n, "ordinary")
        step = width * real(rng, n, "ordinary")
        if regime == "near":
            step = step * 10.0 ** rng.uniform(-12, -2, n)
        return {"loc": loc + step, **q}, {"loc": loc, **p}

    return both


def apart(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
    """Draw scales within a factor of four and locations a few scales apart.

    Beyond, the KL of Gumbel and Moyal distributions is conditioned as the exponential of
    |w| + log Γ(1 + r) is. At the extremes q's scale lies far below p's, and both anywhere.
    """
    width = positive(rng, n, regime)
    p = {"loc": width * real(rng, n, "ordinary"), "scale": width}
    if regime == "near":
        step = real(rng, n, "ordinary") * 10.0 ** rng.uniform(-12, -2, n)
        return {"loc": p["loc"] + p["scale"] * step, "scale": near(rng, p["scale"])}, p
    ratio = 10.0 ** (rng.uniform(-100, 2, n) if regime == "extreme" else rng.uniform(-2, 0.6, n))
    step = rng.uniform(-300, 300, n) if regime == "extreme" else rng.uniform(-8, 8, n)
    return {"loc": p["loc"] + p["scale"] * step, "scale": p["scale"] * ratio}, p


def as_log(draw: Draw) -> Draw:
    """Draw the same, with scales given by their logarithms."""

    def logged(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
        q, p = draw(rng, n, regime)
        return tuple({"loc": s["loc"], "log_scale": np.log(s["scale"])} for s in (q, p))

    return logged


def normal_cross_entropy(mean: mp.mpf, variance: mp.mpf, p: Numbers) -> mp.mpf:
    """Return −E log p(x) for a normal p and x of the given mean and variance."""
    square = scale(p) ** 2
    return mp.log(2 * mp.pi * square) / 2 + (variance + (mean - p["loc"]) ** 2) / (2 * square)


def sizes_to_normal(offset: mp.mpf, spread: mp.mpf, p: Numbers) -> dict[str, mp.mpf]:
    """Return the sizes of the gradients in a normal p: z = offset/σ and r = spread/σ.

    They cross zero where z does and where r² + z² is 1; `offset` is a sum of magnitudes.
    """
    z, r = offset / scale(p), spread / scale(p)
    return {"p_loc": z / scale(p)} | in_scale(1 + r * r + z * z, p, "p")
