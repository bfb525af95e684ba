"""Instances of mixtures: name -> (function of the parameters, parameters)."""

from __future__ import annotations

from typing import Any

from klosed import (
    Bernoulli,
    Categorical,
    Distribution,
    Gamma,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    OneHotCategorical,
)

__all__ = ["MIXTURES"]


def mixture(components: Any) -> Any:
    """Return the function of the weights, the first parameter, and of the components'."""

    def build(**given: Any) -> Distribution:
        (name, weights), *others = given.items()
        categories = Categorical(**{name.removeprefix("mixture_"): weights})
        return MixtureSameFamily(categories, components(**dict(others)))

    return build


def _vectors(**given: Any) -> Distribution:
    return Independent(Normal(**given), 1)


MIXTURES: dict[str, tuple[Any, dict[str, Any]]] = {
    "mixture_of_normals": (
        mixture(Normal),
        {
            "probs": [[0.3, 0.7], [0.5, 0.5], [0.9, 0.1]],
            "loc": [[-1.0, 2.0], [0.3, 0.4], [1.0, -0.5]],
            "log_scale": [-0.3, 0.2],
        },
    ),
    "mixture_of_gammas": (
        mixture(Gamma),
        {
            "logits": [0.2, -0.4, 0.7],
            "concentration": [[2.0, 3.0, 4.5], [2.5, 6.0, 3.0], [5.0, 4.0, 2.2]],
            "rate": [1.3, 0.8, 2.0],
        },
    ),
    "mixture_of_independent_normals": (
        mixture(_vectors),
        {
            "logits": [[0.3, -0.4], [0.0, 0.7], [-1.1, 0.2]],
            "loc": [
                [[0.3, -1.2], [0.5, 0.1]],
                [[1.2, 0.0], [0.1, 0.2]],
                [[0.0, -0.7], [0.4, 0.9]],
            ],
            "scale": [0.7, 0.9],
        },
    ),
    "mixture_of_multivariate_normals": (
        mixture(MultivariateNormal),
        {
            "probs": [[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]],
            "loc": [[0.3, -1.2], [0.5, 0.1]],
            "covariance_matrix": [
                [[[1.5, 0.4], [0.4, 0.8]], [[0.7, -0.3], [-0.3, 1.1]]],
                [[[2.0, 0.9], [0.9, 1.3]], [[0.8, 0.1], [0.1, 1.4]]],
                [[[1.2, -0.4], [-0.4, 1.5]], [[1.7, 0.5], [0.5, 0.9]]],
            ],
        },
    ),
    "mixture_of_bernoullis": (
        mixture(Bernoulli),
        {"mixture_probs": [0.2, 0.8], "probs": [[0.3, 0.5], [0.9, 0.1], [0.6, 0.7]]},
    ),
    "mixture_of_one_hots": (
        mixture(OneHotCategorical),
        {
            "mixture_logits": [[0.3, -0.4], [0.0, 0.7], [-1.1, 0.2]],
            "probs": [[[0.2, 0.8], [0.6, 0.4]], [[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]],
        },
    ),
}
