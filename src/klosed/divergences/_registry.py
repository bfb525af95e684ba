"""Which pairs have a closed form, and how one is added. Imports only distributions and below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klosed.distributions import Distribution
from klosed.errors import NoClosedFormError

__all__ = ["KLRule", "closed_form_pairs", "find_rule", "no_closed_form", "register_kl"]

Array = Any
Family = type[Distribution]


class KLRule:
    """KL(q‖p) of one pair of families: the formula, and its gradient beside it."""

    def __init__(self, value: Callable[[Any, Any], Array]) -> None:
        self.value = value
        self.grad: Callable[[Any, Any], Any] | None = None

    def gradient(self, grad: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Decorate grad(q, p) -> ({coordinate: gradient} for q, the same for p)."""
        self.grad = grad
        return grad


_RULES: dict[tuple[Family, Family], KLRule] = {}


def register_kl(type_q: Family, type_p: Family) -> Callable[[Callable[[Any, Any], Array]], KLRule]:
    """Register the closed form of KL(q‖p) for two families.

    The decorated function receives q and p with raw arrays and returns nats of the broadcast
    batch shape; its `.gradient` decorates the closed-form gradient. Without one, PyTorch and JAX
    differentiate the formula themselves and `kl_value_and_grad` is refused. Registering a pair
    again replaces its formula.

    Examples
    --------
    >>> from klosed import Normal, kl_divergence, register_kl
    >>> class Shifted(Normal):
    ...     '''A normal distribution of a type of its own.'''
    >>> @register_kl(Shifted, Shifted)
    ... def kl_shifted_shifted(q, p):
    ...     return (q.core.loc - p.core.loc) ** 2 / 2
    >>> float(kl_divergence(Shifted(0.0, 1.0), Shifted(2.0, 1.0)))
    2.0
    """

    def register(value: Callable[[Any, Any], Array]) -> KLRule:
        rule = KLRule(value)
        _RULES[type_q, type_p] = rule
        return rule

    return register


def closed_form_pairs() -> tuple[tuple[Family, Family], ...]:
    """Return every registered pair (type of q, type of p), sorted by name."""
    return tuple(sorted(_RULES, key=lambda pair: (pair[0].__name__, pair[1].__name__)))


def find_rule(type_q: Family, type_p: Family) -> KLRule | None:
    """Return the rule of the nearest registered ancestors of two families, or None."""
    for ancestor_q in type_q.__mro__:
        for ancestor_p in type_p.__mro__:
            rule = _RULES.get((ancestor_q, ancestor_p))
            if rule is not None:
                return rule
    return None


def no_closed_form(type_q: Family, type_p: Family) -> NoClosedFormError:
    """Return the error for a pair without a closed form, with what there is instead."""
    names = f"KL({type_q.__name__}‖{type_p.__name__})"
    near = [
        f"{a.__name__}→{b.__name__}"
        for a, b in closed_form_pairs()
        if issubclass(type_q, a) or issubclass(type_p, b)
    ]
    return NoClosedFormError(
        f"no closed form is known for {names}. Nearest pairs that have one: "
        f"{', '.join(near) or 'none'}. Use kl_monte_carlo(q, p, n_samples, seed) for an estimate "
        f"with its standard error, or add a formula with "
        f"@register_kl({type_q.__name__}, {type_p.__name__})."
    )
