"""`klosed doctor`: what runs here, how fast it can be, and what to change."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

__all__ = ["advice", "command", "facts"]

_LIBRARIES = (
    "klosed",
    "numpy",
    "scipy",
    "scikit-learn",
    "array-api-compat",
    "safetensors",
    "click",
    "rich",
    "matplotlib",
    "pillow",
    "pooch",
    "threadpoolctl",
)
# extra -> the module that shows it is installed
_EXTRAS = {"fast": "numba", "torch": "torch", "jax": "jax", "parquet": "pyarrow"}
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENBLAS_CORETYPE",
    "KLOSED_DATA_DIR",
)
# OpenBLAS kernels that use the instructions; a processor may have them while OpenBLAS, not
# knowing its model, runs an older kernel.
_AVX512_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
_AVX2_KERNELS = {"Haswell", "Zen", "Excavator"} | _AVX512_KERNELS


@click.command(
    epilog="""\b
Example:
  klosed doctor --json"""
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def command(as_json: bool) -> None:
    """Show versions, the processor, BLAS and its kernel, accelerators and folders.

    Ends with concrete things to change, if there are any.
    """
    found = facts()
    changes = advice(found)
    if as_json:
        click.echo(json.dumps(found | {"advice": changes}, indent=2))
        return
    formatter = click.HelpFormatter(max_width=100)
    formatter.write_dl(_lines(found), col_max=16)
    click.echo(formatter.getvalue())
    if not changes:
        click.echo("Nothing to change.")
        return
    click.echo("To change:")
    formatter = click.HelpFormatter(max_width=100)
    formatter.write_dl([(f"{number}.", text) for number, text in enumerate(changes, 1)])
    click.echo(formatter.getvalue(), nl=False)


def facts() -> dict[str, Any]:
    """Return what was found, as JSON types."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "processor": _processor(),
        "blas": _blas(),
        "sgemm_gflops": _sgemm_gflops(),
        "engine": _engine(),
        "environment": {k: os.environ[k] for k in _VARIABLES if k in os.environ},
        "torch": _torch(),
        "accelerators": _accelerators(),
        "extras": {
            extra: importlib.util.find_spec(name) is not None for extra, name in _EXTRAS.items()
        },
        "data_folder": _data_folder(),
    }


def advice(found: dict[str, Any]) -> list[str]:
    """Return what to change, given what was found; empty when all is well."""
    changes = []
    processor = found["processor"]
    has_own = found["engine"].get("has_own_blas", False)
    unaffected = " This is about NumPy and SciPy; the fused engine has its own." if has_own else ""
    openblas = [b for b in found["blas"] if b["api"] == "openblas" and b["kernel"]]
    for feature, kernels, kernel in (
        ("avx512", _AVX512_KERNELS, "SkylakeX"),
        ("avx2", _AVX2_KERNELS, "Haswell"),
    ):
        slow = sorted({b["kernel"] for b in openblas if b["kernel"] not in kernels})
        if processor[feature] and slow:
            forced = found["environment"].get("OPENBLAS_CORETYPE")
            change = f"Set OPENBLAS_CORETYPE={kernel} before Python starts"
            if forced:
                change = f"OPENBLAS_CORETYPE={forced} asks for that: unset it"
            changes.append(
                f"OpenBLAS runs its {', '.join(slow)} kernel, but this processor has "
                f"{feature.upper()}. {change}, run this again and compare the speed of float32 "
                f"products.{unaffected}"
            )
            break
    usable = processor["usable"]
    if any(b["threads"] > usable for b in found["blas"]):
        changes.append(
            f"BLAS starts more threads than the {usable} processors this process may use. Set "
            f"OMP_NUM_THREADS={usable}, or give commands --threads {usable}."
        )
    if found["blas"] and usable > 1 and all(b["threads"] == 1 for b in found["blas"]):
        limits = [name for name in found["environment"] if name.endswith("_THREADS")]
        changes.append(
            f"BLAS uses one thread of {usable} processors. Unset the variable that limits it "
            f"({', '.join(limits) or 'none of the usual ones is set'})."
        )
    if not found["blas"] and not found["system"].startswith("Darwin"):
        changes.append(
            "NumPy's BLAS is of a kind that threadpoolctl does not know; if matrix products are "
            "slow, install NumPy from its wheels: pip install --force-reinstall numpy."
        )
    changes += _engine_advice(found["engine"])
    folder = found["data_folder"]
    if not folder["writable"]:
        changes.append(
            f"Downloads cannot be kept in {folder['path']}. Set KLOSED_DATA_DIR to a folder that "
            "can be written."
        )
    return changes


def _engine_advice(engine: dict[str, Any]) -> list[str]:
    """Return what would make training faster, or start faster."""
    if engine["auto"] == "reference":
        return [f"Training uses the slower reference engine: {engine['why_reference']}."]
    changes = [engine["advice"]] if engine["advice"] else []
    if engine["compiled_code"] is None:
        changes.append(
            "There is no folder to keep compiled code in, so that every process compiles anew. Set "
            "NUMBA_CACHE_DIR to a folder that can be written."
        )
    return changes


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> dict[str, Any]:
    import numpy as np
    from joblib import cpu_count

    simd: Any = np.show_config(mode="dicts")["SIMD Extensions"]
    features = {*simd.get("baseline", ()), *simd.get("found", ())}
    return {
        "name": _processor_name(),
        "cores": os.cpu_count(),
        "usable": cpu_count(),  # affinity and container limits counted in
        # NumPy names levels of x86-64 from 2.4 on, single features before.
        "avx2": not features.isdisjoint({"AVX2", "X86_V3"}),
        "avx512": not features.isdisjoint({"AVX512_SKX", "X86_V4"}),
    }


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _blas() -> list[dict[str, Any]]:
    import scipy.linalg  # noqa: F401  (SciPy brings a BLAS of its own)
    from threadpoolctl import threadpool_info

    return [
        {
            "api": library["internal_api"],
            "version": library["version"],
            "kernel": library.get("architecture"),
            "threads": library["num_threads"],
            "file": library["filepath"],
        }
        for library in threadpool_info()
        if library["user_api"] == "blas" and "scipy_openblas32" not in library["filepath"]
    ]


