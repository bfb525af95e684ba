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
_PASSES = 4
_FARTHEST = 1_000  # powers of ten between the sizes of parameters
_SPREAD = 20_000  # integers that draws spread over
_HALVINGS = 8
_REACH = 5_000
_COUNTS = ("total_count",)  # whole numbers: nothing to differentiate
_ENDING = ("probs", "rate")  # may be 0, where the support ends with them


class PrecisionError(KlosedError, ArithmeticError):
    """Quadrature or summation did not reach the digits asked for."""


@dataclass(frozen=True)
class Digits:
    """KL(q‖p), entropy, cross-entropy and ∂KL/∂parameter, all in nats, as mpmath numbers.

    Gradients leave out whole numbers, parameters that move the support, and those at the end of
    their domain, such as a probability of 0.
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
        Correct digits wanted; of the KL they count from its first that is not 0.
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
    span = _span([*q.values(), *p.values()])

    def integrate(places: int) -> Digits:
        """Return all of them, right to so many places after the point."""
        with mp.workdps(2 * (places + span) + _GUARD):
            left, right = make_q(q), make_p(p)
            if left.discrete != right.discrete or left.low < right.low or left.high > right.high:
                expected = expect(left, left, lambda x: [mp.mpf(1), -left.log(x)], typical, places)
                (entropy,) = _of_whole_mass(expected, places)
                return Digits(mp.inf, entropy, mp.inf, {}, {})
            # a moved corner spoils what lies within a step of it
            slopes_q = _slopes(make_q, q, places + 5 + span)
            slopes_p = _slopes(make_p, p, places + 5 + span)

            def integrands(x: Number) -> Vector:
                log_q, log_p = left.log(x), right.log(x)
                # E_q[score] = 0: of ∂KL/∂θ_q only the score's part is left
                of_q = [slope(x) * (log_q - log_p) for slope in slopes_q.values()]
                of_p = [-slope(x) for slope in slopes_p.values()]
                return [mp.mpf(1), log_q - log_p, -log_q, -log_p, *of_q, *of_p]

            expected = expect(left, right, integrands, typical, places)
            kl, entropy, cross_entropy, *gradients = _of_whole_mass(expected, places)
            if mp.isinf(kl):
                return Digits(kl, entropy, cross_entropy, {}, {})
            if family_q == family_p and q == p:
                kl, gradients = mp.mpf(0), [mp.mpf(0)] * len(gradients)
            n = len(slopes_q)
            return Digits(
                kl=_rounded(kl, places),
                entropy=_rounded(entropy, places),
                cross_entropy=_rounded(cross_entropy, places),
                grad_q=_all_rounded(dict(zip(slopes_q, gradients[:n], strict=True)), q, places),
                grad_p=_all_rounded(dict(zip(slopes_p, gradients[n:], strict=True)), p, places),
            )

    places, result = digits, integrate(digits)
    for _ in range(_PASSES - 1):
        # a small divergence begins with zeros, which are no digits
        zeros = places if result.kl == 0 else -_exponent(result.kl)
        if (family_q == family_p and q == p) or digits + zeros <= places:
            break
        places, result = digits + zeros, integrate(digits + zeros)
    return result


def _exponent(x: Number) -> int:
    """Return the power of ten of a number's first digit."""
    return int(mp.floor(mp.log10(abs(x)))) if mp.isfinite(x) and x else 0


def _span(values: Sequence[Number]) -> int:
    """Return how many powers of ten lie between the largest of some numbers and the smallest."""
    exponents = [0, *(_exponent(x) for x in values)]
    span = max(exponents) - min(exponents)
    if span > _FARTHEST:
        raise PrecisionError(
            f"parameters must lie within {_FARTHEST} powers of ten of 1; got {span}."
        )
    return span


def _rounded(x: Number, places: int) -> Number:
    """Return x, or 0 where its size is that of what was neglected."""
    return mp.mpf(0) if abs(x) < mp.mpf(10) ** -places else x


def _all_rounded(gradients: Given, given: Given, places: int) -> dict[str, Number]:
    # what was neglected is small in the logarithm of a parameter
    return {
        name: g if _rounded(g * (given[name] or 1), places) else mp.mpf(0)
        for name, g in gradients.items()
    }


