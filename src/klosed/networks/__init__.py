"""Dense networks: every forward pass beside its hand-derived backward pass. NumPy only.

Floor 1: imports nothing from klosed but errors and random.
"""

from klosed.networks.activations import ACTIVATIONS, Activation
from klosed.networks.dense import dense, dense_grad_input, dense_grad_params
from klosed.networks.initialization import INITIALIZATIONS, initialize_dense
from klosed.networks.mlp import mlp, mlp_backward

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "Activation",
    "dense",
    "dense_grad_input",
    "dense_grad_params",
    "initialize_dense",
    "mlp",
    "mlp_backward",
]
