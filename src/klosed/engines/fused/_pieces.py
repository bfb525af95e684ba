"""Matrix products: calls of BLAS, cut into pieces where BLAS is faster at those."""

from __future__ import annotations

from typing import Any

from klosed.engines.fused._compile import part
from klosed.engines.fused._intrinsics import call_gemm, size_of, view
from klosed.engines.fused._tables import INTS, WHOLE, Int

__all__ = ["product"]

_NORMAL, _TRANSPOSED = ord("N"), ord("T")
# OpenBLAS multiplies matrices of fewer than a million multiplications where they lie, and packs
# larger ones first: for a few rows that costs as much as the product. Of Aᵀ B it also wants at
# most 1200 results.
_MULTIPLICATIONS = 1_000_000
_RESULTS = 1200
_FEW_ROWS = 128


@part()
def product(
    job: Any, n_out: Any, rows: Any, n_in: Any, weight: Any, x: Any, y: Any, one: Any
) -> None:
    """Write Y = X Wᵀ, matrices by address: with rows as rows, Yᵀ = W Xᵀ to column-major BLAS."""
    ints, size, zero = view(job, INTS, WHOLE), size_of(one), type(one)(0)
    if min(n_out, rows, n_in) == 0:
        return
    part_out, part_rows = n_out, rows
    if ints[Int.IN_PIECES] and rows <= _FEW_ROWS and n_in >= 64 and n_out * rows > _RESULTS:
        part_rows = min(rows, 8)
        most = min(_RESULTS // part_rows, _MULTIPLICATIONS // (part_rows * n_in))
        part_out = -(-n_out // -(-n_out // max(most, 1)))  # even parts
    for i in range(0, rows, part_rows):
        for j in range(0, n_out, part_out):
            call_gemm(
                ints[Int.GEMM], _TRANSPOSED, _NORMAL,
                min(part_out, n_out - j), min(part_rows, rows - i), n_in, one,
                weight + j * n_in * size, n_in, x + i * n_in * size, n_in, zero,
                y + (i * n_out + j) * size, n_out,
            )  # fmt: skip
