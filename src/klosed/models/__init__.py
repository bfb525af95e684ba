"""What a VAE is, free of any engine: spec, likelihoods, parameters by name, files.

Floor 4: imports no engine, nothing of training.
"""

from klosed.models.files import Model, load_model, save_model
from klosed.models.likelihoods import LIKELIHOODS, Likelihood, likelihood_of
from klosed.models.parameters import Parameters, check_parameters, initialize
from klosed.models.scaling import Scaling
from klosed.models.spec import VAESpec

__all__ = [
    "LIKELIHOODS",
    "Likelihood",
    "Model",
    "Parameters",
    "Scaling",
    "VAESpec",
    "check_parameters",
    "initialize",
    "likelihood_of",
    "load_model",
    "save_model",
]