def _engine() -> dict[str, Any]:
    """Return which engine `--engine auto` takes, and with which matrix product."""
    from joblib import cpu_count

    from klosed.engines import why_not_fused
    from klosed.models import VAESpec

    if why := why_not_fused(VAESpec(1)):
        return {"auto": "reference", "why_reference": why}
    from klosed.engines.fused import FusedEngine, has_amx
    from klosed.engines.fused.blas import load_blas

    blas = load_blas()
    return {
        "auto": "fused",
        "advice": blas.advice,
        "compiled_code": FusedEngine.compiled_code(),
        "blas": blas.name,
        "kernel": blas.kernel,
        "has_own_blas": blas.is_private,
        "has_bf16_units": has_amx(),
        "sgemm_gflops_of_one_thread": blas.sgemm_gflops(),
        "threads": cpu_count(),
    }


def _sgemm_gflops(n: int = 1024, repeats: int = 5) -> float:
    """Return the best rate of a float32 product here and now, in GFLOP/s."""
    import numpy as np

    a = np.ones((n, n), np.float32)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return round(2 * n**3 / best / 1e9, 1)


def _torch() -> dict[str, Any] | None:
    """Return what PyTorch multiplies with on the processor; its library shows no kernel's name."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    return {
        "version": str(torch.__version__),
        "blas": "MKL" if torch.backends.mkl.is_available() else "its own build's",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _accelerators() -> list[str]:
    """Return what PyTorch finds beside the processor; PyTorch is imported only if installed."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    names = [f"cuda: {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps: Apple GPU")
    return names


def _data_folder() -> dict[str, Any]:
    from klosed.datasets.download import data_folder

    path = data_folder().absolute()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    sets = sorted(sub.name for sub in path.iterdir() if sub.is_dir()) if path.is_dir() else []
    writable = there.is_dir() and os.access(there, os.W_OK)
    return {"path": str(path), "writable": writable, "holds": sets}


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    processor, folder = found["processor"], found["data_folder"]
    features = [name.upper() for name in ("avx2", "avx512") if processor[name]]
    libraries = [f"{name} {number or 'missing'}" for name, number in found["libraries"].items()]
    extras = [
        f"{name}: yes" if there else f"{name}: no (pip install 'klosed[{name}]')"
        for name, there in found["extras"].items()
    ]
    lines = [
        ("Python", f"{found['python']} on {found['system']}, {sys.executable}"),
        ("Libraries", ", ".join(libraries)),
        (
            "Processor",
            f"{processor['name']}, {processor['usable']} of {processor['cores']} cores usable"
            + "".join(f", {name}" for name in features),
        ),
    ]
    lines += [
        (
            "BLAS",
            f"{_owner(b['file'])}: {b['api']} {b['version']}, {b['kernel'] or 'unnamed'} kernel"
            f"{_speed(b, processor)}, {_threads(b['threads'])}",
        )
        for b in found["blas"]
    ]
    lines += [
        ("Float32 product", f"NumPy: {found['sgemm_gflops']:g} GFLOP/s, measured now"),
        ("Engine", _engine_line(found["engine"])),
        ("PyTorch", _torch_line(found["torch"])),
        ("Accelerators", ", ".join(found["accelerators"]) or "none found"),
        ("Extras", ", ".join(extras)),
        (
            "Data folder",
            f"{folder['path']} ({'writable' if folder['writable'] else 'not writable'}; holds "
            f"{', '.join(folder['holds']) or 'nothing'})",
        ),
    ]
    lines += [("Environment", f"{name}={value}") for name, value in found["environment"].items()]
    return lines


def _owner(file: str) -> str:
    """Return whose library it is: wheels keep theirs in a folder of that name."""
    folder = Path(file).parent.name
    return {"numpy.libs": "NumPy", "scipy.libs": "SciPy"}.get(folder, folder)


def _speed(blas: dict[str, Any], processor: dict[str, Any]) -> str:
    """Return whether a kernel uses what the processor has, where that can be told."""
    if blas["api"] != "openblas" or not blas["kernel"]:
        return ""
    for feature, kernels in (("avx512", _AVX512_KERNELS), ("avx2", _AVX2_KERNELS)):
        if processor[feature]:
            fast = blas["kernel"] in kernels
            return ", the fast one" if fast else f", which leaves {feature.upper()} unused"
    return ""


def _threads(n: int) -> str:
    return "1 thread" if n == 1 else f"{n} threads"


def _torch_line(torch: dict[str, Any] | None) -> str:
    if torch is None:
        return "not installed"
    return f"{torch['blas']} BLAS, {torch['instructions']} code, {_threads(torch['threads'])}"


def _engine_line(engine: dict[str, Any]) -> str:
    if engine["auto"] == "reference":
        return f"reference ({engine['why_reference']})"
    kernel = "" if engine["kernel"] is None else f", {engine['kernel']} kernel"
    rate = engine["sgemm_gflops_of_one_thread"]
    units = ", AMX for --precision bf16" if engine["has_bf16_units"] else ""
    return (
        f"fused, up to {_threads(engine['threads'])}; {engine['blas']}{kernel}, {rate:g} GFLOP/s "
        f"on one thread, measured now{units}; compiled code in "
        f"{engine['compiled_code'] or 'memory only'}"
    )
