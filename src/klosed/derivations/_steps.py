"""What a derivation is, and what counts as shown: proved by SymPy, or checked to 30 digits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._means import Mean

__all__ = [
    "DIGITS",
    "WORKING_DIGITS",
    "Derivation",
    "Draw",
    "Mark",
    "Point",
    "Step",
    "Verdict",
    "compiled",
    "evaluate",
    "verify",
]

Expr = Any
Point = Mapping[Any, Any]
"""Numbers for symbols: {sympy symbol: mpf}."""
Draw = Callable[[random.Random], Point]
"""Draws admissible parameters."""

DIGITS = 30
WORKING_DIGITS = 50
_DRAWS = 2
_NAMED = 6


class Mark(Enum):
    """What was shown of a step."""

    PROVED = "proved"
    CHECKED = "checked"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """A mark, and in words how it was reached."""

    mark: Mark
    detail: str


@dataclass(frozen=True)
class Step:
    """One equation of a derivation.

    Attributes
    ----------
    name : str
        What the step is about, such as "entropy".
    left, right : sympy expressions
        Its two sides.
    reason : str
        Why they are equal, in one line.
    check : callable, optional
        check(point) -> (left, right) as two numbers, or two sequences of them, by quadrature or
        summation at one draw of the parameters. A step that has one is checked; one without is
        proved or it fails.
    given : mapping
        {E[…]: value} of earlier steps, which are put in before the two sides are compared.
    shown : (str, str), optional
        The equation as text and in LaTeX, where the two sides are a small case of it or too long
        to read; {left} and {right} in it stand for the sides.
    """

    name: str
    left: Expr
    right: Expr
    reason: str
    check: Callable[[Point], tuple[Any, Any]] | None = None
    given: Mapping[Any, Any] = field(default_factory=dict)
    shown: tuple[str, str] | None = None


@dataclass(frozen=True)
class Derivation:
    """A named list of steps, and how to draw the parameters that occur in them."""

    name: str
    title: str
    steps: tuple[Step, ...]
    draw: Draw = field(default=lambda rng: {})


def verify(step: Step, draw: Draw, seed: int = 0) -> Verdict:
    """Return whether a step is proved, checked, or neither.

    Parameters
    ----------
    step : Step
    draw : callable
        Draws admissible parameters, for the check or for a counterexample.
    seed : int
        What the draws start from.
    """
    rng = random.Random(f"{step.name} {seed}")
    if step.check is not None:
        points = [draw(rng) for _ in range(_DRAWS)]
        return _checked(step.check, points if points[0] else points[:1])
    sides = [sp.sympify(side).doit().xreplace(dict(step.given)) for side in (step.left, step.right)]
    difference = _without_means(sides[0] - sides[1])
    for _ in range(_DRAWS):
        counterexample = _counterexample(difference, draw(rng), rng)
        if counterexample is not None:
            return Verdict(Mark.FAILED, counterexample)
    how = _reduce(difference)
    if how is None:
        return Verdict(Mark.FAILED, "SymPy does not reduce the difference of the sides to zero")
    return Verdict(Mark.PROVED, f"SymPy ({how})")


def _checked(check: Callable[[Point], tuple[Any, Any]], points: Sequence[Point]) -> Verdict:
    worst = mp.mpf(0)
    for point in points:
        with mp.workdps(WORKING_DIGITS):
            exact = {symbol: mp.mpf(value) for symbol, value in point.items()}
            left, right = (list(_flat(side)) for side in check(exact))
            for a, b in zip(left, right, strict=True):
                # an expectation of 0 has no relative digits
                worst = max(worst, abs(a - b) / max(abs(b), mp.mpf(1) / 100))
    digits = WORKING_DIGITS if worst == 0 else int(-mp.log10(worst))
    if worst > mp.mpf(10) ** -DIGITS:
        return Verdict(Mark.FAILED, f"the sides agree to {max(digits, 0)} digits only")
    draws = f" at {len(points)} draws" if len(points) > 1 else ""
    return Verdict(Mark.CHECKED, f"{min(digits, WORKING_DIGITS)} digits{draws}")


def _flat(side: Any) -> Iterable[Any]:
    if isinstance(side, (list, tuple, mp.matrix)):
        for entry in side:
            yield from _flat(entry)
    else:
        yield mp.mpmathify(side)


@lru_cache(maxsize=4096)
def compiled(expression: Expr, symbols: tuple[Expr, ...]) -> Callable[..., Any]:
    """Return an expression as a function of its symbols in mpmath."""
    return sp.lambdify(symbols, expression, "mpmath", cse=True)


def evaluate(expression: Expr, point: Point) -> Any:
    """Return the value of an expression without E[…], at the precision in force."""
    symbols = tuple(sorted(expression.free_symbols, key=str))
    return mp.mpmathify(compiled(expression, symbols)(*(point[s] for s in symbols)))


def _without_means(difference: Expr) -> Expr:
    """Let a symbol stand for each E[…] that is left."""
    means = sorted(difference.atoms(Mean), key=sp.default_sort_key)
    return difference.xreplace(
        {mean: sp.Symbol(f"E{i}", real=True) for i, mean in enumerate(means)}
    )


def _counterexample(difference: Expr, point: Point, rng: random.Random) -> str | None:
    """Return in words where the sides differ, if they do at one point. Cheap beside a proof."""
    if difference == 0:
        return None
    with mp.workdps(WORKING_DIGITS):
        numbers = {symbol: mp.mpf(value) for symbol, value in point.items()}
        free = sorted(difference.free_symbols, key=str)
        numbers = {s: numbers.get(s, mp.mpf(rng.uniform(0.5, 1.5))) for s in free}
        try:
            value = evaluate(difference, numbers)
        except (NameError, TypeError, ValueError, ZeroDivisionError):
            return None  # only a proof can tell
        if abs(value) < mp.mpf(10) ** -DIGITS:
            return None
        where = ", ".join(f"{s} = {mp.nstr(numbers[s], 4)}" for s in free[:_NAMED])
        where += ", …" * (len(free) > _NAMED)
        return f"the sides differ by {mp.nstr(value, 4)} at {where or 'every point'}"


def _reduce(difference: Expr) -> str | None:
    """Return by what SymPy reduces an expression to zero, or None."""
    for how, transform in _TRANSFORMS.items():
        if transform(difference) == 0:
            return how
    return None


def _expanded(x: Expr) -> Expr:
    plain = x.replace(sp.loggamma, lambda z: sp.log(sp.gamma(z)))
    return sp.expand(sp.expand_log(sp.expand_func(plain), force=True))


def _together(x: Expr) -> Expr:
    return sp.simplify(sp.together(_expanded(x)))


_TRANSFORMS: dict[str, Callable[[Expr], Expr]] = {
    "doit": lambda x: x,
    "expand": sp.expand,
    "expand_func, expand_log": _expanded,
    "cancel": lambda x: sp.cancel(sp.together(_expanded(x))),
    "gammasimp": lambda x: _expanded(sp.gammasimp(x)),
    "simplify": _together,
    "rewrite as exp": lambda x: sp.simplify(_expanded(x.rewrite(sp.exp))),
}
