"""How each library is asked for KL(q‖p); a library is one function of two klosed distributions.

A library is asked only in parameters that it takes itself: nothing is converted on the way, so
that every error is its own. Knows nothing of cases, truths or tables.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from klosed import Distribution, kl_divergence

__all__ = ["PEERS", "Peer", "UnknownError"]

KL = Callable[[Distribution, Distribution], np.ndarray]


class UnknownError(Exception):
    """The library has no such family, parameter or pair."""


@dataclass(frozen=True)
class Peer:
    """A library; `load` imports it and returns its KL, `packages` name what decides its digits."""

    title: str
    packages: tuple[str, ...]
    load: Callable[[], KL]


def load_klosed() -> KL:
    return lambda q, p: np.asarray(kl_divergence(q, p))


def load_torch() -> KL:
    import torch
    from torch import distributions

    def build(side: Distribution) -> Any:
        family = found(distributions, type(side).__name__)
        given = {name: torch.as_tensor(x) for name, x in side.parameters.items()}
        return made(family, given, validate_args=False)

    return registered(build, distributions.kl_divergence)


def load_numpyro() -> KL:
    import jax

    jax.config.update("jax_enable_x64", True)
    from numpyro import distributions

    def build(side: Distribution) -> Any:
        return made(found(distributions, type(side).__name__), side.parameters)

    return registered(build, distributions.kl_divergence)


TFP_PARAMETERS = {"Pareto": {"alpha": "concentration"}, "InverseGamma": {"rate": "scale"}}
TFP_VECTORS = {
    "scale_tril": "MultivariateNormalTriL",
    "covariance_matrix": "MultivariateNormalFullCovariance",
}


def load_tfp() -> KL:
    import jax

    jax.config.update("jax_enable_x64", True)
    from tensorflow_probability.substrates import jax as tfp

    distributions = tfp.distributions
    distributions.Normal  # noqa: B018  (imported on first use; a JAX too new fails here)

    def build(side: Distribution) -> Any:
        name, given = type(side).__name__, side.parameters
        if name == "MultivariateNormal":
            name = next((TFP_VECTORS[n] for n in given if n in TFP_VECTORS), name)
        if name == "SphericalUniform":
            return distributions.SphericalUniform(side.event_shape[0], dtype=np.float64)
        renamed = TFP_PARAMETERS.get(name, {})
        # arrays of NumPy would lose half their digits: some families turn those into float32
        given = {renamed.get(n, n): jax.numpy.asarray(x) for n, x in given.items()}
        zero = {"loc": np.float64(0)} if name == "HalfCauchy" else {}
        return made(found(distributions, name), given, **zero)

    return registered(build, distributions.kl_divergence)


def load_scipy() -> KL:
    from scipy.stats import entropy

    def kl(q: Distribution, p: Distribution) -> np.ndarray:
        """SciPy has the KL of two vectors of probabilities, and of no family."""
        return entropy(probabilities(q), probabilities(p), axis=-1)

    return kl


def probabilities(side: Distribution) -> np.ndarray:
    name, given = type(side).__name__, side.parameters
    if "probs" not in given or name not in {"Bernoulli", "Categorical", "OneHotCategorical"}:
        raise UnknownError(f"no vector of probabilities in {name} of {', '.join(given)}")
    one = given["probs"]
    return np.stack([one, 1 - one], axis=-1) if name == "Bernoulli" else one


def found(module: Any, family: str) -> Any:
    if not hasattr(module, family):
        raise UnknownError(f"no family {family}")
    return getattr(module, family)


def made(family: Any, given: Mapping[str, Any], **more: Any) -> Any:
    taken = inspect.signature(family).parameters
    unknown = [name for name in given if name not in taken]
    if unknown:
        raise UnknownError(f"{family.__name__} does not take {', '.join(unknown)}")
    return family(**given, **more)


def registered(build: Callable[[Distribution], Any], divergence: Callable[..., Any]) -> KL:
    def kl(q: Distribution, p: Distribution) -> np.ndarray:
        try:
            value = divergence(build(q), build(p))
        except NotImplementedError as error:
            raise UnknownError(str(error)) from error
        # PyTorch's Wishart makes its own degrees of freedom require a gradient
        return np.asarray(value.detach() if hasattr(value, "detach") else value)

    return kl


PEERS = {
    "klosed": Peer("klosed", ("klosed", "numpy", "scipy"), load_klosed),
    "torch": Peer("torch.distributions", ("torch",), load_torch),
    "tfp": Peer("TFP on JAX", ("tensorflow-probability", "jax"), load_tfp),
    "numpyro": Peer("NumPyro", ("numpyro", "jax"), load_numpyro),
    "scipy": Peer("SciPy", ("scipy",), load_scipy),
}
