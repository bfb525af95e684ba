"""E[…] as numbers: quadrature or summation over independent random variables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp

from klosed.derivations._means import Mean
from klosed.derivations._steps import DIGITS, Point, compiled, evaluate
from klosed.high_precision import Density
from klosed.high_precision.integrals import expect

__all__ = ["Law", "evaluate_with_means", "expectations"]

Expr = Any
_DIGITS = DIGITS + 6
_TYPICAL = (-1.0, 0.0, 1.0)


@dataclass(frozen=True)
class Law:
    """The distribution of one random number, by its log-density between two ends."""

    variable: Expr
    log_density: Expr
    low: Expr = -sp.oo
    high: Expr = sp.oo
    discrete: bool = False
    corners: tuple[Expr, ...] = ()

    @property
    def total(self) -> Expr:
        """The integral or sum of the density, unevaluated."""
        over = (self.variable, self.low, self.high)
        density = sp.exp(self.log_density)
        return sp.Sum(density, over) if self.discrete else sp.Integral(density, over)

    def at(self, point: Point) -> Density:
        """Return the density at one draw of the parameters."""

        def number(x: Expr) -> Any:
            return evaluate(sp.sympify(x), point)

        log = _function(self.log_density, (self.variable,), point)
        corners = tuple(number(x) for x in self.corners)
        return Density(log, number(self.low), number(self.high), self.discrete, corners)


def expectations(
    laws: Sequence[Law], means: Iterable[Mean], point: Point, digits: int = _DIGITS
) -> dict[Mean, Any]:
    """Return {E[…]: number} to so many digits at one draw of the parameters.

    With several independent variables each statistic must be a sum of products of functions of
    one variable.
    """
    means = list(means)
    wanted: dict[Law, dict[Expr, Any]] = defaultdict(dict)
    terms = {
        mean: [
            (term.as_independent(*mean.variables, as_Add=False)[0], _parts(term, laws))
            for term in sp.Add.make_args(sp.expand(mean.statistic))
        ]
        for mean in means
    }
    for products in terms.values():
        for _, parts in products:
            for law, factor in parts.items():
                wanted[law][factor] = None
    with mp.workdps(2 * digits + 30):
        for law, factors in wanted.items():
            together = _vector([_function(factor, (law.variable,), point) for factor in factors])
            density = law.at(point)
            values = expect(density, density, together, _TYPICAL, digits)
            wanted[law] = dict(zip(factors, values, strict=True))
        return {
            mean: mp.fsum(
                evaluate(constant, point)
                * mp.fprod(wanted[law][factor] for law, factor in parts.items())
                for constant, parts in products
            )
            for mean, products in terms.items()
        }


def _parts(term: Expr, laws: Sequence[Law]) -> dict[Law, Expr]:
    """Return the factor of a product that depends on each variable."""
    parts = {}
    _, rest = term.as_independent(*(law.variable for law in laws), as_Add=False)
    for law in laws:
        rest, factor = rest.as_independent(law.variable, as_Add=False)
        others = factor.free_symbols & {other.variable for other in laws} - {law.variable}
        if others:
            raise ValueError(f"{factor} is no product of functions of one variable each")
        if factor != 1 or len(laws) == 1:
            parts[law] = factor
    return parts


def evaluate_with_means(
    expressions: Sequence[Expr], laws: Sequence[Law], point: Point, digits: int = _DIGITS
) -> list[Any]:
    """Return the values of expressions, what is left of E[…] by quadrature."""
    means = sorted({m for e in expressions for m in e.atoms(Mean)}, key=sp.default_sort_key)
    names = {mean: sp.Symbol(f"E{i}", real=True) for i, mean in enumerate(means)}
    numbers = expectations(laws, means, point, digits) if means else {}
    point = {**point, **{names[mean]: number for mean, number in numbers.items()}}
    return [evaluate(expression.xreplace(names), point) for expression in expressions]


def _vector(functions: Sequence[Callable[[Any], Any]]) -> Callable[[Any], list[Any]]:
    return lambda x: [f(x) for f in functions]


def _function(expression: Expr, variables: Sequence[Expr], point: Point) -> Callable[[Any], Any]:
    symbols = tuple(sorted(expression.free_symbols - set(variables), key=str))
    f = compiled(expression, (*variables, *symbols))
    numbers = [point[s] for s in symbols]
    return lambda x: f(x, *numbers)
