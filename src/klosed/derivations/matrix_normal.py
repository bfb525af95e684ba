"""Normal 2 × 2 matrices, M + A Z Bᵀ with independent standard normal entries of Z."""

from __future__ import annotations

from typing import Any

import sympy as sp

from klosed.derivations._families import Family, Side
from klosed.derivations._pairs import Pair
from klosed.derivations.multivariate_normal import standard_normals

__all__ = ["FAMILY", "PAIRS"]

Expr = Any

x = sp.symbols("x11 x12 x21 x22", real=True)
_z = sp.symbols("z11 z12 z21 z22", real=True)
m = sp.symbols("m11 m12 m21 m22", real=True)
a11, a22, b11, b22 = sp.symbols("a11 a22 b11 b22", positive=True)
a21, b21 = sp.symbols("a21 b21", real=True)

_rows, _columns = sp.Matrix([[a11, 0], [a21, a22]]), sp.Matrix([[b11, 0], [b21, b22]])
_mean = sp.Matrix(2, 2, m)
_laws, _moments = standard_normals(*_z)


def _log_density() -> Expr:
    """Return −½ ‖A⁻¹ (X − M) B⁻ᵀ‖² − m log |A| − n log |B| − ½ n m log 2π, n = m = 2."""
    white = _rows.inv() * (sp.Matrix(2, 2, x) - _mean) * _columns.inv().T
    square = sum(entry**2 for entry in white)
    return -square / 2 - 2 * sp.log(a11 * a22) - 2 * sp.log(b11 * b22) - 2 * sp.log(2 * sp.pi)


FAMILY = Family(
    name="MatrixNormal",
    draws={
        **dict.fromkeys(m, (-2, 2)),
        **dict.fromkeys((a11, a22, b11, b22), (0.5, 2)),
        **dict.fromkeys((a21, b21), (-1, 1)),
    },
    parameters={
        "loc": (m[:2], m[2:]),
        "scale_tril_row": ((a11, 0), (a21, a22)),
        "scale_tril_column": ((b11, 0), (b21, b22)),
    },
    variables=x,
    log_density=_log_density(),
    laws=_laws,
    outcome=tuple(_mean + _rows * sp.Matrix(2, 2, _z) * _columns.T),
    moments=_moments,
    entropy=2 + 2 * sp.log(2 * sp.pi * a11 * a22 * b11 * b22),
)


def _kl(q: Side, p: Side) -> Expr:
    """Return ½ (‖R‖² ‖C‖² + ‖Z‖² − n m) − m log |R| − n log |C|, R = Ap⁻¹ Aq, C = Bp⁻¹ Bq."""
    rows = _rows.applyfunc(p.rename).inv() * _rows.applyfunc(q.rename)
    columns = _columns.applyfunc(p.rename).inv() * _columns.applyfunc(q.rename)
    offset = _mean.applyfunc(q.rename) - _mean.applyfunc(p.rename)
    white = _rows.applyfunc(p.rename).inv() * offset * _columns.applyfunc(p.rename).inv().T
    size_r, size_c, size_z = (sum(e**2 for e in matrix) for matrix in (rows, columns, white))
    return (size_r * size_c + size_z) / 2 - 2 - 2 * sp.log(rows.det()) - 2 * sp.log(columns.det())


PAIRS = (
    Pair(
        "MatrixNormal",
        "MatrixNormal",
        kl=_kl,
        case="of 2 × 2 matrices",
        relative_to_largest=True,
        shown={
            "entropy": (
                "H(q) = ½ n m log(2πe) + m log |A| + n log |B|",
                r"\mathrm{H}(q) = \tfrac12 nm\log(2\pi e) + m\log|A_q| + n\log|B_q|",
            ),
            "KL": (
                "KL = ½ (‖R‖² ‖C‖² + ‖Z‖² − n m) − m log |R| − n log |C|,"
                "  R = Ap⁻¹ Aq, C = Bp⁻¹ Bq, Z = Ap⁻¹ (Mq − Mp) Bp⁻ᵀ",
                r"\mathrm{KL} = \tfrac12(\|R\|^2\|C\|^2 + \|Z\|^2 - nm) - m\log|R| - n\log|C|,"
                r" \quad R = A_p^{-1}A_q,\ C = B_p^{-1}B_q,\ Z = A_p^{-1}(M_q - M_p)B_p^{-\top}",
            ),
        },
    ),
)
