"""What a family states once: its density, where it lives, what to draw, and its moments."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from klosed.derivations._quadrature import Law

__all__ = ["Family", "Moment", "Side"]

Expr = Any
Interval = tuple[float, float] | range
_STEPS = 2**20


@dataclass(frozen=True)
class Moment:
    """The expectation of a statistic, which a step of its own shows: by quadrature or summation.

    Attributes
    ----------
    statistic, value : sympy expressions
    reason : str
        Where it comes from, in one line.
    """

    statistic: Expr
    value: Expr
    reason: str = "known moment"


@dataclass(frozen=True)
class Family:
    """A family of distributions, as its derivations need it.

    Attributes
    ----------
    name : str
        The class in klosed.distributions.
    draws : mapping of symbol to interval
        Its free symbols and where to draw each: (low, high), or a range of whole numbers.
    parameters : mapping of str to expression, or nested tuples of them
        What the class is called with, in terms of the symbols.
    variables : tuple of symbols
        One outcome.
    log_density : expression
        As the textbooks have it, in `variables`.
    low, high, discrete, corners
        Ends of the support, whether it is of whole numbers, and points between the ends at which
        the density is not smooth.
    moments : tuple of Moment
        Expectations of the statistics that log-densities are made of.
    entropy : expression, optional
        The form to arrive at; without one the sum of the moments stands.
    laws : tuple of Law
        For vectors: independent random numbers that an outcome is made of.
    outcome : tuple of expressions
        For vectors: `variables` in terms of the numbers in `laws`.
    coordinates : tuple of int, optional
        For vectors on which a constraint lies: the density is with respect to these entries. By
        default it is with respect to length, area or volume.
    log_ways : expression
        For vectors of whole numbers: the logarithm of how many values of the numbers in `laws` make
        the same outcome, in `variables`.
    make, call : callable and str, optional
        How the shipped distribution is made from the arrays of `parameters`, where it is not by a
        call of the class; and how that is written, with ``{}`` for the arguments.
    """

    name: str
    draws: Mapping[Expr, Interval]
    parameters: Mapping[str, Expr]
    variables: tuple[Expr, ...]
    log_density: Expr
    low: Expr = -sp.oo
    high: Expr = sp.oo
    discrete: bool = False
    corners: tuple[Expr, ...] = ()
    moments: tuple[Moment, ...] = ()
    entropy: Expr | None = None
    laws: tuple[Law, ...] = ()
    outcome: tuple[Expr, ...] = ()
    coordinates: tuple[int, ...] | None = None
    log_ways: Expr = 0
    make: Callable[..., Any] | None = None
    call: str = ""

    @property
    def made_of(self) -> tuple[Law, ...]:
        """The independent random numbers that an outcome is made of; itself, on the line."""
        if self.laws:
            return self.laws
        (x,) = self.variables
        return (Law(x, self.log_density, self.low, self.high, self.discrete, self.corners),)


class Side:
    """A family as q or as p: its symbols carry the side's name, and are its attributes.

    `GAMMA` with a symbol `alpha` has `side.alpha`, the symbol `alpha_q` or `alpha_p`. Symbols
    named in `shared` have no side.
    """

    def __init__(self, family: Family, name: str, shared: Sequence[str] = ()) -> None:
        self.family, self.side = family, name
        self._renamed = {
            symbol: symbol
            if symbol.name in shared
            else sp.Symbol(f"{symbol.name}_{name}", **symbol.assumptions0)
            for symbol in family.draws
        }

    def __getattr__(self, name: str) -> Any:
        for symbol, renamed in self._renamed.items():
            if symbol.name == name.rstrip("_"):  # q.lambda_ for the symbol lambda
                return renamed
        raise AttributeError(f"{self.family.name} has no symbol {name!r}")

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """The free symbols."""
        return tuple(self._renamed.values())

    @property
    def parameters(self) -> dict[str, NDArray[Any]]:
        """What the class is called with: arrays of expressions."""
        return {
            name: np.vectorize(self.rename, otypes=[object])(np.array(value, dtype=object))
            for name, value in self.family.parameters.items()
        }

    @property
    def laws(self) -> tuple[Law, ...]:
        """The independent random numbers that an outcome is made of."""
        return tuple(
            Law(
                law.variable,
                self.rename(law.log_density),
                self.rename(law.low),
                self.rename(law.high),
                law.discrete,
                tuple(self.rename(x) for x in law.corners),
            )
            for law in self.family.made_of
        )

    @property
    def outcome(self) -> tuple[Expr, ...]:
        """One outcome in terms of those random numbers."""
        return tuple(self.rename(x) for x in self.family.outcome or self.family.variables)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The family's own moments."""
        return tuple(
            Moment(self.rename(m.statistic), self.rename(m.value), m.reason)
            for m in self.family.moments
        )

    def log_density_at(self, outcome: Sequence[Expr]) -> Expr:
        """Return the log-density of an outcome."""
        return self._at(outcome, self.family.log_density)

    def log_ways_at(self, outcome: Sequence[Expr]) -> Expr:
        """Return the logarithm of how many ways lead to an outcome."""
        return self._at(outcome, self.family.log_ways)

    def _at(self, outcome: Sequence[Expr], expression: Expr) -> Expr:
        where = dict(zip(self.family.variables, outcome, strict=True))
        return self.rename(expression).subs(where, simultaneous=True)

    def rename(self, expression: Expr) -> Expr:
        """Return an expression of the family's symbols in this side's symbols."""
        return sp.sympify(expression).xreplace(self._renamed)

    def draw(self, rng: random.Random, override: Mapping[str, Interval]) -> dict[Expr, Any]:
        """Draw the symbols: binary fractions, so that float64 and mpmath see the same number."""
        return {
            renamed: _draw(rng, override.get(renamed.name, self.family.draws[symbol]))
            for symbol, renamed in self._renamed.items()
        }


def _draw(rng: random.Random, interval: Interval) -> Any:
    if isinstance(interval, range):
        return rng.choice(interval)
    low, high = interval
    return low + (high - low) * rng.randrange(1, _STEPS) / _STEPS
