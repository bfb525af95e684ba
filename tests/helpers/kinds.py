"""Array kinds under test: how to make an array of each, and how to read it back."""

from __future__ import annotations

from typing import Any, NamedTuple

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import torch

__all__ = ["KINDS", "Kind"]

jax.config.update("jax_enable_x64", True)


class Kind(NamedTuple):
    """One array library."""

    name: str
    array_type: type
    make: Any

    def array(self, values: Any, dtype: str = "float64") -> Any:
        return self.make(np.asarray(values, dtype=dtype))

    def numpy(self, array: Any) -> np.ndarray:
        assert isinstance(array, self.array_type), type(array)
        return np.asarray(array.detach() if self.name == "torch" else array)

    def dtype(self, array: Any) -> str:
        return str(array.dtype).rpartition(".")[2]


KINDS = {
    "numpy": Kind("numpy", (np.ndarray, np.generic), np.asarray),
    "strict": Kind("strict", type(array_api_strict.asarray(0.0)), array_api_strict.asarray),
    "torch": Kind("torch", torch.Tensor, torch.asarray),
    "jax": Kind("jax", jax.Array, jnp.asarray),
}
