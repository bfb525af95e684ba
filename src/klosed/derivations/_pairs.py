"""From two families to entropy, cross-entropy, KL and its gradient, one step at a time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from klosed.derivations._as_shipped import AS_SHIPPED
from klosed.derivations._families import Family, Interval, Moment, Side
from klosed.derivations._means import Mean, differentiate, linear, put_in
from klosed.derivations._quadrature import Law, evaluate_with_means, expectations
from klosed.derivations._steps import Derivation, Point, Step

__all__ = ["Pair", "Result", "Worked"]

Expr = Any


@dataclass(frozen=True)
class Pair:
    """What is stated of one pair of families beyond the families themselves.

    Attributes
    ----------
    q, p : str
        The classes in klosed.distributions.
    kl : callable, optional
        kl(q, p) -> the form to arrive at, from the sides' symbols. Without one the difference of
        cross-entropy and entropy stands.
    moments : callable, optional
        moments(q, p) -> expectations under q that only this pair needs.
    gradients : callable, optional
        gradients(q, p) -> {symbol: the form to arrive at} for some of the symbols.
    draws : mapping of str to interval
        What to draw for symbols such as "low_p" where a family's own draws do not fit this pair.
    shared : sequence of str
        Symbols, such as a number of trials, of which q and p have the same.
    family_q, family_p : Family, optional
        What to take where a class, such as `TransformedDistribution`, holds several families.
    steps : callable, optional
        steps(q, p) -> steps that come before the others.
    shown : mapping
        {step: (text, LaTeX)}: equations to print where the expressions of a small case are too
        long to read, for "outcome", "entropy apart", "entropy", "cross-entropy apart",
        "cross-entropy", "KL", "KL as computed" and "gradient in alpha_q".
    case : str
        What small case the expressions are, such as "in two dimensions"; part of the title.
    budget : float
        Relative error allowed to the shipped function: value and gradient.
    relative_to_largest : bool
        Hold a gradient's error relative to the largest entry, where its terms may cancel.
    """

    q: str
    p: str
    kl: Callable[[Side, Side], Expr] | None = None
    moments: Callable[[Side, Side], Sequence[Moment]] | None = None
    gradients: Callable[[Side, Side], Mapping[Expr, Expr]] | None = None
    draws: Mapping[str, Interval] = field(default_factory=dict)
    shared: Sequence[str] = ()
    family_q: Family | None = None
    family_p: Family | None = None
    steps: Callable[[Side, Side], Sequence[Step]] | None = None
    shown: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    case: str = ""
    budget: float = 1e-12
    relative_to_largest: bool = False

    @property
    def name(self) -> str:
        """Such as normal-normal."""
        return f"{self.q}-{self.p}".lower()


@dataclass(frozen=True)
class Result:
    """What is derived, in the sides' symbols; E[…] is left where nothing closed is known."""

    kl: Expr
    entropy: Expr
    cross_entropy: Expr
    gradients: dict[Expr, Expr]


