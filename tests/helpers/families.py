"""Every family of the library as named instances: the laws in tests/laws hold for each of them.

Adding a family is adding entries here. Each entry is a batch of three; vectors have length two.
Give a family at least two entries, one for each set of alternative parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from families_directions import DIRECTIONS
from families_discrete import DISCRETE
from families_gamma import GAMMA_RELATIVES
from families_location_scale import LOCATION_SCALE
from families_matrices import MATRICES
from families_mixtures import MIXTURES
from families_unit_interval import UNIT_INTERVAL
from families_vectors import VECTORS

from klosed import Distribution, Independent, Normal
from klosed.divergences import has_closed_form, kl_divergence
from klosed.errors import NoClosedFormError

__all__ = ["CHOSEN_PAIRS", "FAMILIES", "FIRST", "PAIRS", "Instance", "known"]


class Instance:
    """A family and a batch of its parameters, buildable in any array kind."""

    def __init__(self, family: Callable[..., Distribution], **parameters: Any) -> None:
        self.family, self.parameters = family, parameters

    def __call__(self, array: Callable[[Any], Any] = lambda x: x) -> Distribution:
        return self.family(**{name: array(value) for name, value in self.parameters.items()})


FAMILIES: dict[str, Instance] = {
    "normal": Instance(Normal, loc=[0.3, -1.2, 2.0], scale=[0.7, 1.9, 0.2]),
    "normal_wide": Instance(Normal, loc=[0.1, -0.9, 1.5], scale=[1.3, 1.7, 0.9]),
    "normal_log_scale": Instance(Normal, loc=[0.0, 0.4, -0.3], log_scale=[0.2, -0.5, 0.7]),
    "normal_variance": Instance(Normal, loc=[-0.2, 0.4, 1.1], variance=[1.5, 0.4, 2.2]),
    "normal_log_variance": Instance(Normal, loc=[0.6, 0.2, 1.3], log_variance=[-0.4, 0.3, 0.9]),
}


def _independent_normal(**parameters: Any) -> Distribution:
    return Independent(Normal(**parameters), 1)


FAMILIES["independent_normal"] = Instance(
    _independent_normal,
    loc=[[0.3, -1.2], [0.5, 0.1], [1.2, 0.0]],
    scale=[[0.7, 1.9], [0.4, 0.8], [1.1, 0.6]],
)
FAMILIES["independent_normal_log_scale"] = Instance(
    _independent_normal, loc=[[0.1, 0.2], [0.0, -0.7], [0.4, 0.9]], log_scale=[-0.2, 0.4]
)

FAMILIES |= {name: Instance(f, **given) for name, (f, given) in GAMMA_RELATIVES.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in LOCATION_SCALE.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in UNIT_INTERVAL.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in VECTORS.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in DISCRETE.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in DIRECTIONS.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in MATRICES.items()}
FAMILIES |= {name: Instance(f, **given) for name, (f, given) in MIXTURES.items()}


def _is_smooth(a: str, b: str) -> bool:
    """True for a finite closed form, except at the edge beyond which it is infinite."""
    q, p = FAMILIES[a](), FAMILIES[b]()
    if a == b and not isinstance(getattr(q.support, "low", 0.0), float):
        return False
    return has_closed_form(q, p) and bool(np.all(np.isfinite(kl_divergence(q, p))))


PAIRS: tuple[tuple[str, str], ...] = tuple(
    (a, b) for a in FAMILIES for b in FAMILIES if _is_smooth(a, b)
)


def known(quantity: Callable[[], Any]) -> Any:
    """Return a quantity, or None where the family has no closed form for it."""
    try:
        return quantity()
    except NoClosedFormError:
        return None


# The first instance of each type, and for slow tests a few pairs that meet every pair of types
# and every instance.
FIRST = {type(instance()): name for name, instance in reversed(FAMILIES.items())}
CHOSEN_PAIRS = tuple(
    (a, b)
    for a, b in PAIRS
    if {a, b} <= set(FIRST.values()) or b == FIRST[type(FAMILIES[a]())] or a == b
)
