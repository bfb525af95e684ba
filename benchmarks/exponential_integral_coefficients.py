"""Derive src/klosed/special/_tables_exponential_integral.py from mpmath and print it.

python benchmarks/exponential_integral_coefficients.py
"""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf
from special_coefficients import Tables, print_tables


def ein(x: mpf) -> mpf:
    """(γ + log x + E₁(x))/x."""
    terms = ((-x) ** k / ((k + 1) * mp.factorial(k + 1)) for k in range(60))
    return mp.fsum(terms)


def tail(t: mpf) -> mpf:
    """exp(x) E₁(x) x in t = 1/x."""
    if t > mpf("1e-3"):
        return mp.exp(1 / t) * mp.e1(1 / t) / t
    return mp.fsum((-t) ** k * mp.factorial(k) for k in range(60))


TABLES: Tables = {
    "EIN": ("(γ + log x + E₁(x))/x for x <= 1", ein, 0.0, 1.0, (5, 5), (6, 0)),
    "E1_MIDDLE": ("exp(x) E₁(x) x in 1/x for 1 <= x <= 4", tail, 0.25, 1.0, (8, 8), (4, 4)),
    "E1_TAIL": ("exp(x) E₁(x) x in 1/x for x >= 4", tail, 0.0, 0.25, (9, 9), (4, 4)),
}


def main() -> None:
    print('"""Coefficients, printed by benchmarks/exponential_integral_coefficients.py.')
    print("\nLaid out as in `_tables`. Imports nothing.")
    print('"""\n\n# fmt: off')
    print_tables(TABLES)


if __name__ == "__main__":
    main()
