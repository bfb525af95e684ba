"""Each closed form of divergences/ derived step by step, and each step shown by a machine.

Mirrors divergences/ file for file. Needs the extra `derive` (SymPy and mpmath); only the command
line, tests and docs import it.
"""

from klosed.derivations._checks import Report, everything, report
from klosed.derivations._families import Family, Moment, Side
from klosed.derivations._means import Mean
from klosed.derivations._pairs import Pair, Worked
from klosed.derivations._quadrature import Law
from klosed.derivations._shipped import Held, hold
from klosed.derivations._steps import Derivation, Mark, Step, Verdict, verify

__all__ = [
    "Derivation",
    "Family",
    "Held",
    "Law",
    "Mark",
    "Mean",
    "Moment",
    "Pair",
    "Report",
    "Side",
    "Step",
    "Verdict",
    "Worked",
    "everything",
    "hold",
    "report",
    "verify",
]
