"""Parameters by name: which arrays a spec has, their shapes, how they start.

Names and shapes are those of a PyTorch ``state_dict``; a weight is (n_out, n_in).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.errors import ShapeError, SpecError
from klosed.models.likelihoods import likelihood_of
from klosed.models.spec import VAESpec
from klosed.networks import initialize_dense
from klosed.random import check_seed

__all__ = ["Parameters", "check_parameters", "initialize", "layer_sizes", "parameter_shapes"]

Parameters = dict[str, NDArray[Any]]


def layer_sizes(spec: VAESpec) -> dict[str, tuple[int, int]]:
    """Return {layer name: (n_in, n_out)} in the order of the forward pass."""
    layers: dict[str, tuple[int, int]] = {}

    def stack(prefix: str, n_in: int, widths: tuple[int, ...]) -> int:
        for k, width in enumerate(widths):
            layers[f"{prefix}.hidden.{k}"] = (n_in, width)
            n_in = width
        return n_in

    n_hidden = stack("encoder", spec.n_features, spec.hidden_layer_sizes)
    layers["encoder.loc"] = (n_hidden, spec.n_components)
    layers["encoder.log_variance"] = (n_hidden, spec.n_components)
    n_hidden = stack("decoder", spec.n_components, spec.decoder_widths)
    likelihood = likelihood_of(spec)
    layers[f"decoder.{likelihood.head}"] = (n_hidden, likelihood.n_outputs)
    return layers


def parameter_shapes(spec: VAESpec) -> dict[str, tuple[int, ...]]:
    """Return {parameter name: shape} in the order of the forward pass."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (n_in, n_out) in layer_sizes(spec).items():
        shapes[f"{name}.weight"] = (n_out, n_in)
        shapes[f"{name}.bias"] = (n_out,)
    return shapes | likelihood_of(spec).free_parameters()


def initialize(spec: VAESpec, seed: int = 0, dtype: DTypeLike = np.float32) -> Parameters:
    """Return fresh parameters; the same seed gives the same weights in float32 and float64."""
    check_seed(seed)
    params: Parameters = {}
    for name, (n_in, n_out) in layer_sizes(spec).items():
        params |= initialize_dense(
            name, n_in, n_out, scheme=spec.initialization, seed=seed, dtype=dtype
        )
    for name, shape in likelihood_of(spec).free_parameters().items():
        params[name] = np.zeros(shape, dtype)
    return params


def check_parameters(spec: VAESpec, params: Mapping[str, NDArray[Any]]) -> None:
    """Raise unless `params` has exactly the arrays that `spec` asks for, of one float dtype."""
    shapes = parameter_shapes(spec)
    if missing := [name for name in shapes if name not in params]:
        raise SpecError(
            f"parameter {missing[0]!r} is missing; this spec needs {len(shapes)} arrays."
        )
    if unknown := [name for name in params if name not in shapes]:
        raise SpecError(f"parameter {unknown[0]!r} is not part of this spec.")
    for name, shape in shapes.items():
        if params[name].shape != shape:
            raise ShapeError(f"{name} must have shape {shape}; got {params[name].shape}.")
    dtypes = {params[name].dtype for name in shapes}
    if len(dtypes) != 1 or next(iter(dtypes)) not in (np.float32, np.float64):
        raise SpecError(
            "parameters must be all float32 or all float64; "
            f"got {', '.join(sorted(map(str, dtypes)))}."
        )
