"""Probabilities to draw for the accuracy tests, as probs or as logits, and their exact outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

from accuracy import Draw, near

__all__ = ["both", "logits", "mixed", "outcomes", "probs"]

Name = tuple[str, np.ndarray]


def probs(rng: np.random.Generator, n: int, regime: str) -> Name:
    """Return probabilities in (1e-4, 1 − 1e-4), or (1e-280, 1 − 1e-15) at the extremes."""
    if regime == "extreme":
        small, large = 10.0 ** rng.uniform(-280, -1, n), 1 - 10.0 ** rng.uniform(-15, -1, n)
        return "probs", np.where(rng.random(n) < 0.5, small, large)
    small = 10.0 ** rng.uniform(-4, -0.3, n)
    return "probs", np.where(rng.random(n) < 0.5, small, 1 - small)


def logits(rng: np.random.Generator, n: int, regime: str) -> Name:
    """Return logits in ±8, or ±500 at the extremes."""
    side = 500 if regime == "extreme" else 8
    return "logits", rng.uniform(-side, side, n)


def both(draw: Callable[..., Name]) -> Draw:
    """Draw two probabilities alike; near-equal ones share p's number up to `near`."""

    def drawn(rng: np.random.Generator, n: int, regime: str) -> Any:
        name, p = draw(rng, n, regime)
        if regime != "near":
            q = draw(rng, n, regime)[1]
            if regime == "extreme":  # near-equal ones belong to the extremes too
                q = np.where(rng.random(n) < 0.3, _inside(name, near(rng, p), p), q)
            return {name: q}, {name: p}
        return {name: _inside(name, near(rng, p), p)}, {name: p}

    return drawn


def mixed(rng: np.random.Generator, n: int, regime: str) -> Any:
    """Draw q by its logit and p by its number, of odds at least twice apart."""
    _, a = logits(rng, n, regime)
    apart = rng.choice([-1.0, 1.0], n) * rng.uniform(0.7, 6, n)
    p = 1 / (1 + np.exp(-(a + apart)))
    return {"logits": a}, {"probs": probs(rng, n, regime)[1] if regime == "extreme" else p}


def outcomes(side: Any) -> tuple[Any, Any]:
    """Return π and 1 − π of one side given as probs or logits, as mpf."""
    if "probs" in side:
        return side["probs"], 1 - side["probs"]
    return 1 / (1 + mp.exp(-side["logits"])), 1 / (1 + mp.exp(side["logits"]))


def _inside(name: str, moved: np.ndarray, p: np.ndarray) -> np.ndarray:
    return (
        moved
        if name == "logits"
        else np.where(moved < 1, moved, p * (2 - np.minimum(moved / p, 2)))
    )
