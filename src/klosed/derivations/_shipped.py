"""The shipped NumPy functions held against the derived expressions at 50 digits."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping, Sequence
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
Expressions = Mapping[str, NDArray[Any]]
"""{parameter: array of SymPy expressions}."""

_DIGITS_OF_MEANS = 20
_NATS = 0.1  # what errors of entropies, which may be 0, are at least relative to


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
    """Compare KL, its gradient, entropy, cross-entropy and log_prob with what was derived.

    KL and its gradient also with parameters given by their logarithms or logits, where the
    families take those.
    """
    rng = random.Random(f"{worked.pair.name} {seed}")
    points = [worked.draw(rng) for _ in range(n_points)]
    q, p = build(worked.q, points), build(worked.p, points)
    result = worked.result
    entropy, cross_entropy = _known(klosed.entropy, q), _known(klosed.cross_entropy, q, p)
    wanted = {"kl": result.kl, **result.gradients}
    wanted |= {"entropy": result.entropy} if entropy is not None else {}
    wanted |= {"cross_entropy": result.cross_entropy} if cross_entropy is not None else {}
    exact = _exact(worked, wanted, points)
    kl, slopes = exact["kl"], {symbol: exact[symbol] for symbol in result.gradients}
    errors = {"kl_divergence": _largest_error(klosed.kl_divergence(q, p), kl)}
    for name, got in (("entropy", entropy), ("cross_entropy", cross_entropy)):
        if got is not None:
            errors[name] = _largest_error(got, exact[name], least=_NATS)
    for how, parameters in _ways(worked).items():
        value, *gradients = klosed.kl_value_and_grad(
            *(
                build(side, points, given)
                for side, given in zip((worked.q, worked.p), parameters, strict=True)
            )
        )
        errors[f"kl_value_and_grad{how}"] = _largest_error(value, kl)
        found = _gradient_errors(worked, points, slopes, parameters, gradients)
        errors |= {f"{name}{how}": error for name, error in found.items()}
    for side, shipped in ((worked.q, q), (worked.p, p)):
        errors[f"log_prob of {side.side}"] = _log_prob_error(side, shipped, points)
    return Held(n_points, errors, worked.pair.budget)


def build(
    side: Side, points: list[Point], parameters: Expressions | None = None
) -> klosed.Distribution:
    """Return the shipped distribution, a batch of one for each point."""
    make = side.family.make or getattr(klosed, side.family.name)
    return make(**arguments(parameters or side.parameters, points))


def arguments(parameters: Expressions, points: list[Point]) -> dict[str, Floats]:
    """Return what the shipped class is called with: arrays with a row for each point."""
    return {
        name: np.stack([_floats(value, point) for point in points])
        for name, value in parameters.items()
    }


def _ways(worked: Worked) -> dict[str, tuple[Expressions, Expressions]]:
    """Return how parameters may be given: as stated, and by logarithms or logits."""
    stated = worked.q.parameters, worked.p.parameters
    others = _by_logs(worked.q), _by_logs(worked.p)
    if all(set(a) == set(b) for a, b in zip(stated, others, strict=True)):
        return {"": stated}
    return {"": stated, " by logarithms": others}


def _by_logs(side: Side) -> Expressions:
    """Return the parameters, single numbers by logarithm or logit where the class takes those."""
    if side.family.make is not None:
        return side.parameters
    taken = inspect.signature(getattr(klosed, side.family.name)).parameters
    given = {}
    for name, value in side.parameters.items():
        x = value.item() if value.ndim == 0 else None
        if x is not None and x.is_positive and f"log_{name}" in taken:
            given[f"log_{name}"] = np.array(sp.log(x), dtype=object)
        elif x is not None and name == "probs" and "logits" in taken:
            given["logits"] = np.array(sp.log(x / (1 - x)), dtype=object)
        else:
            given[name] = value
    return given


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


def _exact(
    worked: Worked, expressions: Mapping[Any, Any], points: list[Point]
) -> dict[Any, list[Any]]:
    """Return each expression's values at the points, with one quadrature a point for all."""
    rows = []
    with mp.workdps(WORKING_DIGITS):
        for point in points:
            exact = {symbol: mp.mpf(number) for symbol, number in point.items()}
            rows.append(
                evaluate_with_means([*expressions.values()], worked.laws, exact, _DIGITS_OF_MEANS)
            )
    return dict(zip(expressions, map(list, zip(*rows, strict=True)), strict=True))


def _relative_errors(got: Any, true: list[Any], sizes: list[Any] | None = None) -> list[float]:
    sizes = true if sizes is None else sizes
    errors = []
    with mp.workdps(WORKING_DIGITS):
        for a, b, size in zip(np.asarray(got), true, sizes, strict=True):
            error = abs(mp.mpf(float(a)) - b)
            errors.append(float(error / abs(size)) if error else 0.0)
    return [error if np.isfinite(error) else np.inf for error in errors]


def _largest_error(got: Any, true: list[Any], least: float = 0.0) -> float:
    sizes = [max(abs(value), least) for value in true]
    return max(_relative_errors(np.broadcast_to(got, len(true)), true, sizes))


def _gradient_errors(
    worked: Worked,
    points: list[Point],
    true: Mapping[Any, list[Any]],
    parameters: tuple[Expressions, Expressions],
    shipped: Sequence[Mapping[str, Floats]],
) -> dict[str, float]:
    """Hold each derivative in a symbol against the shipped gradient by the chain rule."""
    sizes = None
    if worked.pair.relative_to_largest and true:
        sizes = [max(abs(x) for x in column) for column in zip(*true.values(), strict=True)]
    errors = {}
    for symbol, slopes in true.items():
        side = 0 if symbol in worked.q.symbols else 1
        got = sum(
            np.sum(
                np.reshape(shipped[side][name], (len(points), -1))
                * np.stack([_floats(_slopes(value, symbol), point) for point in points]),
                axis=1,
            )
            for name, value in parameters[side].items()
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
