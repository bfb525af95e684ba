"""Initial weights of a dense layer: PyTorch's default, Xavier (Glorot) and He (Kaiming).

Each parameter draws from a stream named after it, so that adding a layer does not change the
others, and the draw does not depend on the order in which parameters are made.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from klosed.random import Purpose, generator

__all__ = ["INITIALIZATIONS", "initialize_dense"]

INITIALIZATIONS = ("pytorch", "xavier", "he")


def initialize_dense(
    name: str,
    n_in: int,
    n_out: int,
    *,
    scheme: str,
    seed: int,
    dtype: DTypeLike = np.float32,
) -> dict[str, NDArray[Any]]:
    """Return {name.weight: (n_out, n_in), name.bias: (n_out,)}.

    - ``pytorch``: weight and bias ~ U(−1/√n_in, 1/√n_in), what ``torch.nn.Linear`` does.
    - ``xavier``: weight ~ U(−a, a), a = √(6/(n_in + n_out)); bias 0.
    - ``he``: weight ~ N(0, 2/n_in); bias 0.

    Notes
    -----
    Sources: Glorot and Bengio (2010), "Understanding the difficulty of training deep
    feedforward neural networks", eq. 16; He, Zhang, Ren and Sun (2015), arXiv:1502.01852,
    eq. 10.
    """
    rng = generator(seed, Purpose.INITIALISATION, name=f"{name}.weight")
    bias = np.zeros(n_out)
    if scheme == "pytorch":
        bound = 1 / math.sqrt(n_in)
        weight = rng.uniform(-bound, bound, (n_out, n_in))
        bias_rng = generator(seed, Purpose.INITIALISATION, name=f"{name}.bias")
        bias = bias_rng.uniform(-bound, bound, n_out)
    elif scheme == "xavier":
        bound = math.sqrt(6 / (n_in + n_out))
        weight = rng.uniform(-bound, bound, (n_out, n_in))
    else:
        weight = rng.normal(0.0, math.sqrt(2 / n_in), (n_out, n_in))
    return {f"{name}.weight": weight.astype(dtype), f"{name}.bias": bias.astype(dtype)}
