"""Every derivation there is, found in the files of this package."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import lru_cache
from types import ModuleType

import klosed.derivations
from klosed.derivations._families import Family
from klosed.derivations._pairs import Pair, Worked
from klosed.derivations._steps import Derivation
from klosed.derivations._texts import Text
from klosed.errors import ParameterError

__all__ = ["families", "find", "find_pair", "made_by_hand", "missing_pairs", "pairs", "texts"]


@lru_cache(maxsize=1)
def _modules() -> tuple[ModuleType, ...]:
    package = klosed.derivations
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return tuple(
        importlib.import_module(f"{package.__name__}.{name}") for name in names if name[0] != "_"
    )


@lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """Return {class name: family}."""
    found = [getattr(module, "FAMILY", None) for module in _modules()]
    return {family.name: family for family in found if family is not None}


@lru_cache(maxsize=1)
def pairs() -> dict[tuple[str, str], Pair]:
    """Return {(class of q, class of p): pair}, sorted."""
    found = [pair for module in _modules() for pair in getattr(module, "PAIRS", ())]
    return dict(sorted(((pair.q, pair.p), pair) for pair in found))


@lru_cache(maxsize=1)
def made_by_hand() -> dict[str, Derivation]:
    """Return {name: derivation} of those that follow a text or a train of thought."""
    found = [d for module in _modules() for d in getattr(module, "DERIVATIONS", ())]
    return {derivation.name: derivation for derivation in found}


@lru_cache(maxsize=1)
def texts() -> dict[str, Text]:
    """Return {name: text} of the texts whose arguments are followed."""
    found = [getattr(module, "TEXT", None) for module in _modules()]
    return {text.name: text for text in found if text is not None}


def missing_pairs() -> tuple[tuple[str, str], ...]:
    """Return the registered pairs that have no derivation."""
    registered = [(q.__name__, p.__name__) for q, p in klosed.closed_form_pairs()]
    return tuple(pair for pair in registered if pair not in pairs())


def find_pair(q: str, p: str) -> Worked:
    """Return the derivation of KL(q‖p) by the names of the families, in any spelling.

    Raises
    ------
    ParameterError
        A name is unknown, or the pair has no derivation; the message names the nearest.
    """
    known = {_plain(name): name for name in {name for pair in pairs() for name in pair}}
    family_q, family_p = _nearest(q, known, "family"), _nearest(p, known, "family")
    pair = pairs().get((family_q, family_p))
    if pair is None:
        near = [f"{a} {b}" for a, b in pairs() if a == family_q or b == family_p]
        raise ParameterError(
            f"KL({family_q}‖{family_p}) has no derivation. Nearest: {', '.join(near)}."
        )
    return Worked(pair, pair.family_q or families()[pair.q], pair.family_p or families()[pair.p])


def find(name: str) -> Derivation:
    """Return a derivation made by hand by its name, in any spelling.

    Raises
    ------
    ParameterError
        The name is unknown; the message names the nearest.
    """
    known = {_plain(key): key for key in made_by_hand()}
    if _plain(name) in map(_plain, families()):
        raise ParameterError(f"{name} is a family: name a second family, to derive KL(q‖p).")
    return made_by_hand()[_nearest(name, known, "derivation")]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _nearest(name: str, known: dict[str, str], what: str) -> str:
    plain = _plain(name)
    if plain in known:
        return known[plain]
    near = get_close_matches(plain, known, n=1)
    hint = f"Did you mean {known[near[0]]}?" if near else f"There are: {', '.join(known.values())}."
    raise ParameterError(f"no {what} is called {name!r}. {hint}")
