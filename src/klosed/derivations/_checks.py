"""A whole derivation shown: every step, and for a pair the shipped code. One call a derivation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from klosed.derivations._catalogue import find, find_pair, made_by_hand, pairs
from klosed.derivations._pairs import Worked
from klosed.derivations._render import render
from klosed.derivations._shipped import Held, hold
from klosed.derivations._steps import Derivation, Mark, Verdict, verify

__all__ = ["Report", "Wanted", "everything", "report"]

Wanted = tuple[str, str] | tuple[str]
"""Names of q and p, or the name of a derivation made by hand."""


@dataclass(frozen=True)
class Report:
    """What was shown of one derivation."""

    name: str
    verdicts: tuple[Verdict, ...]
    held: Held | None
    text: str

    @property
    def ok(self) -> bool:
        """Whether every step is proved or checked, and the shipped code agrees."""
        shown = all(verdict.mark is not Mark.FAILED for verdict in self.verdicts)
        return shown and (self.held is None or self.held.ok)

    @property
    def line(self) -> str:
        """The outcome on one line."""
        counts = Counter(verdict.mark.value for verdict in self.verdicts)
        parts = [", ".join(f"{count} {mark}" for mark, count in sorted(counts.items()))]
        if self.held:
            name, error = self.held.worst
            parts.append(f"klosed within {error:.1e} ({name})")
        wrong = next((v.detail for v in self.verdicts if v.mark is Mark.FAILED), None)
        parts += [f"failed: {wrong}"] if wrong else []
        return f"{'✓' if self.ok else '✗'} {self.name}: {'; '.join(parts)}"


def everything() -> tuple[Wanted, ...]:
    """Return the names of all derivations."""
    return (*pairs(), *((name,) for name in made_by_hand()))


def report(wanted: Wanted, form: str = "text") -> Report:
    """Show every step of one derivation, and render it.

    Parameters
    ----------
    wanted : tuple of str
        The names of two families, or of one derivation made by hand.
    form : {"text", "markdown", "latex"}
    """
    worked: Worked | None = None
    held: Held | None = None
    if len(wanted) == 2:
        worked = find_pair(*wanted)
        derivation: Derivation = worked.derivation
        held = hold(worked)
    else:
        derivation = find(*wanted)
    verdicts = tuple(verify(step, derivation.draw) for step in derivation.steps)
    text = render(derivation, verdicts, form, worked=worked, held=held)
    return Report(derivation.name, verdicts, held, text)
