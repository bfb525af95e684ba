"""Other processors, imitated: Numba compiles for them, as far as this one has what they have."""

import os
import subprocess
import sys

import pytest

__all__ = ["VECTOR_BYTES", "run_on"]

# (name, features) -> bytes of a vector
VECTOR_BYTES = {
    ("haswell", "+avx,+avx2,+fma"): 32,
    ("x86-64", "+sse2"): 16,
    ("skylake-avx512", "+avx512f,+fma"): 64,
}


def run_on(processor, code, tmp_path_factory):
    """Run `code` in a process that compiles for `processor`; return what it printed.

    All share a folder of compiled code: what was kept for another processor must not be taken.
    """
    llvmlite = pytest.importorskip("llvmlite.binding")
    name, features = processor
    there = llvmlite.get_host_cpu_features()
    if not all(there.get(feature[1:]) for feature in features.split(",")):
        pytest.skip(f"needs a processor with {features}")
    env = os.environ | {
        "NUMBA_CPU_NAME": name,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path_factory.getbasetemp() / "compiled"),
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
