"""Writing files so that a reader never sees half of one. Floor 0: imports only errors."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["atomic_write"]


def atomic_write(path: str | Path, content: bytes) -> None:
    """Write `content` beside `path`, flush it to disk, then move it into place.

    A crash leaves either the old file or the new one, never a mixture.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    # The only portable way to read it is to set it.
    umask = os.umask(0)
    os.umask(umask)
    return umask
