"""Instances of the families on [0, 1] and on the simplex: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import Beta, ContinuousBernoulli, Dirichlet, Kumaraswamy, Uniform

__all__ = ["UNIT_INTERVAL"]

UNIT_INTERVAL: dict[str, tuple[Any, dict[str, Any]]] = {
    "beta": (Beta, {"concentration1": [1.3, 2.5, 6.0], "concentration0": [1.7, 9.0, 1.2]}),
    "beta_log": (
        Beta,
        {"log_concentration1": [0.4, 1.1, 3.0], "log_concentration0": [0.9, 0.2, 3.2]},
    ),
    "kumaraswamy": (
        Kumaraswamy,
        {"concentration1": [1.2, 2.5, 1.7], "concentration0": [1.5, 7.0, 2.2]},
    ),
    "kumaraswamy_log": (
        Kumaraswamy,
        {"log_concentration1": [0.3, 1.2, 2.0], "log_concentration0": [0.4, 0.2, 3.1]},
    ),
    "dirichlet": (Dirichlet, {"concentration": [[1.3, 1.7], [2.5, 9.0], [6.0, 1.2]]}),
    "dirichlet_log": (Dirichlet, {"log_concentration": [[0.4, 0.9], [1.1, 0.2], [3.0, 3.2]]}),
    "continuous_bernoulli_probs": (ContinuousBernoulli, {"probs": [0.2, 0.55, 0.85]}),
    "continuous_bernoulli_logits": (ContinuousBernoulli, {"logits": [-7.0, 0.3, 2.0]}),
    # for betas and continuous Bernoullis, which nothing narrower covers
    "uniform_around": (Uniform, {"low": [-0.3, -0.1, -0.05], "high": [1.2, 1.4, 1.1]}),
}
