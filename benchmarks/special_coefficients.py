"""Derive every coefficient of src/klosed/special/_tables.py from mpmath and print the module.

Each table interpolates its function at Chebyshev nodes, which is within a few times of the
best approximation; the degree is the smallest whose error stays below the rounding of its dtype.

    python benchmarks/special_coefficients.py > src/klosed/special/_tables.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 70
Function = Callable[[mpf], mpf]
# name: what it is, function, interval, (n, m) in double, (n, m) in single
Tables = dict[str, tuple[str, Function, Any, Any, tuple[int, int], tuple[int, int]]]


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


def lgamma_center(t: mpf) -> mpf:
    """lgamma(2 + t)/t."""
    return mp.loggamma(2 + t) / t if t else 1 - mp.euler


ROOT = mp.findroot(mp.digamma, mpf("1.4616321449683623"))


def digamma_center(t: mpf) -> mpf:
    """ψ(x)/(x − root) at x = 1 + t."""
    return mp.digamma(1 + t) / (1 + t - ROOT)


def stirling(derivative: int) -> Function:
    """Return, as a function of 1/x², what is left of lgamma's derivative after its main terms.

    Scaled so that it is 1 at infinity.
    """

    def remainder(x: mpf) -> mpf:
        half = mpf(1) / 2
        match derivative:
            case 0:
                main = (x - half) * mp.log(x) - x + mp.log(2 * mp.pi) / 2
                return (mp.loggamma(x) - main) * 12 * x
            case 1:
                return (mp.log(x) - half / x - mp.digamma(x)) * 12 * x**2
            case 2:
                return (mp.psi(1, x) - 1 / x - half / x**2) * 6 * x**3
            case _:
                return -(mp.psi(2, x) + 1 / x**2 + 1 / x**3) * 2 * x**4

    return lambda w: remainder(1 / mp.sqrt(w)) if w else mpf(1)


def negentropy_tail(v: mpf) -> mpf:
    """x² (J(x) − 1/(3x)) at x = 1/v, J being `gamma_negentropy`."""
    x = 1 / v
    remainder = mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2
    own = mpf(1) / 2 - remainder - (1 - x) * (mp.digamma(x) - mp.log(x))
    return x * x * (own - v / 3)


NINTH, TWELFTH = mpf(1) / 9, mpf(1) / 12
TABLES: Tables = {
    "LOG1P_TAIL": (
        "(log1p(x)/s − 2)/z in z = s², s = x/(2 + x), for −0.6 <= x <= 1.5",
        log1p_tail, 0, "0.1837", (4, 4), (5, 0),
    ),
    "EXPM1_TAIL": (
        "(expm1(x) − x)/x² for |x| <= 1.35", expm1_tail, "-1.35", "1.35", (14, 0), (8, 0)
    ),
    "LGAMMA_CENTER": (
        "lgamma(2 + t)/t for −1/2 <= t <= 1", lgamma_center, "-0.5", 1, (7, 6), (3, 3)
    ),
    "DIGAMMA_CENTER": (
        "ψ(1 + t)/(1 + t − its root) for 0 <= t <= 1", digamma_center, 0, 1, (5, 6), (3, 3)
    ),
    "STIRLING_0": ("12 x Δ(x) in 1/x², x >= 3", stirling(0), 0, NINTH, (4, 4), (3, 0)),
    "STIRLING_1": (
        "12 x² (log x − 1/(2x) − ψ(x)) in 1/x², x >= 3", stirling(1), 0, NINTH, (4, 5), (3, 0)
    ),
    "STIRLING_2": (
        "6 x³ (ψ'(x) − 1/x − 1/(2x²)) in 1/x², x >= 3.5",
        stirling(2), 0, TWELFTH, (4, 4), (3, 0),
    ),
    "STIRLING_3": (
        "−2 x⁴ (ψ''(x) + 1/x² + 1/x³) in 1/x², x >= 3.5",
        stirling(3), 0, TWELFTH, (4, 4), (3, 0),
    ),
    "NEGENTROPY_TAIL": (
        "x² (J(x) − 1/(3x)) in 1/x, 1 <= x <= 3, J = gamma_negentropy",
        negentropy_tail, mpf(1) / 3, 1, (16, 0), (7, 0),
    ),
}  # fmt: skip


def poles(end: mpf, m: int) -> tuple[list[tuple[mpf, mpf]], list[tuple[mpf, mpf, mpf, mpf]]]:
    """Write Δ(x) for x >= 1 as Σ c/(x + b): real poles (b, c), and conjugate pairs.

    A pair c/(x + β + iγ) + conjugate is (β, γ², 2 Re c, 2γ Im c): its value is
    (2 Re(c) p + 2γ Im(c))/(p² + γ²) with p = x + β. The fit is in 1/x on (0, `end`]; ending
    short of 1 lowers the error of what Δ is used for.
    """
    scaled = stirling(0)
    top, bottom = rational(lambda v: scaled(v * v) / 12, mpf(0), end, m - 1, m)
    slope = [k * c for k, c in enumerate(bottom)][1:]
    real, pairs = [], []
    for root in mp.polyroots(bottom[::-1], maxsteps=500, extraprec=400):
        b = -1 / root
        c = value(top, root) / value(slope, root) * b
        if abs(mp.im(b)) < mpf(10) ** -30:
            real.append((mp.re(b), mp.re(c)))
        elif mp.im(b) > 0:
            pairs.append((mp.re(b), mp.im(b) ** 2, 2 * mp.re(c), 2 * mp.im(b) * mp.im(c)))
    return real, pairs


def lines(values: list[mpf], single: bool) -> Iterator[str]:
    digits = 10 if single else 17
    row = ""
    for v in values:
        text = mp.nstr(v, digits, min_fixed=-3, max_fixed=3) + ","
        if len(row) + len(text) > 80:
            yield row.rstrip()
            row = ""
        row += text + " "
    yield row.rstrip()


def print_tables(tables: Tables) -> None:
    """Print each table of rational functions, with the errors it was made with."""
    for name, (what, f, a, b, double, single) in tables.items():
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


def main() -> None:
    print('"""Coefficients, printed by benchmarks/special_coefficients.py. Imports nothing.')
    print()
    print("Each table is ((top, bottom) in double, (top, bottom) in single), lowest power first;")
    print('an empty bottom is 1.\n"""\n')
    print("# fmt: off")
    print_tables(TABLES)
    print("\n# Poles of Δ(x), x >= 1: real (b, c) and conjugate pairs (β, γ², 2 Re c, 2γ Im c),")
    print("# in double and in single.")
    print("STIRLING_POLES = (")
    for end, m, digits in ((mpf("0.9"), 8, 17), (mpf("0.95"), 3, 10)):
        print("    (")
        for group in poles(end, m):
            print("        (")
            for entry in group:
                print("            (")
                for line in lines(list(entry), digits < 17):
                    print(f"                {line}")
                print("            ),")
            print("        ),")
        print("    ),")
    print(")")


if __name__ == "__main__":
    main()
