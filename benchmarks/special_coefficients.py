"""Derive every coefficient of src/klosed/special/_tables.py from mpmath and print the module.

Each table interpolates its function at Chebyshev nodes, which is within a few times of the
best approximation; the degree is the smallest whose error stays below the rounding of its dtype.

    python benchmarks/special_coefficients.py > src/klosed/special/_tables.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 70
Function = Callable[[mpf], mpf]


def nodes(a: mpf, b: mpf, n: int) -> list[mpf]:
    return [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]


def rational(f: Function, a: mpf, b: mpf, n: int, m: int) -> tuple[list[mpf], list[mpf]]:
    """Return P (degree n) and Q (degree m, Q(0) = 1) with P/Q = f at n + m + 1 nodes."""
    size = n + m + 1
    matrix, right = mp.matrix(size, size), mp.matrix(size, 1)
    for i, x in enumerate(nodes(mpf(a), mpf(b), size)):
        y = f(x)
        for j in range(n + 1):
            matrix[i, j] = x**j
        for j in range(1, m + 1):
            matrix[i, n + j] = -y * x**j
        right[i] = y
    s = list(mp.lu_solve(matrix, right))
    return s[: n + 1], [mpf(1), *s[n + 1 :]]


def error(f: Function, a: mpf, b: mpf, top: list[mpf], bottom: list[mpf]) -> mpf:
    """Return the largest relative error on a grid."""
    grid = [a + (b - a) * mpf(k) / 300 for k in range(301)]
    return max(abs(value(top, x) / value(bottom, x) / f(x) - 1) for x in grid if f(x) != 0)


def value(coefficients: list[mpf], x: mpf) -> mpf:
    return mp.polyval(coefficients[::-1], x)


def series(term: Callable[[int], mpf], terms: int = 120) -> Function:
    coefficients = [term(k) for k in range(terms)]
    return lambda x: value(coefficients, x)


# φ: log1p(x) = 2s + s z Q(z), s = x/(2 + x), z = s²
log1p_tail = series(lambda k: mpf(2) / (2 * k + 3))
# ψ(x)/x²
expm1_tail = series(lambda k: 1 / mp.factorial(k + 2), 60)

# name: what it is, function, interval, (n, m) in double, (n, m) in single
TABLES: dict[str, tuple[str, Function, float, float, tuple[int, int], tuple[int, int]]] = {
    "LOG1P_TAIL": (
        "(log1p(x)/s − 2)/z in z = s², s = x/(2 + x), for −0.6 <= x <= 1.5",
        log1p_tail, 0, 0.1837, (4, 4), (5, 0),
    ),
    "EXPM1_TAIL": ("(expm1(x) − x)/x² for |x| <= 1", expm1_tail, -1, 1, (13, 0), (7, 0)),
}  # fmt: skip


def lines(values: list[mpf], single: bool) -> Iterator[str]:
    digits = 10 if single else 17
    row = ""
    for v in values:
        text = mp.nstr(v, digits, min_fixed=-3, max_fixed=3) + ","
        if len(row) + len(text) > 88:
            yield row.rstrip()
            row = ""
        row += text + " "
    yield row.rstrip()


def main() -> None:
    print('"""Coefficients, printed by benchmarks/special_coefficients.py. Imports nothing.')
    print()
    print("Each table is ((top, bottom) in double, (top, bottom) in single), lowest power first;")
    print('an empty bottom is 1.\n"""\n')
    print("# fmt: off")
    for name, (what, f, a, b, double, single) in TABLES.items():
        fits = [rational(f, mpf(a), mpf(b), *degrees) for degrees in (double, single)]
        errors = [mp.nstr(error(f, mpf(a), mpf(b), *fit), 2) for fit in fits]
        print(f"\n# {what}:\n# relative errors {errors[0]} and {errors[1]}")
        print(f"{name} = (")
        for (top, bottom), is_single in zip(fits, (False, True), strict=True):
            print("    ((")
            for line in lines(top, is_single):
                print(f"        {line}")
            print("    ), (")
            if len(bottom) > 1:
                for line in lines(bottom, is_single):
                    print(f"        {line}")
            print("    )),")
        print(")")


if __name__ == "__main__":
    main()
