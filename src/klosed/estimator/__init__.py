"""The scikit-learn face: a VAE that behaves like PCA, for tables of mixed columns with holes.

Floor 7: imports nothing of plots or the command line.
"""

from klosed.estimator.columns import Column
from klosed.estimator.loading import load
from klosed.estimator.vae import VAE

__all__ = ["VAE", "Column", "load"]
