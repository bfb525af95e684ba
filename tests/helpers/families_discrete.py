"""Instances of the discrete families: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import Bernoulli

__all__ = ["DISCRETE"]

DISCRETE: dict[str, tuple[Any, dict[str, Any]]] = {
    "bernoulli": (Bernoulli, {"probs": [0.3, 0.5, 0.9]}),
    "bernoulli_wide": (Bernoulli, {"probs": [0.1, 0.7, 0.4]}),
    "bernoulli_logits": (Bernoulli, {"logits": [-0.4, 2.0, 0.3]}),
    "bernoulli_logits_wide": (Bernoulli, {"logits": [1.1, -1.5, 0.2]}),
}
