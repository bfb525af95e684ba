"""E[…] as a SymPy expression: linear, differentiable through the density, left unevaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

__all__ = ["Mean", "differentiate", "linear", "put_in"]

Expr = Any


class Mean(sp.Expr):  # type: ignore[misc]
    """The expectation of a statistic of random variables under q.

    Parameters
    ----------
    statistic : sympy expression
    *variables : sympy symbols
        What is random in it.
    """

    is_real = True
    is_commutative = True

    def __new__(cls, statistic: Expr, *variables: Expr) -> Mean:
        """Return E[statistic], unevaluated."""
        return sp.Expr.__new__(cls, sp.sympify(statistic), *variables)

    @property
    def statistic(self) -> Expr:
        """What is averaged."""
        return self.args[0]

    @property
    def variables(self) -> tuple[Expr, ...]:
        """The random variables."""
        return self.args[1:]

    @property
    def free_symbols(self) -> set[Expr]:
        """Symbols of the statistic that are not averaged over."""
        return self.statistic.free_symbols - set(self.variables)

    def doit(self, **hints: Any) -> Expr:
        """Return the same by linearity: a sum of coefficients times E of single statistics."""
        return linear(self.statistic, self.variables)

    def _eval_derivative(self, symbol: Expr) -> Expr:
        raise TypeError("E[…] depends on the density too: use differentiate()")

    def _sympystr(self, printer: Any) -> str:
        return f"E[{printer.doprint(self.statistic)}]"

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\operatorname{{E}}_q\left[{printer.doprint(self.statistic)}\right]"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"


def linear(statistic: Expr, variables: tuple[Expr, ...]) -> Expr:
    """Return E[statistic] with sums taken apart and constants taken out."""
    total = []
    for term in sp.Add.make_args(sp.expand(statistic)):
        constant, random = term.as_independent(*variables, as_Add=False)
        total.append(constant if random == 1 else constant * Mean(random, *variables))
    return sp.Add(*total)


def put_in(expression: Expr, moments: Mapping[Mean, Expr]) -> Expr:
    """Return `expression` by linearity, with the moments that are known in place of E[…]."""
    return expression.doit().xreplace(dict(moments))


def differentiate(expression: Expr, symbol: Expr, log_density: Expr) -> Expr:
    """Return the derivative in a parameter of q or p, through E[…] by the score of q.

    ∂E[T] = E[∂T] + E[T ∂log q].
    """
    means = sorted(expression.atoms(Mean), key=sp.default_sort_key)
    names = {mean: sp.Dummy(real=True) for mean in means}
    plain = expression.xreplace(names)
    slope = sp.diff(plain, symbol).xreplace({v: k for k, v in names.items()})
    score = sp.diff(log_density, symbol)
    for mean, name in names.items():
        inner = sp.diff(mean.statistic, symbol) + mean.statistic * score
        weight = sp.diff(plain, name).xreplace({v: k for k, v in names.items()})
        slope += weight * linear(inner, mean.variables)
    return slope
