"""Expectations under a density to a stated number of digits, and KL with its gradient from them.

Integrals go by the trapezoidal rule in coordinates that push both ends to infinity, where it
converges exponentially (Trefethen and Weideman, 2014, doi:10.1137/130932132); derivatives by
central differences of log-densities with twice the digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import mpmath as mp

from klosed.errors import KlosedError
from klosed.high_precision.densities import DENSITIES, Density

__all__ = ["Digits", "PrecisionError", "expect", "kl_to_digits"]

Number = Any
Vector = list[Any]
Given = Mapping[str, Number]
_GUARD = 40
_TERMS = 200_000
_HALVINGS = 8
_REACH = 5_000
_COUNTS = ("total_count",)  # whole numbers: nothing to differentiate


class PrecisionError(KlosedError, ArithmeticError):
    """Quadrature or summation did not reach the digits asked for."""


@dataclass(frozen=True)
class Digits:
    """KL(q‖p), entropy, cross-entropy and ∂KL/∂parameter, all in nats, as mpmath numbers.

    Gradients leave out whole numbers and parameters that move the support.
    """

    kl: Number
    entropy: Number
    cross_entropy: Number
    grad_q: dict[str, Number]
    grad_p: dict[str, Number]


def kl_to_digits(
    family_q: str, q: Given, family_p: str, p: Given, digits: int, *, typical: Sequence[float]
) -> Digits:
    """Integrate KL(q‖p), entropy, cross-entropy and the gradient to `digits` digits.

    Parameters
    ----------
    family_q, family_p : str
        Names of families on the line.
    q, p : mapping of str to mpf
        Parameters by the names klosed.distributions takes.
    digits : int
        Correct digits wanted.
    typical : sequence of float
        Values that q takes, such as a sample: where to look for its mass.

    Raises
    ------
    PrecisionError
        The error estimate says that fewer digits were reached.

    Examples
    --------
    >>> from mpmath import mpf, nstr
    >>> from klosed.high_precision import kl_to_digits
    >>> q, p = {"loc": mpf(1), "scale": mpf(1)}, {"loc": mpf(0), "scale": mpf(1)}
    >>> result = kl_to_digits("Normal", q, "Normal", p, 20, typical=[0.2, 1.0, 1.9])
    >>> nstr(result.kl, 20), nstr(result.grad_q["loc"], 20)
    ('0.5', '1.0')
    """
    make_q, make_p = DENSITIES[family_q], DENSITIES[family_p]
    with mp.workdps(2 * digits + _GUARD):
        left, right = make_q(q), make_p(p)
        if left.discrete != right.discrete or left.low < right.low or left.high > right.high:
            (entropy,) = expect(left, left, lambda x: [-left.log(x)], typical, digits)
            return Digits(mp.inf, entropy, mp.inf, {}, {})
        slopes_q, slopes_p = _slopes(make_q, q, digits), _slopes(make_p, p, digits)

        def integrands(x: Number) -> Vector:
            log_q, log_p = left.log(x), right.log(x)
            # E_q[score] = 0: of ∂KL/∂θ_q only the score's part is left
            grad_q = [slope(x) * (log_q - log_p) for slope in slopes_q.values()]
            return [log_q - log_p, -log_q, -log_p, *grad_q, *(-s(x) for s in slopes_p.values())]

        values = expect(left, right, integrands, typical, digits)
        return Digits(
            kl=values[0],
            entropy=values[1],
            cross_entropy=values[2],
            grad_q=dict(zip(slopes_q, values[3:], strict=False)),
            grad_p=dict(zip(slopes_p, values[3 + len(slopes_q) :], strict=True)),
        )


def _slopes(
    make: Callable[[Given], Density], given: Given, digits: int
) -> dict[str, Callable[[Number], Number]]:
    """Return {parameter: x ↦ ∂ log p(x) / ∂ parameter}, by central differences.

    Parameters that move the support are left out: there the derivative is no integral.
    """
    slopes = {}
    for name in given:
        step = mp.mpf(10) ** -(digits // 2 + 5) * max(abs(given[name]), mp.mpf(10) ** -5)
        above, below = (make({**given, name: given[name] + h}) for h in (step, -step))
        if name not in _COUNTS and (above.low, above.high) == (below.low, below.high):
            slopes[name] = _central(above, below, step)
    return slopes


def _central(above: Density, below: Density, step: Number) -> Callable[[Number], Number]:
    return lambda x: (above.log(x) - below.log(x)) / (2 * step)


def expect(
    q: Density,
    p: Density,
    f: Callable[[Number], Vector],
    typical: Sequence[float],
    digits: int,
) -> Vector:
    """Return E_q[f] for a vector f; p only adds its corners. Runs at the precision in force."""
    if q.discrete:
        return _sum(q, f, digits)
    values = sorted(mp.mpf(x) for x in typical)
    scale = (values[-1] - values[0]) / 2 or mp.mpf(1)
    corners = sorted({x for x in (*q.corners, *p.corners) if q.low < x < q.high})
    middle = values[len(values) // 2]
    pieces = [
        _integral(q, f, a, b, middle, scale, digits) for a, b in pairwise([q.low, *corners, q.high])
    ]
    return [mp.fsum(column) for column in zip(*pieces, strict=True)]


def _integral(
    q: Density,
    f: Callable[[Number], Vector],
    a: Number,
    b: Number,
    middle: Number,
    scale: Number,
    digits: int,
) -> Vector:
    """Integrate q f from a to b.

    With x = middle + scale · sinh t on the whole line, a + scale · eᵗ on half of it, and a logistic
    function of t between two numbers.
    """
    negligible = mp.mpf(10) ** -(digits + 8)

    def place(t: Number) -> tuple[Number, Number]:
        if mp.isinf(a) and mp.isinf(b):
            return middle + scale * mp.sinh(t), scale * mp.cosh(t)
        if mp.isinf(b):
            return a + scale * mp.exp(t), scale * mp.exp(t)
        if mp.isinf(a):
            return b - scale * mp.exp(t), scale * mp.exp(t)
        return a + (b - a) / (1 + mp.exp(-t)), (b - a) / (2 + mp.exp(t) + mp.exp(-t))

    def terms(t: Number) -> Vector | None:
        x, slope = place(t)
        if not a < x < b:
            raise PrecisionError(
                f"the mass near {mp.nstr(b if x >= b else a, 3)} needs more digits than are kept. "
                "Ask for fewer --digits."
            )
        weight = mp.exp(q.log(x)) * slope
        if not weight:
            return None
        vector = [weight * value for value in f(x)]
        return None if max(map(abs, (weight, *vector))) < negligible else vector

    def sweep(first: Number, step: Number) -> Vector:
        """Add the terms at first + k step, outwards until both sides no longer matter."""
        total: Vector = []
        for direction in (1, -1):
            t, misses = (first if direction == 1 else first - step), 0
            while misses < max(3, 1 / step) or abs(t) < 8:
                vector = terms(t)
                misses = misses + 1 if vector is None else 0
                if vector is not None:
                    total = [u + v for u, v in zip(total, vector, strict=True)] if total else vector
                t += direction * step
                if abs(t) > _REACH:
                    raise PrecisionError(
                        "the integrand does not fall off: the expectation may be infinite."
                    )
        return total

    step = mp.mpf(1) / 2
    sums = sweep(mp.mpf(0), step)
    for _ in range(_HALVINGS):
        finer = [u + v for u, v in zip(sums, sweep(step / 2, step), strict=True)]
        error = max(abs(v * step / 2 - u * step) for u, v in zip(sums, finer, strict=True))
        step, sums = step / 2, finer
        if error < mp.mpf(10) ** -(digits / 2 + 3) and error**2 < negligible:
            return [v * step for v in sums]
    raise PrecisionError(f"quadrature did not settle on {digits} digits. Ask for fewer --digits.")


def _sum(q: Density, f: Callable[[Number], Vector], digits: int) -> Vector:
    """Return Σ q(k) f(k) over the integers, until what is left cannot matter."""
    total: Vector = []
    mass, k = mp.mpf(0), q.low
    while k <= q.high and 1 - mass > mp.mpf(10) ** (-2 * digits):
        weight = mp.exp(q.log(k))
        if weight:
            vector = [weight * value for value in f(k)]
            total = [u + v for u, v in zip(total, vector, strict=True)] if total else vector
            mass += weight
        if k > _TERMS:
            raise PrecisionError(f"the sum needs more than {_TERMS} terms. Leave out --digits.")
        k += 1
    return total
