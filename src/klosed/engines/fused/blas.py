"""The matrix product: which BLAS, and its fastest kernel for this processor.

NumPy's and SciPy's own copies and the environment stay as they are.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

__all__ = ["Blas", "load_blas"]

_PACKAGE = "scipy_openblas32"
_AVX512 = ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_environment = threading.Lock()


@dataclass(frozen=True)
class Blas:
    """Addresses of sgemm and dgemm with Fortran's calling convention, and what they belong to."""

    name: str
    kernel: str | None
    sgemm: int
    dgemm: int
    is_private: bool
    """A copy that nobody else in the process uses, on one thread a call."""

    @property
    def advice(self) -> str | None:
        """What would make products faster, where that is known; on a Mac, Accelerate is fast."""
        if self.is_private or platform.system() == "Darwin":
            return None
        return (
            "The fused engine uses SciPy's BLAS, which may not know this processor and starts "
            "threads of its own. Give it one of its own: pip install 'klosed[fast]'."
        )

    def gemm(self, dtype: DTypeLike) -> int:
        """Return the address of the product for float32 or float64."""
        return self.sgemm if np.dtype(dtype) == np.float32 else self.dgemm

    def sgemm_gflops(self, n: int = 768, repeats: int = 5) -> float:
        """Return the best rate of a float32 product on this thread, here and now, in GFLOP/s."""
        a, c = np.ones((n, n), np.float32), np.empty((n, n), np.float32)
        size, one, zero = ctypes.c_int(n), ctypes.c_float(1), ctypes.c_float(0)
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(self.sgemm)
        no = ctypes.c_char(b"N")
        places = [ctypes.addressof(part) for part in (no, size, one, zero)]
        letter, count, alpha, beta = places
        best = float("inf")
        for _ in range(repeats):
            started = time.perf_counter()
            call(
                letter, letter, count, count, count, alpha, a.ctypes.data, count, a.ctypes.data,
                count, beta, c.ctypes.data, count,
            )  # fmt: skip
            best = min(best, time.perf_counter() - started)
        return round(2 * n**3 / best / 1e9, 1)


@cache
def load_blas() -> Blas:
    """Return a private OpenBLAS with its best kernel, or else the BLAS that SciPy brings."""
    return _private_openblas() or _scipys()


def best_kernel() -> str | None:
    """Return OpenBLAS's name for the kernel to ask for; None leaves the choice to OpenBLAS.

    Builds that do not know a new processor fall back to its AVX2 kernel, at half the speed.
    """
    from llvmlite.binding import get_host_cpu_features

    features = get_host_cpu_features()
    return "SkylakeX" if all(features.get(name, False) for name in _AVX512) else None


def _private_openblas() -> Blas | None:
    # The package is found but not imported: its import would offer its symbols to every library
    # loaded later, SciPy's among them.
    found = importlib.util.find_spec(_PACKAGE)
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for path in sorted((Path(folder) / "lib").glob("*openblas*")):
            if path.suffix not in (".so", ".dylib", ".dll"):
                continue
            try:
                with _openblas_environment(best_kernel()):
                    library = ctypes.CDLL(str(path))
                return _of_library(library)
            except (OSError, AttributeError):  # a damaged or foreign build
                continue
    return None


def _of_library(library: ctypes.CDLL) -> Blas:
    library.scipy_openblas_set_num_threads(1)
    core = library.scipy_openblas_get_corename
    core.restype = ctypes.c_char_p
    config = library.scipy_openblas_get_config
    config.restype = ctypes.c_char_p
    address = {
        name: ctypes.cast(getattr(library, f"scipy_{name}_"), ctypes.c_void_p).value or 0
        for name in ("sgemm", "dgemm")
    }
    name = " ".join(config().decode().split()[:2])
    return Blas(f"{name} (scipy-openblas32)", core().decode(), **address, is_private=True)


@contextmanager
def _openblas_environment(kernel: str | None) -> Iterator[None]:
    """Set what OpenBLAS reads while it is loaded, and nothing longer."""
    wanted = {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": "1"}
    with _environment:
        before = {name: os.environ.get(name) for name in wanted}
        _set(wanted)
        try:
            yield
        finally:
            _set(before)


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _scipys() -> Blas:
    import scipy.linalg.cython_blas as blas

    def address(name: str) -> int:
        capsule = blas.__pyx_capi__[name]
        get_name = ctypes.pythonapi.PyCapsule_GetName
        get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        found: int = get(capsule, get_name(capsule))
        return found

    return Blas("SciPy's BLAS", None, address("sgemm"), address("dgemm"), is_private=False)


def yield_address() -> int:
    """Return the address of the system's function that lets another thread run."""
    if platform.system() == "Windows":
        function = ctypes.WinDLL("kernel32").SwitchToThread  # type: ignore[attr-defined, unused-ignore]
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
