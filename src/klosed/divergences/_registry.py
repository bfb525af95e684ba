"""Which pairs have a closed form, and how one is added. Imports only distributions and below.

A pair of ours stands in the file here that is named as that of one of its two families, and is
imported when the first pair of that family is asked for.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from klosed._arrays import Array, broadcast, is_nowhere, namespace
from klosed.distributions._base import Distribution, Gradients, mask_gradient
from klosed.errors import NoClosedFormError

__all__ = [
    "KLRule",
    "closed_form_pairs",
    "find_rule",
    "has_closed_form",
    "no_closed_form",
    "raw_grad_kl",
    "raw_kl",
    "register_kl",
]

Family = type[Distribution]


class KLRule:
    """KL(q‖p) of one pair of families: the formula, and its gradient beside it."""

    def __init__(
        self, value: Callable[[Any, Any], Array], when: Callable[[Any, Any], bool]
    ) -> None:
        self.value, self.when = value, when
        self.grad: Callable[[Any, Any], Any] | None = None

    def gradient(self, grad: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Decorate grad(q, p) -> ({coordinate: gradient} for q, the same for p)."""
        self.grad = grad
        return grad


_RULES: dict[tuple[Family, Family], KLRule] = {}
_FILES = frozenset(
    file.name
    for file in pkgutil.iter_modules([str(Path(__file__).parent)])
    if not file.name.startswith("_")
)


def register_kl(
    type_q: Family, type_p: Family, when: Callable[[Any, Any], bool] = lambda q, p: True
) -> Callable[[Callable[[Any, Any], Array]], KLRule]:
    """Register the closed form of KL(q‖p) for two families.

    The decorated function receives q and p with raw arrays and returns nats of the broadcast
    batch shape; its `.gradient` decorates the closed-form gradient. Without one, PyTorch and JAX
    differentiate the formula themselves and `kl_value_and_grad` is refused. Registering a pair
    again replaces its formula. `when(q, p)` may restrict a rule to some members of the families.

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
        rule = KLRule(value, when)
        if value.__module__.startswith("klosed.divergences."):
            # imported late, a formula of ours must not replace one that was registered before
            _RULES.setdefault((type_q, type_p), rule)
        else:
            _RULES[type_q, type_p] = rule
        return rule

    return register


def closed_form_pairs() -> tuple[tuple[Family, Family], ...]:
    """Return every registered pair (type of q, type of p), sorted by name."""
    for file in _FILES:
        _load(file)
    return tuple(sorted(_RULES, key=lambda pair: (pair[0].__name__, pair[1].__name__)))


def find_rule(q: Distribution, p: Distribution) -> KLRule | None:
    """Return the rule of the nearest registered ancestors of two families, or None."""
    for ancestor in (*type(q).__mro__, *type(p).__mro__):
        _load(ancestor.__module__.rpartition(".")[2])
    for ancestor_q in type(q).__mro__:
        for ancestor_p in type(p).__mro__:
            rule = _RULES.get((ancestor_q, ancestor_p))
            if rule is not None and rule.when(q, p):
                return rule
    return None


def _load(file: str) -> None:
    """Import the file of divergences of that name, if there is one."""
    if file in _FILES:
        importlib.import_module(f"klosed.divergences.{file}")


# torch.compile, which can trace no import, then runs it instead
_load._dynamo_marked_constant = True  # type: ignore[attr-defined]


def has_closed_form(q: Distribution, p: Distribution) -> bool:
    """Return True where kl_divergence(q, p) has an answer: a formula, or inf by the supports.

    Examples
    --------
    >>> from klosed import Normal
    >>> from klosed.divergences import has_closed_form
    >>> has_closed_form(Normal(0.0, 1.0), Normal(1.0, 1.0))
    True
    """
    if q.event_shape != p.event_shape:
        return False
    return find_rule(q, p) is not None or is_nowhere(p.support.covers(q.support))


def raw_kl(q: Distribution, p: Distribution) -> Array:
    """Return KL(q‖p) of operands with raw arrays that have a closed form, for use in a rule.

    Infinite where the support of q leaves that of p; of the broadcast batch shape.
    """
    shape = tuple(np.broadcast_shapes(q.batch_shape, p.batch_shape))
    covered = p.support.covers(q.support)
    rule = find_rule(q, p)
    if covered is False or rule is None:
        return broadcast(q.array(math.inf), shape)
    value = rule.value(q, p)
    if covered is not True and not is_nowhere(~covered):
        value = namespace(value).where(covered, value, math.inf)
    return broadcast(value, shape)


def raw_grad_kl(q: Distribution, p: Distribution) -> tuple[Gradients, Gradients]:
    """Return the gradient of `raw_kl`; 0 where the divergence is infinite by the supports."""
    covered = p.support.covers(q.support)
    rule = find_rule(q, p)
    if covered is False or rule is None or rule.grad is None:
        return {}, {}
    of_q, of_p = rule.grad(q, p)
    if covered is True or is_nowhere(~covered):
        return of_q, of_p
    return (
        {name: mask_gradient(q, covered, g) for name, g in of_q.items()},
        {name: mask_gradient(p, covered, g) for name, g in of_p.items()},
    )


def no_closed_form(type_q: Family, type_p: Family) -> NoClosedFormError:
    """Return the error for a pair without a closed form, with what there is instead."""
    names = f"KL({type_q.__name__}‖{type_p.__name__})"
    restricted = " with these parameters" if (type_q, type_p) in _RULES else ""
    near = [
        f"{a.__name__}→{b.__name__}"
        for a, b in closed_form_pairs()
        if issubclass(type_q, a) or issubclass(type_p, b)
    ]
    ancestors = {ancestor.__name__ for ancestor in (*type_q.__mro__, *type_p.__mro__)}
    bounds = (
        "kl_bounds(q, p) for a lower and an upper bound, "
        if "MixtureSameFamily" in ancestors
        else ""
    )
    return NoClosedFormError(
        f"no closed form is known for {names}{restricted}. Nearest pairs that have one: "
        f"{', '.join(near) or 'none'}. Use {bounds}kl_monte_carlo(q, p, n_samples, seed) for an "
        f"estimate with its standard error, or add a formula with "
        f"@register_kl({type_q.__name__}, {type_p.__name__})."
    )
