"""Small VAEs that together pass through every term of every gradient."""

import numpy as np

from klosed import VAESpec
from klosed.engines.reference import ReferenceEngine

from .differences import worst_error

SPECS = {
    "bernoulli": VAESpec(4, 2, (5,), activation="tanh"),
    "bernoulli deep": VAESpec(4, 2, (5, 3), (3, 4), activation="softplus"),
    "bernoulli linear": VAESpec(4, 2, ()),
    "gaussian fixed": VAESpec(4, 2, (5,), activation="gelu", likelihood="gaussian", variance=0.3),
    "gaussian scalar": VAESpec(4, 2, (5,), activation="sigmoid", likelihood="gaussian"),
    "gaussian per feature": VAESpec(
        4, 2, (5,), activation="tanh", likelihood="gaussian", variance="per_feature"
    ),
    "one of each": VAESpec(1, 1, (2,), activation="tanh", likelihood="gaussian"),
    "variance with a floor": VAESpec(
        4, 2, (5,), None, "tanh", likelihood="gaussian", variance="per_feature", min_variance=0.4
    ),
    "variance from the decoder": VAESpec(
        4, 2, (5,), None, "tanh", likelihood="heteroscedastic_gaussian"
    ),
    "variance from the decoder, with floors": VAESpec(
        4,
        2,
        (5,),
        activation="tanh",
        likelihood="heteroscedastic_gaussian",
        min_variance=(0.4, 0.0, 0.2, 0.1),
    ),
    "student t": VAESpec(4, 2, (5,), None, "tanh", likelihood="student_t", variance="per_feature"),
    "student t scalar": VAESpec(4, 2, (5,), None, "tanh", likelihood="student_t", min_variance=0.4),
    "student t fixed": VAESpec(4, 2, (5,), None, "tanh", likelihood="student_t", variance=0.3),
    "poisson": VAESpec(4, 2, (5,), activation="tanh", likelihood="poisson"),
    "negative binomial": VAESpec(4, 2, (5,), activation="tanh", likelihood="negative_binomial"),
    "categorical": VAESpec(4, 2, (5,), activation="tanh", likelihood="categorical"),
    "mixed, with holes": VAESpec(
        10,
        2,
        (5,),
        activation="tanh",
        likelihood=(
            ("heteroscedastic_gaussian", 1),
            ("gaussian", 2),
            ("student_t", 1),
            ("poisson", 1),
            ("negative_binomial", 1),
            ("bernoulli", 1),
            ("categorical", 3),
        ),
        variance="per_feature",
    ),
}


def blocks(spec: VAESpec) -> tuple[tuple[str, int], ...]:
    """The spec's likelihood as (name, width) of each block."""
    if isinstance(spec.likelihood, str):
        return ((spec.likelihood, spec.n_features),)
    return spec.likelihood


def batch(spec: VAESpec, n: int = 3, seed: int = 0):
    """(params, x, noise) in float64, nothing at a special value."""
    rng = np.random.default_rng(seed)
    params = {
        name: rng.normal(scale=0.7, size=array.shape)
        for name, array in ReferenceEngine(spec).init(0, np.float64).items()
    }
    x = rng.uniform(size=(n, spec.n_features))
    start = 0
    for name, width in blocks(spec):
        columns = slice(start, start := start + width)
        if name in ("poisson", "negative_binomial"):
            x[:, columns] = rng.poisson(4.0, size=(n, width))
        elif name == "categorical":
            x[:, columns] = np.eye(width)[rng.integers(width, size=n)]
    if len(blocks(spec)) > 1:
        x[0, :4] = x[1, 4:] = np.nan
    return params, x, rng.normal(size=(n, spec.n_components))


def vae_error(engine, beta: float = 0.7) -> tuple[float, str]:
    """Worst relative gradient error of the whole VAE, and the parameter's name."""
    params, x, noise = batch(engine.spec)
    _, grads = engine.loss_and_grad(params, x, noise, beta=beta)
    return worst_error(lambda: engine.loss(params, x, noise, beta=beta), params, grads)
