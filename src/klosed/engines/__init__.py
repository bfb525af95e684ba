"""Engines: the same spec and parameters, computed in different ways.

Floor 5: imports nothing of training, evaluation or the command line.
"""

from __future__ import annotations

from typing import Any

from klosed.engines.base import Engine, Loss
from klosed.errors import MissingExtraError, SpecError
from klosed.models.spec import VAESpec

__all__ = ["ENGINES", "Engine", "Loss", "engine", "why_not_fused"]

ENGINES = ("reference", "fused", "torch")


def engine(name: str, spec: VAESpec, **options: Any) -> Engine:
    """Return the engine `name` for `spec`.

    Parameters
    ----------
    name : {"auto", "reference", "fused", "torch"}
        The reference engine is readable NumPy and defines what every other engine computes. The
        fused engine is the fast one on processors; it needs the extra `fast`. auto takes it
        where it is installed and has the spec's likelihoods, else the reference engine. The
        torch engine runs on accelerators and many machines; it needs the extra `torch`.
    spec : VAESpec
    **options
        Of the fused engine: `threads`, at most so many, and `precision`. Of the torch engine:
        `device`,
        `precision`, `compile` and `processes`.

    Returns
    -------
    Engine
        With ``.init(seed)``, ``.loss_and_grad(params, x, noise)``, ``.loss``, ``.encode`` and
        ``.decode``.

    Raises
    ------
    SpecError
        Unknown engine, or a spec that the engine cannot compute.
    MissingExtraError
        What the engine needs is not installed.

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
    if name == "auto":
        name = "reference" if why_not_fused(spec) else "fused"
    if name == "fused":
        try:
            from klosed.engines.fused import FusedEngine
        except ImportError as error:
            raise MissingExtraError("the fused engine", "fast") from error
        return FusedEngine(spec, **options)
    if name == "reference":
        from klosed.engines.reference import ReferenceEngine

        return ReferenceEngine(spec)
    raise SpecError(f"engine must be one of {', '.join(ENGINES)}; got {name!r}.")


def why_not_fused(spec: VAESpec) -> str | None:
    """Return why "auto" takes the reference engine for `spec`; None if it takes the fused one."""
    try:
        from klosed.engines.fused import supports
    except ImportError as error:
        return f"Numba cannot be imported ({error}): pip install 'klosed[fast]'"
    return None if supports(spec) else "the fused engine has not all of its likelihoods"
