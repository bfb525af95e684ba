"""Hold a closed form to its budget: textbook formula in mpmath, drawn cases, committed table.

A pair is one entry: two families, the textbook KL in mpmath as a function of two dictionaries of
mpf, and what to draw. `accuracy_tests(pairs)` makes the tests. From the command line,
`python tests/helpers/accuracy.py tests/accuracy/test_normal.py` prints the measured errors, and
with `--table` writes the committed table beside the tests.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from draws import draws

from klosed import Distribution, kl_value_and_grad

__all__ = [
    "Draw",
    "Pair",
    "accuracy_tests",
    "fresh_rng",
    "fresh_seed",
    "near",
    "positive",
    "real",
    "same",
]

TABLES = Path(__file__).resolve().parents[1] / "accuracy" / "tables"
REGIMES = ("ordinary", "near", "extreme")
# numerics.md: 64 ulp on ordinary and near-equal parameters, 1e-12 relative at the extremes
VALUE_ULPS = 64
RELATIVE = 1e-12
# beside 1e300² a term of 1e-300² must still be seen
DIGITS = {"ordinary": 120, "near": 120, "extreme": 1500}
CASES = {"ordinary": 40, "near": 40, "extreme": 15}

Numbers = Mapping[str, Any]
Draw = Callable[[np.random.Generator, int, str], tuple[Numbers, Numbers]]


def positive(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    """Return scales: 1e-2 … 1e2, or 1e-150 … 1e150 at the extremes."""
    return 10.0 ** rng.uniform(*((-150, 150) if regime == "extreme" else (-2, 2)), n)


def real(rng: np.random.Generator, n: int, regime: str) -> np.ndarray:
    """Return locations of either sign, of the sizes `positive` draws."""
    return rng.choice([-1.0, 1.0], n) * positive(rng, n, regime)


def near(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """Return x moved by a relative 1 … 1e-12, to either side."""
    step = 10.0 ** rng.uniform(-12, 0, x.shape)
    return x * np.where(rng.random(x.shape) < 0.5, 1 + step, 1 / (1 + step))


def same(**draws: Callable[[np.random.Generator, int, str], np.ndarray]) -> Draw:
    """Draw both sides of a pair alike; near-equal ones share p's numbers up to `near`."""

    def draw(rng: np.random.Generator, n: int, regime: str) -> tuple[Numbers, Numbers]:
        p = {name: of(rng, n, regime) for name, of in draws.items()}
        if regime == "near":
            return {name: near(rng, x) for name, x in p.items()}, p
        return {name: of(rng, n, regime) for name, of in draws.items()}, p

    return draw


