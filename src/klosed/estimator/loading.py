"""A saved estimator back from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from klosed.estimator.files import read_estimator
from klosed.estimator.vae import VAE
from klosed.training import OPTIMIZERS, TrainingState

__all__ = ["load"]


def load(path: str | Path) -> VAE:
    """Return the fitted estimator that `VAE.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    VAE
        It says what the saved one said, bit for bit; the optimizer's moments start anew.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or holds no estimator.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import klosed
    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> vae = klosed.VAE(max_iter=50, early_stopping=False).fit(X)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "iris.safetensors"
    >>> vae.save(path)
    >>> bool((klosed.load(path).transform(X) == vae.transform(X)).all())
    True
    """
    model, bounds, table, fields = read_estimator(path)
    parameters = fields["parameters"]
    parameters["hidden_layer_sizes"] = tuple(parameters["hidden_layer_sizes"])
    if not isinstance(parameters["column_types"], str):
        parameters["column_types"] = dict(map(tuple, parameters["column_types"]))
    vae = VAE(**parameters)
    vae.spec_, vae.params_, vae.scaling_ = model.spec, model.params, model.scaling
    vae._bounds, vae._table, vae.columns_ = bounds, table, table.columns
    vae._seed, vae.n_iter_, vae.history_ = fields["seed"], fields["n_iter"], fields["history"]
    moments = OPTIMIZERS[vae.optimizer](vae.learning_rate).init(vae.params_)
    vae._state = TrainingState(params=vae.params_, moments=moments, epoch=vae.n_iter_)
    vae.n_components_ = model.spec.n_components
    vae.n_features_in_ = fields["n_features_in"]
    if fields["components_used"] is not None:
        vae.components_used_ = fields["components_used"]
    if fields["feature_names_in"] is not None:
        vae.feature_names_in_ = np.array(fields["feature_names_in"], dtype=object)
    return vae