def _slopes(
    make: Callable[[Given], Density], given: Given, depth: int
) -> dict[str, Callable[[Number], Number]]:
    """Return {parameter: x ↦ ∂ log p(x) / ∂ parameter}, by central differences.

    Parameters that move the support are left out: there the derivative is no integral.
    """
    slopes = {}
    for name, value in given.items():
        room = min(value, 1 - value) if name == "probs" else abs(value)
        if name in _COUNTS or (room == 0 and name in _ENDING):
            continue
        step = mp.mpf(10) ** -depth * (room or 1)
        above, below = (make({**given, name: value + h}) for h in (step, -step))
        if (above.low, above.high) == (below.low, below.high):
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
    values = sorted(mp.mpf(x) for x in typical)
    if q.discrete:
        return _sum(q, f, values, digits)
    corners = sorted({x for x in (*q.corners, *p.corners) if q.low < x < q.high})
    pieces = [_integral(q, f, a, b, values, digits) for a, b in pairwise([q.low, *corners, q.high])]
    return [mp.fsum(column) for column in zip(*pieces, strict=True)]


def _of_whole_mass(expected: Vector, digits: int) -> Vector:
    """Return E_q[f] of E_q[(1, f)], and raise where q's mass was not found whole."""
    mass, *totals = expected
    if abs(mass - 1) > mp.mpf(10) ** -digits:
        raise PrecisionError(
            f"quadrature found a mass of {mp.nstr(mass, 5)} where it is 1. Leave out --digits."
        )
    return totals


Place = Callable[[Number], tuple[Number, Number]]


def _coordinate(a: Number, b: Number, values: Vector) -> tuple[Place, Number]:
    """Return t ↦ (x, dx/dt) from the line to what lies between a and b, and how far draws go in t.

    x = middle + scale · sinh t on the whole line; a + eᵘ on half of it, and between two numbers a
    logistic function of u = middle + scale · t. There the scale is at most 1, because the ends may
    hold mass that draws do not show.
    """
    middle = values[len(values) // 2]
    # draws of double precision may all be one number
    spread = max((values[-1] - values[0]) / 2, mp.mpf(2) ** -50 * abs(middle)) or mp.mpf(1)
    if mp.isinf(a) and mp.isinf(b):
        return lambda t: (middle + spread * mp.sinh(t), spread * mp.cosh(t)), mp.mpf(2)
    inside = [x for x in values if a < x < b]
    if mp.isinf(a) or mp.isinf(b):
        side, end = (-1, b) if mp.isinf(a) else (1, a)
        # a piece without draws begins as far from its end as draws spread
        away = sorted(side * (x - end) for x in inside) or [spread]
        start = away[len(away) // 2]
        scale = min(spread / start, 1)

        def on_half(t: Number) -> tuple[Number, Number]:
            distance = start * mp.exp(scale * t)
            return end + side * distance, scale * distance

        return on_half, mp.log(away[-1] / away[0]) / scale
    odds = [(x - a) / (b - x) for x in inside] or [mp.mpf(1)]
    start = odds[len(odds) // 2]
    scale = min(spread * (1 + start) * (1 + 1 / start) / (b - a), 1)

    def between(t: Number) -> tuple[Number, Number]:
        grown = mp.exp(-scale * t) / start
        return a + (b - a) / (1 + grown), scale * (b - a) / (2 + grown + 1 / grown)

    return between, mp.log(odds[-1] / odds[0]) / scale


def _integral(
    q: Density,
    f: Callable[[Number], Vector],
    a: Number,
    b: Number,
    values: Vector,
    digits: int,
) -> Vector:
    """Integrate q f from a to b."""
    negligible = mp.mpf(10) ** -(digits + 8)
    place, least = _coordinate(a, b, values)
    nothing = [mp.mpf(0) for _ in f(place(mp.mpf(0))[0])]

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
        total = nothing
        for direction in (1, -1):
            t, misses = (first if direction == 1 else first - step), 0
            while misses < max(3, 1 / step) or abs(t) < 8 + least:
                vector = terms(t)
                misses = misses + 1 if vector is None else 0
                if vector is not None:
                    total = [u + v for u, v in zip(total, vector, strict=True)]
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


def _sum(q: Density, f: Callable[[Number], Vector], values: Vector, digits: int) -> Vector:
    """Return Σ q(k) f(k) over the integers, from the middle until what is left cannot matter."""
    if values[-1] - values[0] > _SPREAD:
        raise PrecisionError(
            f"the sum needs too many terms: draws spread over more than {_SPREAD} integers. "
            "Leave out --digits."
        )

    def weigh(k: Number) -> Number:
        return mp.exp(q.log(k)) if q.low <= k <= q.high else mp.mpf(0)

    up = mp.floor(values[len(values) // 2])
    down = up - 1
    above, below = weigh(up), weigh(down)
    total: Vector = []
    mass = mp.mpf(0)
    while (above or below) and 1 - mass > mp.mpf(10) ** (-2 * digits):
        if above >= below:
            k, weight = up, above
            up += 1
            above = weigh(up)
        else:
            k, weight = down, below
            down -= 1
            below = weigh(down)
        vector = [weight * value for value in f(k)]
        total = [u + v for u, v in zip(total, vector, strict=True)] if total else vector
        mass += weight
    return total
