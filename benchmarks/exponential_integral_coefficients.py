"""Derive src/klosed/special/_tables_exponential_integral.py from mpmath and print it.

python benchmarks/exponential_integral_coefficients.py
"""

from __future__ import annotations

import mpmath as mp
from mpmath import mpf
from special_coefficients import Function, error, lines, rational


def ein(x: mpf) -> mpf:
    """(γ + log x + E₁(x))/x."""
    terms = ((-x) ** k / ((k + 1) * mp.factorial(k + 1)) for k in range(60))
    return mp.fsum(terms)


def tail(t: mpf) -> mpf:
    """exp(x) E₁(x) x in t = 1/x."""
    if t > mpf("1e-3"):
        return mp.exp(1 / t) * mp.e1(1 / t) / t
    return mp.fsum((-t) ** k * mp.factorial(k) for k in range(60))


# name: what it is, function, interval, (n, m) in double, (n, m) in single
TABLES: dict[str, tuple[str, Function, float, float, tuple[int, int], tuple[int, int]]] = {
    "EIN": ("(γ + log x + E₁(x))/x for x <= 1", ein, 0.0, 1.0, (5, 5), (6, 0)),
    "E1_MIDDLE": ("exp(x) E₁(x) x in 1/x for 1 <= x <= 4", tail, 0.25, 1.0, (8, 8), (4, 4)),
    "E1_TAIL": ("exp(x) E₁(x) x in 1/x for x >= 4", tail, 0.0, 0.25, (9, 9), (4, 4)),
}


def main() -> None:
    print('"""Coefficients, printed by benchmarks/exponential_integral_coefficients.py.')
    print("\nLaid out as in `_tables`. Imports nothing.")
    print('"""\n\n# fmt: off')
    for name, (what, f, low, high, double, single) in TABLES.items():
        a, b = mpf(low), mpf(high)
        fits = [rational(f, a, b, *degrees) for degrees in (double, single)]
        errors = [mp.nstr(error(f, a, b, *fit), 2) for fit in fits]
        print(f"\n# {what}: relative errors {errors[0]} and {errors[1]}\n{name} = (")
        for (top, bottom), is_single in zip(fits, (False, True), strict=True):
            print("    ((")
            for line in lines(top, is_single):
                print(f"        {line}")
            print("    ), (")
            for line in lines(bottom, is_single) if len(bottom) > 1 else ():
                print(f"        {line}")
            print("    )),")
        print(")")


if __name__ == "__main__":
    main()