@dataclass(frozen=True)
class Pair:
    """One closed form and its independent truth.

    Attributes
    ----------
    exact : callable
        exact(q, p) -> mpf, the textbook formula; q and p map given names to mpf.
    ulps, relative : float
        The budgets. Loosen them only with a word in the family's docstring.
    sizes : callable
        sizes(q, p) -> {"q_scale": mpf, …}: for gradients whose independent terms may cancel, the
        sum of those terms' magnitudes; the error is held relative to that. Say so in the family's
        docstring too.
    digits : int, optional
        Working precision of the truth, where the usual one is too slow or too low.
    """

    name: str
    q: Callable[..., Distribution]
    p: Callable[..., Distribution]
    exact: Callable[[Numbers, Numbers], Any]
    draw: Draw
    regimes: Sequence[str] = REGIMES
    ulps: float = VALUE_ULPS
    relative: float = RELATIVE
    single: bool = True
    sizes: Callable[[Numbers, Numbers], Mapping[str, Any]] = lambda q, p: {}
    digits: int | None = None

    def truth(self, q: Numbers, p: Numbers, regime: str) -> tuple[Any, list[Any]]:
        """Return KL and its gradient in every parameter, at one point."""
        digits = self.digits or DIGITS[regime]
        with mp.workdps(digits):
            sides = [{k: mp.mpf(float(v)) for k, v in side.items()} for side in (q, p)]
            value = self.exact(*sides)
            slopes = []
            for i, side in enumerate(sides):
                for name, x in side.items():
                    h = (abs(x) or 1) * mp.mpf(10) ** (-digits // 3)
                    ends = []
                    for end in (x + h, x - h):
                        moved = [dict(s) for s in sides]
                        moved[i][name] = end
                        ends.append(self.exact(*moved))
                    slopes.append((ends[0] - ends[1]) / (2 * h))
            return value, slopes

    def draw_as(self, rng: np.random.Generator, n: int, regime: str, dtype: Any) -> Any:
        q, p = self.draw(rng, n, regime)
        return tuple({k: np.asarray(v, dtype=dtype) for k, v in side.items()} for side in (q, p))

    def evaluate(self, q: Numbers, p: Numbers) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return KL and its gradients {"q_" or "p_" + name: array}, as the library has them."""
        value, of_q, of_p = kl_value_and_grad(self.q(**q), self.p(**p))
        gradients = {f"q_{name}": g for name, g in of_q.items()}
        return value, gradients | {f"p_{name}": g for name, g in of_p.items()}

    def errors(self, q: Numbers, p: Numbers, truths: Sequence[Any]) -> Errors:
        """Return the errors of a batch against its truths."""
        value, gradients = self.evaluate(q, p)
        errors = Errors(np.finfo(value.dtype))
        for i, (true, slopes) in enumerate(truths):
            where = f"q={point(q, i)}, p={point(p, i)}"
            errors.add_value(value[i], true, where)
            with mp.workdps(40):
                exact = [{k: mp.mpf(v) for k, v in point(side, i).items()} for side in (q, p)]
                sizes = self.sizes(*exact)
            for (name, gradient), slope in zip(gradients.items(), slopes, strict=True):
                errors.add_gradient(gradient[i], slope, where, sizes.get(name, 0))
        return errors

    def measure(self, rng: np.random.Generator, n: int, regime: str, dtype: Any) -> Errors:
        """Draw n cases and return their errors."""
        q, p = self.draw_as(rng, n, regime, dtype)
        truths = [self.truth(point(q, i), point(p, i), regime) for i in range(n)]
        return self.errors(q, p, truths)


@dataclass
class Errors:
    """The largest errors of a batch, and where they are."""

    limits: Any
    value: float = 0.0
    gradient: float = 0.0
    value_at: str = ""
    gradient_at: str = ""
    wrong: list[str] = field(default_factory=list)

    def add_value(self, got: Any, true: Any, where: str) -> None:
        if not got >= 0:
            self.wrong.append(f"KL = {got} is negative or NaN at {where}")
        error = self._relative(got, true)
        if error > self.value:
            self.value, self.value_at = error, f"{got} for {mp.nstr(true, 20)} at {where}"

    def add_gradient(self, got: Any, true: Any, where: str, size: Any = 0) -> None:
        error = self._relative(got, true, size)
        if error > 0 and size == 0 and got * mp.sign(true) < 0:
            self.wrong.append(
                f"gradient {got} has the wrong sign for {mp.nstr(true, 20)} at {where}"
            )
        if error > self.gradient:
            self.gradient, self.gradient_at = error, f"{got} for {mp.nstr(true, 20)} at {where}"

    @property
    def ulps(self) -> float:
        return self.value / float(self.limits.eps)

    def _relative(self, got: Any, true: Any, size: Any = 0) -> float:
        if not np.isfinite(got):
            # rounding to the largest number or to infinity are both right at the very edge
            return 0.0 if abs(true) > 0.999 * float(self.limits.max) and got * true > 0 else np.inf
        error = abs(mp.mpf(float(got)) - true)
        # below the smallest normal number only absolute digits can be had
        return float(error / max(abs(true), size, mp.mpf(float(self.limits.smallest_normal))))


def point(side: Numbers, i: int) -> dict[str, float]:
    return {name: float(values[i]) for name, values in side.items()}


def accuracy_tests(pairs: Sequence[Pair]) -> tuple[Callable[..., None], ...]:
    """Return the tests of drawn cases in float64 and float32, of equal ones, and of the table."""
    every = [(pair, regime) for pair in pairs for regime in pair.regimes]
    names = [f"{pair.name}-{regime}" for pair, regime in every]

    @pytest.mark.parametrize(("pair", "regime"), every, ids=names)
    def test_drawn_cases_keep_the_budget(pair: Pair, regime: str) -> None:
        errors = pair.measure(fresh_rng(), draws(CASES[regime]), regime, np.float64)
        assert not errors.wrong, errors.wrong
        assert errors.gradient <= pair.relative, errors.gradient_at
        budget = pair.relative if regime == "extreme" else pair.ulps * float(errors.limits.eps)
        assert errors.value <= budget, errors.value_at

    single = [(pair, r) for pair, r in every if r != "extreme" and pair.single]

    @pytest.mark.parametrize(
        ("pair", "regime"), single, ids=[f"{pair.name}-{regime}" for pair, regime in single]
    )
    def test_drawn_cases_keep_the_budget_in_float32(pair: Pair, regime: str) -> None:
        errors = pair.measure(fresh_rng(), draws(CASES[regime]), regime, np.float32)
        assert not errors.wrong, errors.wrong
        assert errors.ulps <= pair.ulps, errors.value_at

    alike = [(pair, r) for pair, r in every if pair.q is pair.p]

    @pytest.mark.parametrize(
        ("pair", "regime"), alike, ids=[f"{pair.name}-{regime}" for pair, regime in alike]
    )
    def test_equal_parameters_give_exactly_zero(pair: Pair, regime: str) -> None:
        for dtype in (np.float64, np.float32):
            _, p = pair.draw_as(
                fresh_rng(), 200, "ordinary" if dtype == np.float32 else regime, dtype
            )
            value, *gradients = kl_value_and_grad(pair.q(**p), pair.p(**p))
            assert np.all(value == 0)
            assert not any(np.any(np.isnan(g)) for of in gradients for g in of.values())

    @pytest.mark.parametrize("pair", pairs, ids=[pair.name for pair in pairs])
    def test_committed_table_keeps_the_budget(pair: Pair) -> None:
        for row in json.loads((TABLES / f"{pair.name}.json").read_text()):
            q, p = ({k: np.asarray([v]) for k, v in row[side].items()} for side in "qp")
            with mp.workdps(40):
                truth = (mp.mpf(row["value"]), [mp.mpf(g) for g in row["gradient"]])
                errors = pair.errors(q, p, [truth])
            budget = pair.relative if row["regime"] == "extreme" else pair.ulps * 2.0**-52
            assert not errors.wrong, errors.wrong
            assert errors.value <= budget, errors.value_at
            assert errors.gradient <= pair.relative, errors.gradient_at

    return (
        test_drawn_cases_keep_the_budget,
        test_drawn_cases_keep_the_budget_in_float32,
        test_equal_parameters_give_exactly_zero,
        test_committed_table_keeps_the_budget,
    )


def fresh_rng() -> np.random.Generator:
    """Return a generator of `fresh_seed`."""
    return np.random.default_rng(fresh_seed())


def fresh_seed() -> int:
    """Return and print a new seed; KLOSED_TEST_SEED repeats a run, as `make test` does."""
    seed = int(os.environ.get("KLOSED_TEST_SEED", time.time_ns()))
    print(f"KLOSED_TEST_SEED={seed}")
    return seed


def write_table(pair: Pair) -> None:
    """Write the committed table: ten cases of each regime, 25 digits."""
    rng, rows = np.random.default_rng(0), []
    for regime in pair.regimes:
        q, p = pair.draw_as(rng, 10, regime, np.float64)
        for i in range(10):
            value, slopes = pair.truth(point(q, i), point(p, i), regime)
            rows.append(
                {
                    "regime": regime,
                    "q": point(q, i),
                    "p": point(p, i),
                    "value": mp.nstr(value, 25),
                    "gradient": [mp.nstr(slope, 25) for slope in slopes],
                }
            )
    TABLES.mkdir(exist_ok=True)
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
                e = pair.measure(rng, 10 * CASES[regime], regime, np.float64)
                print(
                    f"{pair.name:28s} {regime:9s} value {e.ulps:9.3g} ulp  "
                    f"gradient {e.gradient:.2g}  wrong {len(e.wrong)}"
                )


if __name__ == "__main__":
    main()
