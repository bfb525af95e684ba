"""The fused engine: the reference engine's arithmetic in compiled steps, on all processors.

Needs Numba; takes OpenBLAS from scipy-openblas32 where that is installed, else SciPy's BLAS.
"""

from klosed.engines.fused._amx import has_amx
from klosed.engines.fused._engine import FusedEngine, supports

__all__ = ["FusedEngine", "has_amx", "supports"]