class Worked:
    """A pair, worked out."""

    def __init__(self, pair: Pair, family_q: Family, family_p: Family) -> None:
        self.pair = pair
        self.q, self.p = Side(family_q, "q", pair.shared), Side(family_p, "p", pair.shared)

    @cached_property
    def laws(self) -> tuple[Law, ...]:
        """The random numbers that q's outcome is made of; log p bends where p has its corners."""
        if self.q.family.laws or not self.p.family.corners:
            return self.q.laws
        (law,) = self.q.laws
        corners = (*law.corners, *map(self.p.rename, self.p.family.corners))
        return (dataclasses.replace(law, corners=corners),)

    def draw(self, rng: random.Random) -> Point:
        """Draw admissible parameters of both sides."""
        return {**self.p.draw(rng, self.pair.draws), **self.q.draw(rng, self.pair.draws)}

    @cached_property
    def result(self) -> Result:
        """The expressions arrived at."""
        entropy = self._final_entropy
        return Result(self._kl, entropy, self._cross_entropy, self._gradients)

    @cached_property
    def derivation(self) -> Derivation:
        """Every step, in order."""
        pair, ours = self.pair, self.pair.steps(self.q, self.p) if self.pair.steps else ()
        return Derivation(
            pair.name,
            ", ".join(filter(None, [f"KL({pair.q} ‖ {pair.p})", pair.case])),
            (
                *ours,
                *self._densities,
                *self._moment_steps,
                *self._expectation("entropy", "H(q)", self._log_q, self._final_entropy),
                *self._expectation("cross-entropy", "H(q, p)", self._log_p, self._cross_entropy),
                Step(
                    "KL",
                    sp.Add(self._cross_entropy, sp.Mul(-1, self._final_entropy, evaluate=False)),
                    self._kl,
                    "KL(q‖p) = H(q, p) − H(q)",
                    shown=self._shown("KL"),
                ),
                *self._regrouped,
                *self._gradient_steps,
            ),
            self.draw,
        )

    # What is averaged ------------------------------------------------------------------------

    @cached_property
    def _variables(self) -> tuple[Expr, ...]:
        return tuple(law.variable for law in self.laws)

    @cached_property
    def _log_q(self) -> Expr:
        return self.q.log_density_at(self.q.outcome)

    @cached_property
    def _log_p(self) -> Expr:
        return self.p.log_density_at(self.q.outcome)

    @cached_property
    def _moments(self) -> dict[Mean, tuple[Expr, Moment]]:
        """Each single E[T] whose value follows from a stated moment."""
        stated = [*self.q.moments]
        if self.pair.moments:
            stated += self.pair.moments(self.q, self.p)
        known = {}
        for moment in stated:
            average = linear(moment.statistic, self._variables)
            means = average.atoms(Mean)
            if len(means) != 1:
                raise ValueError(f"{moment.statistic} is no single statistic: state its parts")
            (mean,) = means
            rest = average.subs(mean, 0)
            known[mean] = (sp.expand((moment.value - rest) / (average - rest).coeff(mean)), moment)
        return known

    @cached_property
    def _values(self) -> dict[Mean, Expr]:
        return {mean: value for mean, (value, _) in self._moments.items()}

    @cached_property
    def _final_entropy(self) -> Expr:
        stated = self.q.family.entropy
        if stated is not None:
            return self.q.rename(stated)
        return -put_in(Mean(self._log_q, *self._variables), self._values)

    @cached_property
    def _cross_entropy(self) -> Expr:
        return -put_in(Mean(self._log_p, *self._variables), self._values)

    @cached_property
    def _kl(self) -> Expr:
        if self.pair.kl is not None:
            return sp.sympify(self.pair.kl(self.q, self.p))
        return sp.expand(self._cross_entropy - self._final_entropy)

    @cached_property
    def _gradients(self) -> dict[Expr, Expr]:
        stated = self.pair.gradients(self.q, self.p) if self.pair.gradients else {}
        return {
            symbol: sp.sympify(stated.get(symbol, _tidy(slope)))
            for symbol, slope in self._slopes.items()
        }

    @cached_property
    def _slopes(self) -> dict[Expr, Expr]:
        symbols = [s for s in (*self.q.symbols, *self.p.symbols) if not s.is_integer]
        density = sp.Add(*(law.log_density for law in self.laws))
        return {s: differentiate(self._kl, s, density) for s in symbols}

    # Steps -----------------------------------------------------------------------------------

    @property
    def _densities(self) -> Sequence[Step]:
        one = sp.Integer(1)
        steps = [
            Step(
                "density",
                law.total,
                one,
                "definition: the density integrates to one"
                if not law.discrete
                else "definition: the probabilities add up to one",
                check=self._quadrature(Mean(one, law.variable), one),
            )
            for law in self.laws
        ]
        if self.q.family.laws:
            outcome = self.q.outcome
            left = self._log_q - self.q.log_ways_at(outcome)
            coordinates = self.q.family.coordinates or range(len(outcome))
            left += _log_volume([outcome[i] for i in coordinates], self.laws)
            right = sp.Add(*(law.log_density for law in self.laws))
            steps.append(
                Step(
                    "outcome",
                    left,
                    right,
                    "change of variables: an outcome made of those numbers has the density of q",
                    shown=self._shown("outcome"),
                )
            )
        return steps

    @property
    def _moment_steps(self) -> Sequence[Step]:
        used = linear(self._log_q, self._variables) + linear(self._log_p, self._variables)
        return [
            Step(
                "moment",
                Mean(moment.statistic, *self._variables),
                moment.value,
                moment.reason,
                check=self._quadrature(Mean(moment.statistic, *self._variables), moment.value),
            )
            for mean, (_, moment) in self._moments.items()
            if used.has(mean)
        ]

    def _quadrature(self, mean: Mean, value: Expr) -> Callable[[Point], tuple[Any, Any]]:
        def check(point: Point) -> tuple[Any, Any]:
            numbers = expectations(self.laws, [mean], point)
            return numbers[mean], *evaluate_with_means([sp.sympify(value)], self.laws, point)

        return check

    def _expectation(self, name: str, symbol: str, log: Expr, final: Expr) -> Sequence[Step]:
        mean = Mean(log, *self._variables)
        of = "q" if name == "entropy" else "p"
        apart = -mean.doit()
        return [
            Step(
                name,
                -mean,
                apart,
                f"definition {symbol} = −E[log {of}], linearity of E",
                shown=self._shown(f"{name} apart"),
            ),
            Step(
                name,
                apart,
                final,
                "the moments put in",
                given=self._values,
                shown=self._shown(name),
            ),
        ]

    def _shown(self, name: str, otherwise: tuple[str, str] | None = None) -> tuple[str, str] | None:
        return self.pair.shown.get(name, otherwise)

    @property
    def _regrouped(self) -> Sequence[Step]:
        form = AS_SHIPPED.get((self.pair.q, self.pair.p))
        if form is None:
            return []
        right = form(self.q.symbols, self.p.symbols)
        reason, name = "regrouped, so that nothing cancels", "KL as computed"
        return [Step(name, self._kl, right, reason, shown=self._shown(name))]

    @property
    def _gradient_steps(self) -> Sequence[Step]:
        return [
            Step(
                f"gradient in {symbol}",
                slope if self._kl.has(Mean) else sp.Derivative(self._kl, symbol),
                self._gradients[symbol],
                "differentiate",
                shown=self._shown(
                    f"gradient in {symbol}",
                    _as_gradient(symbol),
                ),
            )
            for symbol, slope in self._slopes.items()
        ]


def _log_volume(outcome: Sequence[Expr], laws: Sequence[Law]) -> Expr:
    """Return the logarithm of how much the map from the laws' numbers to an outcome stretches."""
    if any(law.discrete for law in laws):
        return sp.Integer(0)
    slopes = sp.Matrix(outcome).jacobian([law.variable for law in laws])
    if slopes.rows == slopes.cols:
        return sp.log(sp.Abs(slopes.det()))
    return sp.log(sp.simplify((slopes.T * slopes).det())) / 2


def _as_gradient(symbol: Expr) -> tuple[str, str]:
    in_latex = rf"\frac{{\partial \mathrm{{KL}}}}{{\partial {sp.latex(symbol)}}}"
    return f"∂KL/∂{symbol} = {{right}}", f"{in_latex} = {{right}}"


def _tidy(expression: Expr) -> Expr:
    candidates = [expression, sp.factor_terms(expression), sp.factor_terms(sp.expand(expression))]
    return min(candidates, key=sp.count_ops)
