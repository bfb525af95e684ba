"""Matrix products: calls of BLAS, cut into pieces where BLAS is faster at those."""

from __future__ import annotations

from typing import Any

from numba import njit

from klosed.engines.fused._compile import OPTIONS, part
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


@njit(**OPTIONS)
def _even(whole: Any, most: Any) -> Any:
    """Return the size of even parts of at most `most`."""
    parts = -(-whole // max(most, 1))
    return -(-whole // parts)


@part()
def product(
    job: Any,
    transpose_a: Any,
    transpose_b: Any,
    m: Any,
    n: Any,
    k: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    c: Any,
    ldc: Any,
    one: Any,
) -> None:
    """Write C = op(A) op(B), op(A) of shape (m, k); column-major, matrices by address."""
    ints = view(job, INTS, WHOLE)
    if min(m, n, k) == 0:  # a thread without rows
        return
    size, zero = size_of(one), type(one)(0)
    part_m, part_n, part_k = m, n, k
    if ints[Int.IN_PIECES]:
        if transpose_a:
            if n <= _FEW_ROWS and k >= 64 and m * n > _RESULTS:
                part_n = min(n, 8)
                part_m = _even(m, min(_RESULTS // part_n, _MULTIPLICATIONS // (part_n * k)))
        elif min(n, k) <= _FEW_ROWS and m * n * k > _MULTIPLICATIONS:
            part_m, part_n = _even(m, 800), _even(n, 40)
            part_k = _even(k, _MULTIPLICATIONS // (part_m * part_n))
    letter_a = _TRANSPOSED if transpose_a else _NORMAL
    letter_b = _TRANSPOSED if transpose_b else _NORMAL
    for j in range(0, n, part_n):
        for i in range(0, m, part_m):
            for p in range(0, k, part_k):
                call_gemm(
                    ints[Int.GEMM], letter_a, letter_b,
                    min(part_m, m - i), min(part_n, n - j), min(part_k, k - p), one,
                    a + (i * lda + p if transpose_a else p * lda + i) * size, lda,
                    b + (p * ldb + j if transpose_b else j * ldb + p) * size, ldb,
                    zero if p == 0 else one, c + (j * ldc + i) * size, ldc,
                )  # fmt: skip
