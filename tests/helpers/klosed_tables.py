"""Tables of mixed columns that hang together, and estimators small enough for tests."""

import warnings

import numpy as np

import klosed
from klosed.errors import KlosedWarning


class Quiet(klosed.VAE):
    """A VAE whose warnings about short training are not the subject of a test."""

    def fit(self, X, y=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KlosedWarning)
            return super().fit(X, y)


def small(**params) -> klosed.VAE:
    defaults = {
        "hidden_layer_sizes": (16,),
        "learning_rate": 1e-2,
        "max_iter": 5,
        "random_state": 0,
        "batch_size": 32,
    }
    return Quiet(**(defaults | params))


def mixed_columns(n: int = 300, seed: int = 0) -> dict:
    """One column of each type, all driven by one number z and a class."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    kind = rng.integers(3, size=n)
    height = 170 + 8 * z + rng.normal(size=n)
    missing = rng.random(n) < 0.1
    return {
        "height": np.where(missing, np.nan, height),
        "income": np.exp(8 + z + 0.3 * rng.normal(size=n)),
        "visits": rng.negative_binomial(3, 3 / (3 + np.exp(0.5 + z))),
        "smoker": rng.random(n) < 1 / (1 + np.exp(-3 * z)),
        "city": np.array(["Bern", "Oslo", "Rome"], dtype=object)[kind],
        "always": np.full(n, 7),
    }
