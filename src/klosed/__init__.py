"""klosed: variational autoencoders on closed-form KL divergences.

Public names are imported on first use, so that `import klosed` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klosed.engines import engine as engine
    from klosed.errors import KlosedError as KlosedError
    from klosed.errors import NoClosedFormError as NoClosedFormError
    from klosed.models.spec import VAESpec as VAESpec

# public name -> the module that holds it
_HOMES = {
    "KlosedError": "klosed.errors",
    "NoClosedFormError": "klosed.errors",
    "VAESpec": "klosed.models.spec",
    "engine": "klosed.engines",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("klosed")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'klosed' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
