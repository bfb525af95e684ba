"""Engines: the same spec and parameters, computed in different ways.

Floor 5: imports nothing of training, evaluation or the command line.
"""

from __future__ import annotations

from typing import Any

from klosed.engines.base import Engine, Loss
from klosed.errors import SpecError
from klosed.models.spec import VAESpec

__all__ = ["ENGINES", "Engine", "Loss", "engine"]

ENGINES = ("reference", "torch")


def engine(name: str, spec: VAESpec, **options: Any) -> Engine:
    """Return the engine `name` for `spec`.

    Parameters
    ----------
    name : {"auto", "reference", "torch"}
        The reference engine is readable NumPy and defines what every other engine computes;
        auto takes the fastest that there is for `spec`. The torch engine runs on accelerators
        and many machines; it needs the extra `torch`.
    spec : VAESpec
    **options
        Of the torch engine: `device`, `precision`, `compile` and `processes`.

    Returns
    -------
    Engine
        With ``.init(seed)``, ``.loss_and_grad(params, x, noise)``, ``.loss``, ``.encode`` and
        ``.decode``.

    Raises
    ------
    SpecError
        Unknown engine.
    MissingExtraError
        PyTorch is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import klosed
    >>> spec = klosed.VAESpec(n_features=6, n_components=2, hidden_layer_sizes=(5,))
    >>> reference = klosed.engine("reference", spec)
    >>> params = reference.init(seed=0)
    >>> x, noise = np.full((3, 6), 0.5, np.float32), np.zeros((3, 2), np.float32)
    >>> loss, grads = reference.loss_and_grad(params, x, noise)
    >>> sorted(grads) == sorted(params)
    True
    >>> bool(abs(loss - (loss.reconstruction + loss.kl)) < 1e-6)
    True
    """
    if name == "torch":
        import klosed.torch  # noqa: F401  (says which extra is missing)
        from klosed.engines.torch import TorchEngine

        return TorchEngine(spec, **options)
    if name in ("auto", "reference"):
        from klosed.engines.reference import ReferenceEngine

        return ReferenceEngine(spec)
    raise SpecError(f"engine must be one of {', '.join(ENGINES)}; got {name!r}.")
