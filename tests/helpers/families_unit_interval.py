"""Instances of the families on [0, 1] and on the simplex: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import ContinuousBernoulli

__all__ = ["UNIT_INTERVAL"]

UNIT_INTERVAL: dict[str, tuple[Any, dict[str, Any]]] = {
    "continuous_bernoulli_probs": (ContinuousBernoulli, {"probs": [0.2, 0.55, 0.85]}),
    "continuous_bernoulli_logits": (ContinuousBernoulli, {"logits": [-7.0, 0.3, 2.0]}),
}
