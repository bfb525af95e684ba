"""Hold closed forms whose parameters are vectors or matrices to their budgets against mpmath.

As `accuracy`, for one distribution at a time: each case draws its own dimension. A parameter
reaches the textbook formula as mpf or mpmath matrix; true gradients are its differences, entry by
entry, at many digits. `python tests/helpers/accuracy_arrays.py tests/accuracy/test_….py` prints
the measured errors, `--table` writes the committed tables.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from draws import draws

from accuracy import REGIMES, RELATIVE, TABLES, VALUE_ULPS, fresh_rng
from klosed import Distribution, kl_value_and_grad

__all__ = ["ArrayPair", "array_accuracy_tests"]

Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class ArrayPair:
    """One closed form and its independent truth.

    Attributes
    ----------
    exact : callable
        exact(q, p) -> terms, the textbook formula of two dictionaries of mpf and mpmath matrices
        as a tuple of terms whose sum is KL. Gradients are held relative to the sum of the norms
        of the terms' gradients: where those cancel, no formula keeps digits. Say so in the
        docstring of the closed form.
    draw : callable
        draw(rng, regime) -> (q, p), two dictionaries of float64 arrays without batch axes.
    ulps, relative : float
        The budgets.
    """

    name: str
    q: Callable[..., Distribution]
    p: Callable[..., Distribution]
    exact: Callable[[Numbers, Numbers], tuple[Any, ...]]
    draw: Callable[[np.random.Generator, str], tuple[Numbers, Numbers]]
    regimes: Sequence[str] = REGIMES
    ulps: float = VALUE_ULPS
    relative: float = RELATIVE
    digits: int = 50
    cases: int = 6

    def truth(self, q: Numbers, p: Numbers, *, slopes: bool = True) -> tuple[Any, list[np.ndarray]]:
        """Return KL and, for every parameter, the gradient of each term, stacked."""
        with mp.workdps(self.digits):
            sides = [{name: _exactly(x) for name, x in side.items()} for side in (q, p)]
            of_every = [
                self._slope(sides, i, name, np.shape(x))
                for i, side in enumerate((q, p))
                for name, x in side.items()
                if slopes
            ]
            return mp.fsum(self.exact(*sides)), of_every

    def _slope(self, sides: Any, i: int, name: str, shape: Any) -> np.ndarray:
        slopes = np.full((len(self.exact(*sides)), *shape), mp.mpf(0), dtype=object)
        symmetric = "covariance" in name or "precision" in name
        for index in np.ndindex(shape):
            if "tril" in name and index[1] > index[0]:
                continue
            entry = _entry(sides[i][name], index)
            h = (abs(entry) or 1) * mp.mpf(10) ** (-self.digits // 3)
            ends = []
            for step in (h, -h):
                moved = [dict(s) for s in sides]
                moved[i][name] = _moved(sides[i][name], index, step, symmetric)
                ends.append(self.exact(*moved))
            twice = 2 if symmetric and index[0] != index[1] else 1
            noise = mp.fsum(map(abs, ends[0])) * mp.mpf(10) ** (5 - self.digits)
            for i_term, (high, low) in enumerate(zip(*ends, strict=True)):
                # what rounding leaves of no slope at all is none
                if abs(high - low) > noise:
                    slopes[i_term, *index] = (high - low) / (2 * h * twice)
        return slopes

    def errors(self, q: Numbers, p: Numbers, truth: Any) -> tuple[float, float, str]:
        """Return the relative errors of value and gradient, and where."""
        true, slopes = truth
        value, of_q, of_p = kl_value_and_grad(self.q(**q), self.p(**p))
        gradients = [*of_q.values(), *of_p.values()]
        where = f"{self.name}: q={q}, p={p}"
        assert value >= 0, f"KL = {value} is negative or NaN at {where}"
        if pair_of_equals(q, p):  # rounding to float32 may make them so
            return float(value), 0.0, where
        with mp.workdps(60):
            error = float(abs(mp.mpf(float(value)) - true) / true)
            worst = 0.0
            for got, terms in zip(gradients, slopes, strict=bool(slopes)):
                got = np.vectorize(mp.mpf, otypes=[object])(np.asarray(got, float))
                off, size = _norm(got - terms.sum(axis=0)), mp.fsum(map(_norm, terms))
                if off:
                    worst = max(worst, float(off / size) if size else np.inf)
        return error, worst, where

    def draw_as(self, rng: np.random.Generator, regime: str, dtype: Any) -> Any:
        return tuple(
            {name: np.asarray(x, dtype=dtype) for name, x in side.items()}
            for side in self.draw(rng, regime)
        )

    def budget(self, regime: str, eps: float) -> float:
        return self.relative if regime == "extreme" else self.ulps * eps

    def measure(
        self, rng: np.random.Generator, regime: str, dtype: Any, n: int
    ) -> list[tuple[float, float, str]]:
        drawn = [self.draw_as(rng, regime, dtype) for _ in range(n)]
        with_slopes = dtype is np.float64
        return [self.errors(q, p, self.truth(q, p, slopes=with_slopes)) for q, p in drawn]


def pair_of_equals(q: Numbers, p: Numbers) -> bool:
    return q.keys() == p.keys() and all(np.array_equal(q[name], p[name]) for name in q)


def _exactly(x: np.ndarray) -> Any:
    return mp.mpf(float(x)) if x.ndim == 0 else mp.matrix(x.astype(float).tolist())


def _entry(x: Any, index: tuple[int, ...]) -> Any:
    return x[index if len(index) > 1 else index[0]] if index else x


def _moved(x: Any, index: tuple[int, ...], step: Any, symmetric: bool) -> Any:
    if not index:
        return x + step
    x = x.copy()
    x[index if len(index) > 1 else index[0]] += step
    if symmetric and index[0] != index[1]:
        x[index[::-1]] += step
    return x


def _norm(x: np.ndarray) -> Any:
    return mp.sqrt(mp.fsum(e * e for e in np.ravel(x)))


def array_accuracy_tests(pairs: Sequence[ArrayPair]) -> tuple[Callable[..., None], ...]:
    """Return the tests of drawn cases in float64 and float32, of equal ones, and of the table."""
    every = [(pair, regime) for pair in pairs for regime in pair.regimes]

    def over(chosen: Sequence[Any]) -> Any:
        names = [f"{pair.name}-{regime}" for pair, regime in chosen]
        return pytest.mark.parametrize(("pair", "regime"), chosen, ids=names)

    @over(every)
    def test_drawn_cases_keep_the_budget(pair: ArrayPair, regime: str) -> None:
        n = draws(pair.cases)
        for value, gradient, where in pair.measure(fresh_rng(), regime, np.float64, n):
            assert value <= pair.budget(regime, 2.0**-52), where
            assert gradient <= pair.relative, where

    @over([(pair, regime) for pair, regime in every if regime != "extreme"])
    def test_drawn_cases_keep_the_budget_in_float32(pair: ArrayPair, regime: str) -> None:
        for value, _, where in pair.measure(fresh_rng(), regime, np.float32, draws(pair.cases)):
            assert value <= pair.budget(regime, 2.0**-23), where

    @over([(pair, regime) for pair, regime in every if pair.q is pair.p])
    def test_equal_parameters_give_exactly_zero(pair: ArrayPair, regime: str) -> None:
        rng = fresh_rng()
        for _ in range(pair.cases):
            _, p = pair.draw_as(rng, regime, np.float64)
            value, *gradients = kl_value_and_grad(pair.q(**p), pair.p(**p))
            assert value == 0
            assert all(np.all(g == 0) for of in gradients for g in of.values())

    @pytest.mark.parametrize("pair", pairs, ids=[pair.name for pair in pairs])
    def test_committed_table_keeps_the_budget(pair: ArrayPair) -> None:
        for row in json.loads((TABLES / f"{pair.name}.json").read_text()):
            q, p = ({k: np.asarray(v) for k, v in row[side].items()} for side in "qp")
            with mp.workdps(60):
                read = np.vectorize(mp.mpf, otypes=[object])
                truth = mp.mpf(row["value"]), [read(g) for g in row["gradient"]]
            value, gradient, where = pair.errors(q, p, truth)
            assert value <= pair.budget(row["regime"], 2.0**-52), where
            assert gradient <= pair.relative, where

    return (
        test_drawn_cases_keep_the_budget,
        test_drawn_cases_keep_the_budget_in_float32,
        test_equal_parameters_give_exactly_zero,
        test_committed_table_keeps_the_budget,
    )


def write_table(pair: ArrayPair) -> None:
    """Write the committed table: four cases of each regime, 25 digits."""
    rng, rows = np.random.default_rng(0), []
    for regime in pair.regimes:
        for _ in range(4):
            q, p = pair.draw_as(rng, regime, np.float64)
            value, slopes = pair.truth(q, p)
            text = np.vectorize(lambda x: mp.nstr(x, 25), otypes=[object])
            rows.append(
                {
                    "regime": regime,
                    "q": {name: x.tolist() for name, x in q.items()},
                    "p": {name: x.tolist() for name, x in p.items()},
                    "value": mp.nstr(value, 25),
                    "gradient": [np.asarray(text(slope)).tolist() for slope in slopes],
                }
            )
    text = ",\n".join(json.dumps(row) for row in rows)
    (TABLES / f"{pair.name}.json").write_text(f"[\n{text}\n]\n")


def main() -> None:
    """Print the measured errors of a test file's pairs, or write their tables."""
    for path in [Path(a) for a in sys.argv[1:] if not a.startswith("--")]:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for pair in module.PAIRS:
            if "--table" in sys.argv:
                write_table(pair)
                continue
            for regime in pair.regimes:
                rng = np.random.default_rng(1)
                found = pair.measure(rng, regime, np.float64, 10 * pair.cases)
                value, gradient = (max(e[i] for e in found) for i in (0, 1))
                single = "-"
                if regime != "extreme":
                    found = pair.measure(rng, regime, np.float32, 2 * pair.cases)
                    single = f"{max(e[0] for e in found) * 2**23:.3g}"
                print(
                    f"{pair.name:34s} {regime:9s} value {value * 2**52:9.3g} ulp  gradient "
                    f"{gradient:.2g}  float32 {single} ulp"
                )


if __name__ == "__main__":
    main()
