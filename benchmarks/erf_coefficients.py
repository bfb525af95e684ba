"""Derive src/klosed/special/_tables_erf.py from mpmath and print it.

python benchmarks/erf_coefficients.py
"""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf
from special_coefficients import Tables, print_tables


def slope(z: mpf) -> mpf:
    """erf(x)/x in z = x²."""
    terms = ((-z) ** k / (mp.factorial(k) * (2 * k + 1)) for k in range(60))
    return 2 / mp.sqrt(mp.pi) * mp.fsum(terms)


def scaled(t: mpf) -> mpf:
    """exp(x²) erfc(x) in t = 1/x."""
    return mp.exp(1 / t**2) * mp.erfc(1 / t)


TABLES: Tables = {
    "ERF_NEAR": ("erf(x)/x in x² for |x| <= 1", slope, 0.0, 1.0, (5, 5), (6, 0)),
    "ERF_FAR": ("exp(x²) erfc(x) in 1/x for 1 <= x <= 6.25", scaled, 0.16, 1.0, (8, 8), (4, 4)),
}


def main() -> None:
    print('"""Coefficients, printed by benchmarks/erf_coefficients.py.')
    print("\nLaid out as in `_tables`. Imports nothing.")
    print('"""\n\n# fmt: off')
    print_tables(TABLES)


if __name__ == "__main__":
    main()
