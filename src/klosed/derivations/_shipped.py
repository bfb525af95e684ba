"""The shipped NumPy functions held against the derived expressions at 50 digits."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp
from numpy.typing import NDArray

import klosed
from klosed.derivations._families import Side
from klosed.derivations._pairs import Worked
from klosed.derivations._quadrature import evaluate_with_means
from klosed.derivations._steps import WORKING_DIGITS, Point, evaluate
from klosed.errors import NoClosedFormError

__all__ = ["Held", "arguments", "build", "hold"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """Largest relative errors of the shipped functions over `points` random parameters."""

    points: int
    errors: Mapping[str, float]
    budget: float

    @property
    def ok(self) -> bool:
        """Whether all are within the budget."""
        return all(error <= self.budget for error in self.errors.values())

    @property
    def worst(self) -> tuple[str, float]:
        """The quantity with the largest error, and that error."""
        return max(self.errors.items(), key=lambda item: item[1])


def hold(worked: Worked, n_points: int = 50, seed: int = 0) -> Held:
    """Compare KL, its gradient, entropy, cross-entropy and log_prob with what was derived."""
    rng = random.Random(f"{worked.pair.name} {seed}")
    points = [worked.draw(rng) for _ in range(n_points)]
    q, p = build(worked.q, points), build(worked.p, points)
    value, grad_q, grad_p = klosed.kl_value_and_grad(q, p)
    result = worked.result
    got = {"kl_value_and_grad": value, "kl_divergence": klosed.kl_divergence(q, p)}
    true = dict.fromkeys(got, result.kl)
    for name, expression in (("entropy", result.entropy), ("cross_entropy", result.cross_entropy)):
        known = _known(
            lambda name=name: getattr(klosed, name)(*((q, p)[: 1 + (name != "entropy")]))
        )
        if known is not None:
            got[name], true[name] = known, expression
    errors = {
        name: max(
            _relative_errors(np.broadcast_to(values, n_points), _exact(worked, true[name], points))
        )
        for name, values in got.items()
    }
    errors |= _gradient_errors(worked, points, grad_q, grad_p)
    for side, shipped in ((worked.q, q), (worked.p, p)):
        errors[f"log_prob of {side.side}"] = _log_prob_error(side, shipped, points)
    return Held(n_points, errors, worked.pair.budget)


def build(side: Side, points: list[Point]) -> klosed.Distribution:
    """Return the shipped distribution, a batch of one for each point."""
    make = side.family.make or getattr(klosed, side.family.name)
    return make(**arguments(side, points))


def arguments(side: Side, points: list[Point]) -> dict[str, Floats]:
    """Return what the shipped class is called with: arrays with a row for each point."""
    return {
        name: np.stack([_floats(value, point) for point in points])
        for name, value in side.parameters.items()
    }


def _floats(value: NDArray[Any], point: Point) -> Floats:
    with mp.workdps(WORKING_DIGITS):
        exact = {symbol: mp.mpf(number) for symbol, number in point.items()}
        flat = [float(evaluate(entry, exact)) for entry in value.ravel()]
    return np.reshape(flat, value.shape)


def _known(quantity: Callable[..., Any], *operands: klosed.Distribution) -> Any:
    try:
        return quantity(*operands)
    except NoClosedFormError:
        return None


def _exact(worked: Worked, expression: Any, points: list[Point]) -> list[Any]:
    values = []
    with mp.workdps(WORKING_DIGITS):
        for point in points:
            exact = {symbol: mp.mpf(number) for symbol, number in point.items()}
            values.append(evaluate_with_means(expression, worked.laws, exact))
    return values


def _relative_errors(got: Any, true: list[Any], sizes: list[Any] | None = None) -> list[float]:
    sizes = true if sizes is None else sizes
    errors = []
    with mp.workdps(WORKING_DIGITS):
        for a, b, size in zip(np.asarray(got), true, sizes, strict=True):
            error = abs(mp.mpf(float(a)) - b)
            errors.append(float(error / abs(size)) if error else 0.0)
    return [error if np.isfinite(error) else np.inf for error in errors]


def _gradient_errors(
    worked: Worked,
    points: list[Point],
    grad_q: Mapping[str, Floats],
    grad_p: Mapping[str, Floats],
) -> dict[str, float]:
    """Hold each derivative in a symbol against the shipped gradient by the chain rule."""
    true = {s: _exact(worked, slope, points) for s, slope in worked.result.gradients.items()}
    sizes = None
    if worked.pair.relative_to_largest and true:
        sizes = [max(abs(x) for x in column) for column in zip(*true.values(), strict=True)]
    errors = {}
    for symbol, slopes in true.items():
        side, gradients = (worked.q, grad_q) if symbol in worked.q.symbols else (worked.p, grad_p)
        got = sum(
            np.sum(
                np.reshape(gradients[name], (len(points), -1))
                * np.stack([_floats(_slopes(value, symbol), point) for point in points]),
                axis=1,
            )
            for name, value in side.parameters.items()
            if any(entry.has(symbol) for entry in value.ravel())
        )
        errors[f"gradient in {symbol}"] = max(_relative_errors(got, slopes, sizes))
    return errors


def _slopes(value: NDArray[Any], symbol: Any) -> NDArray[Any]:
    return np.array([sp.diff(entry, symbol) for entry in value.ravel()], dtype=object)


def _log_prob_error(side: Side, shipped: klosed.Distribution, points: list[Point]) -> float:
    """Compare log_prob at draws with the stated density: the definition is the shipped one."""
    x = shipped.sample(seed=0, shape=() if shipped.batch_shape else (len(points),))
    rows = np.reshape(np.asarray(x, dtype=float), (len(points), -1))
    variables = side.family.variables
    log_density = side.log_density_at(variables)
    true = []
    with mp.workdps(WORKING_DIGITS):
        for row, point in zip(rows, points, strict=True):
            outcome = dict(zip(variables, map(mp.mpf, row), strict=True))
            exact = {symbol: mp.mpf(number) for symbol, number in point.items()}
            true.append(evaluate(log_density, {**exact, **outcome}))
    sizes = [max(1, abs(value)) for value in true]
    return max(_relative_errors(shipped.log_prob(x), true, sizes))
