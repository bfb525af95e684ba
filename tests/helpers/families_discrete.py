"""Instances of the discrete families: name -> (family, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    NegativeBinomial,
    OneHotCategorical,
    OrderedLogistic,
    Poisson,
)

__all__ = ["DISCRETE"]

DISCRETE: dict[str, tuple[Any, dict[str, Any]]] = {
    "bernoulli": (Bernoulli, {"probs": [0.3, 0.5, 0.9]}),
    "bernoulli_logits": (Bernoulli, {"logits": [-0.4, 2.0, 0.3]}),
    "poisson": (Poisson, {"rate": [0.4, 2.5, 7.0]}),
    "poisson_log": (Poisson, {"log_rate": [-0.3, 0.8, 1.6]}),
    "geometric": (Geometric, {"probs": [0.3, 0.5, 0.9]}),
    "geometric_logits": (Geometric, {"logits": [-0.9, 0.4, 1.3]}),
    "binomial": (Binomial, {"total_count": [5, 1, 12], "probs": [0.3, 0.6, 0.8]}),
    "binomial_logits": (Binomial, {"total_count": [5, 1, 12], "logits": [-0.4, 1.2, 0.3]}),
    "negative_binomial": (
        NegativeBinomial,
        {"total_count": [2.5, 0.75, 6.0], "probs": [0.45, 0.6, 0.4]},
    ),
    "negative_binomial_logits": (
        NegativeBinomial,
        {"total_count": [2.5, 0.75, 6.0], "logits": [-0.7, 0.2, 0.5]},
    ),
    "categorical": (
        Categorical,
        {"probs": [[0.2, 0.5, 0.3], [0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]},
    ),
    "categorical_logits": (
        Categorical,
        {"logits": [[0.3, -0.4, 1.0], [0.0, 0.7, -0.2], [-1.1, 0.2, 0.6]]},
    ),
    "one_hot_categorical": (OneHotCategorical, {"probs": [[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]}),
    "one_hot_categorical_logits": (
        OneHotCategorical,
        {"logits": [[0.3, -0.4], [0.0, 0.7], [-1.1, 0.2]]},
    ),
    "multinomial": (
        Multinomial,
        {"total_count": [4, 1, 6], "probs": [[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]]},
    ),
    "multinomial_logits": (
        Multinomial,
        {"total_count": [4, 1, 6], "logits": [[0.3, -0.4], [0.0, 0.7], [-1.1, 0.2]]},
    ),
    "ordered_logistic": (
        OrderedLogistic,
        {
            "predictor": [0.3, -0.2, 1.0],
            "cutpoints": [[-1.0, 0.4, 1.5], [-0.7, 0.1, 0.9], [-0.5, 0.5, 2.0]],
        },
    ),
    "ordered_logistic_shared": (
        OrderedLogistic,
        {"predictor": [0.1, 0.6, -0.8], "cutpoints": [-1.2, 0.0, 1.1]},
    ),
}
