"""How a function of klosed.special is compared with mpmath, and where its arguments are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

Sampler = Callable[[np.random.Generator, int], tuple[np.ndarray, ...]]


@dataclass(frozen=True)
class Case:
    """One function on one range, and the errors allowed there.

    `truth` takes mpf arguments and is worked out with `digits` digits; `ulp` bounds the error in
    units of the last place in float64 and in float32 (None: not meant for float32). `points` are
    drawn by a test.
    """

    name: str
    range: str
    function: Callable[..., Any]
    truth: Callable[..., Any]
    draw: Sampler
    ulp: tuple[float, float | None]
    digits: int = 60
    points: int = 80

    def __str__(self) -> str:
        return f"{self.name}: {self.range}"


def uniform(low: float, high: float) -> Sampler:
    return lambda rng, n: (rng.uniform(low, high, n),)


def logarithmic(low: float, high: float) -> Sampler:
    """Draw 10**low … 10**high."""
    return lambda rng, n: (10.0 ** rng.uniform(low, high, n),)


def either_sign(low: float, high: float) -> Sampler:
    return lambda rng, n: (signs(rng, n) * 10.0 ** rng.uniform(low, high, n),)


def scaled(base: Sampler, low: float = -15, high: float = 0) -> Sampler:
    """Draw (y, x) with y = x(1 ± 10**u), u in (low, high), y > 0."""

    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        (x,) = base(rng, n)
        change = signs(rng, n) * 10.0 ** rng.uniform(low, high, n)
        return x * (1.0 + np.maximum(change, -0.999)), x

    return draw


def shifted(base: Sampler, low: float = -15, high: float = 1) -> Sampler:
    """Draw (y, x) with y = x ± 10**u, u in (low, high)."""

    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        (x,) = base(rng, n)
        return x + signs(rng, n) * 10.0 ** rng.uniform(low, high, n), x

    return draw


def each(*samplers: Sampler) -> Sampler:
    """Draw arguments independently."""
    return lambda rng, n: tuple(a for sampler in samplers for a in sampler(rng, n))


def signs(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], n)


def arguments(case: Case, dtype: Any, rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [np.asarray(a, dtype=dtype) for a in case.draw(rng, n)]


def errors_in_ulp(
    case: Case, drawn: Sequence[np.ndarray], returned: np.ndarray
) -> Iterable[tuple[float, tuple[float, ...], float]]:
    """Yield (error in units of the last place, arguments, what was returned)."""
    about = np.finfo(drawn[0].dtype)
    eps, largest, smallest = (float(v) for v in (about.eps, about.max, about.smallest_normal))
    with mp.workdps(case.digits):
        for got, *point in zip(returned.tolist(), *(a.tolist() for a in drawn), strict=True):
            true = mp.mpf(case.truth(*(mp.mpf(p) for p in point)))
            if abs(true) > largest:
                error = 0.0 if got == math.copysign(math.inf, true) else math.inf
            elif not math.isfinite(got):
                error = math.inf
            else:
                spacing = mp.ldexp(eps, mp.frexp(max(abs(true), smallest))[1] - 1)
                error = float(abs(got - true) / spacing)
            yield error, tuple(point), got


def cases(
    function: Callable[..., Any],
    truth: Callable[..., Any],
    *rows: tuple[Any, ...],
    digits: int = 60,
    points: int = 80,
) -> list[Case]:
    """Return the cases of one function: rows of (range, sampler, ulp in float64, in float32)."""
    return [
        Case(function.__name__, name, function, truth, sampler, (double, single), digits, points)
        for name, sampler, double, single in rows
    ]
